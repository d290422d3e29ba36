"""The command ``neurons``: ranked neurons on stdout and in files, with their nulls and counts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command import call, expect_paragraph
from fake_run import CONSTANT, NASTY, write_run

from lstm_analysis import schema
from lstm_analysis.neuron_listing import GRADED_COLUMNS, list_neurons
from lstm_analysis.run import Run, open_run
from lstm_analysis.store import open_dataset

SCORE = ("concept", "layer", "neuron")
NEURON = SCORE[1:]


def add_variables(run: Run, name: str, variables: dict) -> None:
    """Put variables into a store of a fake run."""
    attrs = open_dataset(run.path / name).attrs
    xr.Dataset(variables, attrs=attrs).to_zarr(run.path / name, mode="a", consolidated=False, zarr_format=3)


CALLED = (1, 5)
"""The one neuron that is called a cliff neuron."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with tests, intervals, duplicates and cliffs."""
    run = write_run(tmp_path_factory.mktemp("tested") / "run")
    scores = run.selectivity
    rng = np.random.default_rng(2)
    shape = scores.auroc.shape
    null = np.array(["membership permuted among words"] * shape[0], object)
    names = ("type_smd", "breadth", "p_value", "p_fwer", "q_value")
    found = {name: (SCORE, rng.random(shape)) for name in names}
    found |= {"auroc_low": scores.auroc - 0.02, "auroc_high": scores.auroc + 0.02, "p_null": ("concept", null)}
    found["p_value"][1][:, 0, :] = np.nan
    group = np.arange(shape[1] * shape[2]).reshape(shape[1:])
    group[1, :3] = group[0, 0]
    found["duplicate_of"] = (NEURON, group)
    add_variables(run, "selectivity.zarr", {**found, "n_type_member": ("concept", np.full(shape[0], 25)),
                                            "n_type_matched": ("concept", np.full(shape[0], 1400))})  # fmt: skip
    names = ("tau", "baseline", "amplitude", "cliff_mean", "cliff_r_current", "level_r_current")
    cliffs = {name: (NEURON, rng.normal(size=shape[1:])) for name in names}
    cliffs["cliff_mean"][1][CONSTANT] = np.nan
    cliffs |= {
        "tau_low": cliffs["tau"],
        "tau_high": cliffs["tau"],
        "cliff_r_current_p": (NEURON, rng.random(shape[1:])),
    }
    called = np.zeros(shape[1:], np.int8)
    called[CALLED] = 1
    cliffs["cliff_neuron"] = (NEURON, called)
    add_variables(run, "sentence_position.zarr", {**cliffs, "n_boundary": ((), 60)})
    return open_run(run.path)


def test_the_table_has_what_the_scores_have_and_no_more(plain: Run) -> None:
    ended = call("neurons", plain.path, "--concept", "idiom", "--n", 3)
    assert (ended.code, ended.err) == (0, "")
    head, names, *rows, note = ended.out.splitlines()
    assert head == "idiom: 6 tokens, 6 types, 6 documents against 594 tokens, 8 types, 12 documents"
    assert names.split() == ["neuron", "auroc"]
    assert len({len(line) for line in (names, *rows)}) == 1, "aligned"
    scores = plain.selectivity.auroc.sel(concept="idiom").stack(at=NEURON)
    best = scores.isel(at=np.argsort(-abs(scores.fillna(0.5) - 0.5).values, kind="stable")[:3])
    expected = [f"{a}:{b} {v:.3f}" for (a, b), v in zip(best.at.values, best.values, strict=True)]
    assert [" ".join(row.split()) for row in rows] == expected
    assert note == "no null distribution was computed, so there is no p: the scores describe"


def test_the_null_and_the_counts_stand_beside_the_p(tested: Run) -> None:
    lines = call("neurons", tested.path, "--concept", "idiom 2", "--n", "all").out.splitlines()
    assert lines[0].endswith("; by words: 25 against 1,400 matched words")
    names = [
        "neuron",
        "auroc",
        "type_smd",
        "breadth",
        "p_value",
        "p_fwer",
        "q_value",
        "the",
        "same",
        "up",
        "to",
        "sign",
    ]
    assert lines[1].split() == names
    assert all("[" in line for line in lines[2:-2])
    assert sum(": -" in line or "  -  " in line for line in lines[2:-2]) > 0, "what is not tested has no p"
    assert lines[-2] == "[..., ...]: 95 % interval over blocks of documents"
    assert lines[-1] == (
        "p_value: membership permuted among words; p_fwer: for the best of all neurons; q_value: false discovery rate "
        "over concepts and neurons"
    )
    (row,) = [line for line in lines if "1:1, 1:2" in line or "1:0, 1:2" in line or "1:0, 1:1" in line]
    assert row.split()[0] in {"0:0", "1:0", "1:1", "1:2"}


