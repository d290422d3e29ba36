"""Two runs matched: aligned by tokens or by words, from the command line, and how it refuses."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command import call, expect_paragraph
from fake_run import N_TIME, write_run

import lstm_analysis as la
from lstm_analysis.errors import UserError
from lstm_analysis.matching_plan import matching_plan, plan_of_run, plan_of_two
from lstm_analysis.run import Run
from lstm_analysis.store import open_dataset

SIZES = (4, 7)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two models of different size that read the same text."""
    folder = tmp_path_factory.mktemp("runs")
    small: dict[str, Any] = {"n_idiom": 6, "measures": ("auroc",), "analyses": ()}
    return write_run(folder / "one", **small), write_run(folder / "two", layer_sizes=SIZES, **small)


@dataclass
class Corpus:
    """A run as far as its text is concerned."""

    corpus: xr.Dataset
    end: str | None = None
    path: Path = Path("run")
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts = {"corpus": {"end_of_sentence": self.end}}

    def in_place(self, name: str) -> xr.Dataset:
        return getattr(self, name)  # type: ignore[no-any-return]


def table(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    names, code = np.unique(np.array(texts, object).astype(str), return_inverse=True)
    return names.astype(object), code


def of_words(texts: list[str], end: str | None = None, path: str = "words") -> Run:
    names, code = table(texts)
    columns = {"type_id": ("time", code), "sentence_position": ("time", np.arange(len(texts)) % 7)}
    return cast(Run, Corpus(xr.Dataset(columns, {"type": names}), end, Path(path)))


def of_pieces(texts: list[str], pieces: list[list[str]], path: str = "pieces") -> Run:
    names, code = table(texts)
    word = np.repeat(np.arange(len(texts)), [len(one) for one in pieces])
    tokens, token = table([piece for one in pieces for piece in one])
    columns = {
        "token_id": ("time", token), "word": ("time", word), "type_id": ("time", code[word]),
        "sentence_position": ("time", np.arange(len(word))), "word_type_id": ("corpus_word", code),
        "word_sentence_position": ("corpus_word", np.arange(len(texts)) % 7),
    }  # fmt: skip
    return cast(Run, Corpus(xr.Dataset(columns, {"type": names, "token_name": tokens}), None, Path(path)))


WORDS = ["the", "red", "the", "tape", "is", "red"] * 5
PIECES = [[*word] for word in WORDS]


def test_words_are_aligned_with_the_last_of_their_pieces() -> None:
    spoken = [text for i, word in enumerate(WORDS) for text in ([word, "</s>"] if i % 6 == 5 else [word])]
    plan = plan_of_two(of_words(spoken, "</s>"), of_pieces(WORDS, PIECES))
    last = np.cumsum([len(word) for word in WORDS]) - 1
    assert plan["other_row"].values.tolist() == last.tolist()
    assert [spoken[row] for row in plan["my_row"].values] == WORDS
    assert plan.attrs["n_type"] == 4
    the = plan["type_row"].values[0]
    assert (np.array(WORDS)[plan["type_row"].values == the] == "the").all()


def test_the_same_tokens_are_aligned_one_by_one_with_their_end_symbols() -> None:
    spoken = [*WORDS, "</s>"]
    plan = plan_of_two(of_words(spoken, "</s>"), of_words(spoken, "</s>"))
    assert plan["my_row"].values.tolist() == plan["other_row"].values.tolist() == list(range(31))
    pieces = plan_of_two(of_pieces(WORDS, PIECES), of_pieces(WORDS, PIECES))
    assert pieces.sizes["time"] == sum(map(len, WORDS))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ([*WORDS[:7], "blue", *WORDS[8:]], "number 7, counted from 0, is 'red' .token 7. in the first and 'blue'"),
        (WORDS[:-2], "30 and 28 words number 28, .* is 'is' .token 28. in the first and missing in the second"),
    ],
)
def test_other_texts_are_refused_where_they_differ(other: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        plan_of_two(of_words(WORDS), of_words(other))


def test_rare_types_have_no_row_and_late_positions_share_one() -> None:
    code = np.array([3] * 6 + [1] * 4 + [0] * 5)
    plan = matching_plan(code, np.arange(15) * 10, 4)
    assert plan["type_row"].values.tolist() == [1] * 6 + [-1] * 4 + [0] * 5
    assert plan["position"].values.tolist() == [0, 10, 20, 30, 40, 50, *[60] * 9]
    own = plan_of_run(of_pieces(WORDS, PIECES).in_place("corpus"))
    assert own.sizes["time"] == sum(map(len, WORDS))


def test_two_runs_in_python(runs: tuple[Run, Run]) -> None:
    one, two = runs
    found = la.match_neurons(one, two)
    states = [run.activations["hidden_state"].values.astype(np.float64) for run in runs]
    a, b = states[0][:, 1, 3], states[1][:, int(found["best_layer"][0, 1, 3]), int(found["best_neuron"][0, 1, 3])]
    assert float(found["r"][0, 1, 3]) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-5)
    assert int(found["n_token"]) == N_TIME
    assert found.attrs["baseline"] == "rotation"
    assert found["other_r"].sizes == {"rank": 5, "layer_other": 2, "neuron_other": 7}
    assert np.isnan(found["other_r"].values[:, 0, 4:]).all()
    assert np.isnan(found["r"].values[:, 1, 4]).all()  # constant
    assert found["r"].attrs["long_name"].startswith("Pearson")
    assert not list(Path(one.path).glob(".neuron*"))


