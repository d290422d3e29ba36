"""A study with periodicity: what it measures is what its states say, whatever the shards, and what cannot be tested."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tiny import N_NEURON, write_study

from lstm_analysis import study as study_module
from lstm_analysis.analyses.periodicity import (
    CallRule,
    Passage,
    measure_block,
    plan_segments,
    run_starts,
    stretches,
)
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError
from lstm_analysis.inputs import validate
from lstm_analysis.run import Run
from lstm_analysis.schema import PERIODICITY
from lstm_analysis.study import run_study

PERIODIC = {"analyses": ["periodicity"], "concepts": [{"source": "position", "first": 2}]}


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        yield


def run_in(folder: Path, *settings: str, **changes: object) -> Run:
    file = write_study(folder, **PERIODIC, **changes)
    return run_study(load_study(file, settings), folder / "run", in_process=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_in(tmp_path_factory.mktemp("periodic"), selectivity={"draws": 0, "twin": "initial"})


def test_what_is_found_is_what_the_states_say(run: Run) -> None:
    corpus, states = run.corpus.load(), run.activations["hidden_state"].values
    edges = np.append(corpus["document_start"].values, len(states))
    start = run_starts(corpus["sentence"].values)
    stretch = stretches(edges, start, np.empty(0, np.int64), "document")
    plan = plan_segments(stretch, start)
    assert plan.length == int(run.periodicity["segment_length"]) == 32
    place = corpus["sentence_position"].values
    tuning = np.array([
        states[place == p].mean(axis=0, dtype=np.float64) if (place == p).any() else np.full(states.shape[1:], np.nan)
        for p in range(61)
    ])  # fmt: skip
    for layer in range(2):
        passage = Passage(0, states[:, layer], stretch, start, place)
        expected = measure_block(
            lambda passage=passage: iter([passage]), plan, tuning[:, layer], CallRule(0.05, 2 * N_NEURON, 0)
        )
        found = run.periodicity.isel(layer=layer)
        for name in expected.data_vars:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, err_msg=str(name))
    assert (run.periodicity["n_segment"] == plan.n_segment).all()
    assert (run.periodicity["rhythm"] >= 0).all()


def test_its_variables_are_those_of_the_vocabulary(run: Run) -> None:
    assert set(run.periodicity.data_vars) | {"frequency"} == set(PERIODICITY)
    for name, variable in PERIODICITY.items():
        assert run.periodicity[name].dims == variable.dims, name
        assert run.periodicity[name].dtype == np.dtype(variable.dtype), name
        assert run.periodicity[name].attrs["units"] == variable.units


def test_the_twin_goes_through_the_same(run: Run) -> None:
    assert run.twin is not None
    assert run.twin.periodicity.sizes == run.periodicity.sizes
    assert not run.twin.periodicity["psd"].equals(run.periodicity["psd"])
    assert not (run.twin.path / "activations.zarr").exists()


def test_one_shard_or_many_give_the_same(run: Run, tmp_path: Path) -> None:
    other = run_in(tmp_path, "inference.shard_tokens=4096")
    found, expected = other.periodicity.drop_attrs(), run.periodicity.drop_attrs()
    xr.testing.assert_allclose(found, expected, rtol=1e-3)  # other batches: h differs in its last bits
    xr.testing.assert_identical(found[["rhythm", "n_segment"]], expected[["rhythm", "n_segment"]])


def test_sentences_that_are_too_short_to_be_tested_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="lstm_analysis"):
        found = run_in(tmp_path, "inference.carry=sentence").periodicity
    assert (found["rhythm"] == -1).all()
    assert found["p_value"].isnull().all()
    assert (found["n_segment"] == 0).all()
    assert "30 segments of at least 16 tokens" in found.attrs["note"]
    assert found.attrs["note"] in caplog.text


def test_without_stored_states_it_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    file = write_study(tmp_path, **PERIODIC, store="none")
    with pytest.raises(UsageError, match=r"reads each neuron over the whole corpus.*take periodicity out of analyses"):
        validate(load_study(file))