def test_options_choose_and_order(tested: Run) -> None:
    arguments = ("neurons", tested.path, "--concept", "idiom", "--json", "--n", "all")
    every = json.loads(call(*arguments, "--keep-duplicates").out)
    assert (every["concept"], every["by"], len(every["neurons"])) == ("idiom", "auroc", 13)
    assert "duplicates" not in every["neurons"][0]
    assert len(json.loads(call(*arguments).out)["neurons"]) == 10
    chosen = json.loads(call(*arguments, "--by", "type_smd", "--layer", 1, "--sign", "up", "--q", 0.5).out)
    rows = chosen["neurons"]
    assert 0 < len(rows) < 7
    assert all(row["layer"] == 1 and row["sign"] == 1 and row["q_value"] <= 0.5 for row in rows)
    assert [row["type_smd"] for row in rows] == sorted((row["type_smd"] for row in rows), reverse=True)
    table, by = list_neurons(tested, "idiom", "type_smd", n=None, layer=1, sign=1, q=0.5)
    assert by == "type_smd"
    assert table["neuron"].tolist() == [row["neuron"] for row in rows]


def test_json_is_valid_where_scores_are_undefined(tested: Run) -> None:
    text = call("neurons", tested.path, "--concept", NASTY, "--json", "--layer", "0").out
    rows = json.loads(text, parse_constant=pytest.fail)["neurons"]
    assert rows[0]["p_value"] is None
    assert isinstance(rows[0]["n_token_target"], int)
    assert rows[0]["p_null"] == "membership permuted among words"
    empty = json.loads(call("neurons", tested.path, "--concept", "empty", "--json").out)
    assert empty["neurons"] == []


def test_nothing_found_is_said(tested: Run) -> None:
    ended = call("neurons", tested.path, "--concept", "empty")
    assert (ended.code, ended.out.count("\n")) == (0, 1)
    assert ended.out.startswith("No neuron fits, or none has a score auroc.")


def test_sentence_position_lists_the_cliffs(tested: Run) -> None:
    ended = call("neurons", tested.path, "--concept", "sentence_position", "--n", 4)
    lines = ended.out.splitlines()
    assert lines[0] == "neurons by cliff_mean, fall from the end symbol to the next token"
    columns = ["neuron", "cliff_mean", "cliff_neuron", "tau", "baseline", "eta2", "cliff_r_current", "level_r_current"]
    assert lines[1].split()[:8] == columns
    assert [line.split("(p")[0].split()[2] for line in lines[2:6]] == ["called", "no", "no", "no"]
    p = float(tested.sentence_position.cliff_r_current_p[CALLED])
    assert f"(p {p:.4f})".replace("p 0.", "p .") in lines[2]
    assert lines[-1].startswith("p: of the neuron alone")
    cliff = tested.sentence_position.cliff_mean
    group = tested.selectivity.duplicate_of.values
    ranked = sorted(np.ndindex(cliff.shape), key=lambda at: -np.nan_to_num(abs(cliff.values[at]), nan=-1))
    firsts = list({int(group[at]): at for at in reversed(ranked)}.values())
    wanted = sorted(firsts, key=lambda at: (at != CALLED, -np.nan_to_num(abs(cliff.values[at]), nan=-1)))[:4]
    assert [line.split()[0] for line in lines[2:6]] == [f"{a}:{b}" for a, b in wanted]
    by_eta = json.loads(call("neurons", tested.path, "--concept", "sentence_position", "--by", "eta2", "--json").out)
    assert by_eta["by"] == "eta2"
    assert by_eta["neurons"][0]["n_boundary"] == 60


def test_sentence_position_of_a_run_without_cliffs_ranks_by_eta2(plain: Run) -> None:
    ended = call("neurons", plain.path, "--concept", "sentence_position", "--n", 2)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[1].split() == ["neuron", "eta2"]
    assert len(ended.out.splitlines()) == 4