def test_the_command_prints_a_table_and_keeps_the_store(runs: tuple[Run, Run], tmp_path: Path) -> None:
    one, two = runs
    store = tmp_path / "matched.zarr"
    ended = call("match-neurons", one.path, two.path, "--n", 3, "--output", store)
    assert ended.code == 0, ended.err
    kept = open_dataset(store).load()
    lines = ended.out.splitlines()
    n = int((kept["mutual"] == 1).sum())
    assert lines[0].startswith(f"{n} of 13 neurons have a mutual best match over 600 tokens")
    assert len(lines) == 1 + 1 + 3 + 2 + 1
    layer, neuron = map(int, lines[2].split()[0].split(":"))
    assert float(lines[2].split()[2]) == pytest.approx(float(kept["r"][0, layer, neuron]), abs=5e-4)
    best = kept["r"].isel(rank=0).where(kept["mutual"] == 1)
    assert abs(float(kept["r"][0, layer, neuron])) == float(abs(best).max())
    again = ("match-neurons", one.path, two.path, "--output", store)
    expect_paragraph(call(*again), 2, "is there already. Give --force")
    assert call(*again, "--force").code == 0


def test_all_neurons_as_json_and_csv(runs: tuple[Run, Run], tmp_path: Path) -> None:
    one, two = runs
    ended = call("match-neurons", one.path, two.path, "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert said["store"] == str(one.path / "neuron_matching.two.zarr")
    assert len(said["neurons"]) == 13
    assert {"layer", "neuron", "best_layer", "r", "r_residual", "excess_r", "mutual"} <= set(said["neurons"][0])
    file = tmp_path / "all.csv"
    ended = call("match-neurons", one.path, two.path, "--by", "selectivity", "--csv", file)
    assert ended.code == 0, ended.err
    rows = pd.read_csv(file)
    assert len(rows) == 13
    assert "r_residual" not in rows
    assert (one.path / "neuron_matching.two.selectivity.zarr").is_dir()


def test_fingerprints_are_those_of_common_concepts(runs: tuple[Run, Run]) -> None:
    found = la.match_neurons(*runs, by="selectivity")
    scores = [run.selectivity["auroc"].dropna("concept", how="all") for run in runs]
    place = {"layer": int(found["best_layer"][0, 0, 2]), "neuron": int(found["best_neuron"][0, 0, 2])}
    expected = np.corrcoef(scores[0][:, 0, 2], scores[1].isel(place))[0, 1]
    assert float(found["r"][0, 0, 2]) == pytest.approx(expected, abs=1e-5)
    assert int(found["n_concept"]) == scores[0].sizes["concept"]
    assert "n_token" not in found


def test_mistakes(runs: tuple[Run, Run], tmp_path: Path) -> None:
    one, two = runs
    expect_paragraph(call("match-neurons", one.path, one.path, "--output", tmp_path / "x"), 2, "was given twice")
    (tmp_path / "folder").mkdir()
    expect_paragraph(call("match-neurons", one.path, two.path, "--output", tmp_path / "folder"), 2, "no store of")
    bare = write_run(tmp_path / "bare", stored=False, n_idiom=1)
    expect_paragraph(call("match-neurons", one.path, bare.path), 1, "keeps no states")
    expect_paragraph(
        call("match-neurons", one.path, bare.path, "--by", "selectivity"), 1, "concepts with scores in common"
    )
    expect_paragraph(call("match-neurons", one.path, tmp_path / "none"), 2, "is not a run")
    assert not list(Path(one.path).glob(".neuron*"))
