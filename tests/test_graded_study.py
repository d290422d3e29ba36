"""A study that names graded variables: its store, stored or not, one shard or several, and what it refuses."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from graded_states import analysed
from tiny import random_tensors, write_study, write_texts

from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.corpus import READERS, Sentence
from lstm_analysis.corpus.reader import Reader
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inputs import fingerprints, trained_model, validate
from lstm_analysis.memory_plan import column_bytes, graded_bytes, worker_bytes
from lstm_analysis.reductions import tuning_curve
from lstm_analysis.run import Run
from lstm_analysis.schema import GRADED_TUNING, MISSING
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import Vocabulary

GRADED = ["size", "column", "sentence_position"]
ONE_PASS = ["tuning_mean", "tuning_sd", "n_token", "n_token_missing", "eta2", "eta2_type_adjusted"]
CHARACTERS = Vocabulary((" ", "\n", "w", *"0123456789"))


def read_numbered(text: Any, names: Any) -> Iterator[Sentence]:
    """Yield a sentence a line; a token has a column, and where this is even a size."""
    for line in text.lines():
        if tokens := line.split():
            column = [line.index(token) for token in tokens]
            size = [n // 7 if n % 2 == 0 else MISSING for n in column]
            yield Sentence(text.name, tokens, numbers={"column": column, "size": size})


@pytest.fixture(scope="module", autouse=True)
def patched() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        patch.setitem(READERS, "numbered", Reader(read_numbered, cut="line"))
        yield


def write_numbered(folder: Path, **changes: object) -> Path:
    corpus = {"format": "numbered", "path": "text/*.txt"}
    return write_study(folder, **{"corpus": corpus, "graded": GRADED, **changes})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("graded")
    file = write_numbered(folder, selectivity={"draws": 99, "twin": None})
    settings = {
        "several": ["inference.shard_tokens=128"],
        "one": ["inference.shard_tokens=100000"],
        "none": ["inference.shard_tokens=128", "store=none"],
    }
    return {name: run_study(load_study(file, keys), folder / name, in_process=True) for name, keys in settings.items()}


def columns_of(run: Run) -> dict[str, np.ndarray]:
    return {name: run.corpus[name].values for name in GRADED}


def test_the_store_is_what_states_in_memory_give(runs: dict[str, Run]) -> None:
    run = runs["several"]
    hidden = run.activations.hidden_state.values
    corpus = run.corpus
    found = analysed(hidden, corpus.type_id.values, corpus.document_start.values, columns_of(run), draws=99)
    assert (columns_of(run)["size"] == MISSING).any()
    for name in GRADED_TUNING:
        wanted, made = found[name].transpose(*GRADED_TUNING[name].dims), run.tuning[name]
        np.testing.assert_allclose(made, wanted, atol=1e-9, err_msg=name)


def test_the_store_says_what_its_variables_mean(runs: dict[str, Run]) -> None:
    found = runs["several"].tuning
    assert set(found.data_vars) == set(GRADED_TUNING)
    assert found["variable"].values.tolist() == GRADED
    for name, variable in GRADED_TUNING.items():
        assert found[name].dims == variable.dims
        assert found[name].dtype == variable.dtype
        assert found[name].attrs == variable.attrs


def test_the_position_is_that_of_its_own_analysis(runs: dict[str, Run]) -> None:
    own, found = runs["one"].sentence_position, runs["one"].tuning.sel(variable="sentence_position")
    for name in ("eta2", "eta2_type_adjusted"):
        np.testing.assert_allclose(found[name], own[name], atol=1e-12)
    np.testing.assert_allclose(found["tuning_mean"][:15], own["tuning_mean"][:15], atol=1e-9)  # sums of floats there


def test_the_curve_is_that_of_the_public_function(runs: dict[str, Run]) -> None:
    run = runs["one"]
    curve = tuning_curve(run.activations.hidden_state, run.corpus["column"]).compute()
    found = run.tuning.sel(variable="column")
    for name in ("tuning_mean", "tuning_sd", "n_token"):
        np.testing.assert_array_equal(curve[name], found[name])


def test_shards_do_not_show(runs: dict[str, Run]) -> None:
    one, several = (runs[name].tuning[[*ONE_PASS, "r", "r_low", "tuning_mean_low"]] for name in ("one", "several"))
    xr.testing.assert_allclose(one, several, rtol=0, atol=1e-5)  # states differ by round-off


def test_without_stored_states_the_one_pass_parts_are_the_same_to_the_bit(runs: dict[str, Run]) -> None:
    stored, none = runs["several"].tuning.drop_attrs(), runs["none"].tuning.drop_attrs()
    assert not (runs["none"].path / "activations.zarr").exists()
    assert set(none.data_vars) == set(ONE_PASS)
    xr.testing.assert_identical(stored[ONE_PASS], none)


@pytest.mark.parametrize("shard", [40, 1000])
def test_places_in_words_of_characters(tmp_path: Path, shard: int) -> None:
    file = write_study(tmp_path, graded=["word_position", "word_length"], analyses=[], store="none")
    save_weights(tmp_path / "model.safetensors", random_tensors(n_token=len(CHARACTERS)), CHARACTERS, {}, torch.float32)
    shutil.rmtree(tmp_path / "text")
    write_texts(tmp_path / "text", (60, 5, 40))
    keys = ["corpus.unit=token", f"inference.shard_tokens={shard}"]
    run = run_study(load_study(file, keys), tmp_path / "run", in_process=True)
    text = "".join(file.read_text() for file in sorted((tmp_path / "text").iterdir()))
    words = text.split()
    lengths, found = np.bincount([len(word) for word in words], minlength=4), run.tuning
    by_position = found["n_token"].sel(variable="word_position").values
    assert by_position[:3].tolist() == [sum(lengths[n + 1 :]) for n in range(3)]
    assert found["n_token"].sel(variable="word_length").values[:4].tolist() == [n * lengths[n] for n in range(4)]
    assert found["n_token_missing"].values.tolist() == [len(text) - sum(map(len, words))] * 2


def test_a_run_without_graded_variables_does_not_change(tmp_path: Path) -> None:
    plain, one = load_study(write_study(tmp_path)), load_study(write_numbered(tmp_path / "g", graded="column"))
    assert "graded" not in plain.as_dict()
    assert one.graded == ("column",)
    assert one.analyses == ("sentence_position", "tuning")
    model = trained_model(plain)
    before = fingerprints(plain, model, {})
    after = fingerprints(load_study(tmp_path / "tiny.yaml", ["graded=[sentence_length]"]), model, {})
    same = {name for name in before if before[name] == after[name]}
    assert same == {"corpus", "activations", "labels"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"analyses": ["tuning"], "graded": []}, r"tuning needs graded variables; the study names none"),
        ({"graded": ["column", "column"]}, r"graded.*column"),
        ({"graded": ["word_length"]}, r"word_length, which is of a character or piece.*Set corpus.unit: token"),
    ],
)
def test_studies_that_cannot_be_done_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises((UsageError, UserError), match=message):
        validate(load_study(write_numbered(tmp_path, **changes)))


def test_the_plan_of_memory_grows_with_the_variables(runs: dict[str, Run], tmp_path: Path) -> None:
    study, plain = load_study(write_numbered(tmp_path)), load_study(write_numbered(tmp_path, graded=[]))
    model, summary = trained_model(study), runs["one"].summary
    n_type = summary.sizes["table_type"]
    held = sum(summary[name].nbytes for name in summary if str(name).startswith("graded_"))
    assert 2.9 * held < graded_bytes(study, model, n_type) < 3.1 * held
    assert graded_bytes(plain, model, n_type) == 0
    grown = worker_bytes(study, model, 10**6, n_type=n_type) - worker_bytes(plain, model, 10**6, n_type=n_type)
    assert grown >= 0
    assert column_bytes(study, model, 10**6) > column_bytes(plain, model, 10**6)


def test_a_number_that_the_corpus_lacks_is_refused_before_states_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = load_study(write_numbered(tmp_path, graded=["colum"]))
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(UserError, match=r"'colum', which is no number .* did you mean 'column'\? .* size, sentence"),
    ):
        run_study(study, tmp_path / "run", in_process=True)
    assert not (tmp_path / "run" / "activations.zarr").exists()