def test_a_graded_variable_lists_those_that_follow_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", draws=99, analyses=("tuning",))
    ended = call("neurons", run.path, "--concept", "brace_depth", "--n", 3, "--keep-duplicates")
    assert ended.code == 0, ended.err
    head, names, *rows, _, note = ended.out.splitlines()
    assert head.startswith("neurons by r, correlation with the rank of a variable's value")
    assert names.split() == ["neuron", "r", *(name for name in GRADED_COLUMNS if name != "r")]
    one = run.tuning.sel(variable="brace_depth")
    size = abs(one["r"]).where(one["r"].notnull(), -1).values
    ranked = sorted(np.ndindex(size.shape), key=lambda at: (one["graded_neuron"].values[at] != 1, -size[at]))
    assert [row.split()[0] for row in rows] == [f"{layer}:{neuron}" for layer, neuron in ranked[:3]]
    assert note.startswith("p_value: the values of the variable shifted around within each document")
    expect_paragraph(call("neurons", run.path, "--concept", "brace_deph"), 1, "did you mean 'brace_depth'")
    ended = call("neurons", run.path, "--concept", "sentence_position")
    expect_paragraph(ended, 1, "its study does not ask for the analysis sentence_position. Add it to analyses")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_hold_all_columns_and_are_never_replaced_unasked(tested: Run, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "new" / f"table.{kind}"
    arguments = ("neurons", tested.path, "--concept", "idiom", f"--{kind}", file)
    ended = call(*arguments)
    assert (ended.code, ended.out) == (0, f"{file}: 10 neurons\n")
    read = pd.read_csv(file, keep_default_na=False, na_values=["NaN", ""]) if kind == "csv" else pd.read_parquet(file)
    table, _ = list_neurons(tested, "idiom")
    assert list(read) == list(table)
    np.testing.assert_allclose(read["auroc"], table["auroc"])
    before = file.read_bytes()
    expect_paragraph(call(*arguments, "--n", 2), 2, f"table.{kind} is there already. Give --force to replace it")
    assert file.read_bytes() == before
    assert call(*arguments, "--n", 2, "--force").out == f"{file}: 2 neurons\n"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    expect_paragraph(call(*arguments[:-1], tmp_path), 2, "is a folder; give the name of a file in it")


@pytest.mark.parametrize(
    ("options", "code", "pattern"),
    [
        (("--concept", "idoim"), 1, "has no concept 'idoim'; did you mean 'idiom'"),
        (("--concept", "sentence_positoin"), 1, "did you mean 'sentence_position'"),
        (("--concept", "idiom", "--by", "aucroc"), 1, "cannot rank by 'aucroc'.*did you mean 'auroc'"),
        (("--concept", "idiom", "--layer", "7"), 1, "There is no layer 7"),
        (("--concept", "idiom", "--q", "0.05"), 1, "no q_value.*Leave q away"),
        (("--concept", "idiom", "--q", "5"), 2, "--q is 5.0; it must be above 0 and at most 1"),
    ],
)
def test_mistakes_are_explained(plain: Run, options: tuple[str, ...], code: int, pattern: str) -> None:
    expect_paragraph(call("neurons", plain.path, *options), code, pattern)


@pytest.mark.parametrize("n", ["0", "-1", "x", "1.5"])
def test_n_is_a_number_or_all(plain: Run, n: str) -> None:
    ended = call("neurons", plain.path, "--concept", "idiom", "--n", n)
    assert ended.code == 2
    assert "--n" in ended.err


def test_one_form_of_output_at_a_time(plain: Run) -> None:
    ended = call("neurons", plain.path, "--concept", "idiom", "--json", "--csv", "x.csv")
    assert (ended.code, "not allowed with argument" in ended.err) == (2, True)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    expect_paragraph(call("neurons", tmp_path, "--concept", "idiom"), 2, "is not a run")


def test_every_score_that_ranks_is_in_the_vocabulary_or_of_the_position_file() -> None:
    from lstm_analysis.neuron_listing import CONCEPT_COLUMNS, POSITION_COLUMNS
    from lstm_analysis.selectivity import RANKABLE

    assert set(RANKABLE) <= {*schema.VARIABLES, *POSITION_COLUMNS, *GRADED_COLUMNS}
    assert not set(POSITION_COLUMNS) & set(CONCEPT_COLUMNS)
