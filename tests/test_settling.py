"""Cells that saturate: h forgets where reading began long before c does, and c is corrected in the end."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from driver import committers, local
from one_stream import TOLERANCE, in_sequence, make_corpus, make_model, reading_facts
from tiny import digests, write_study

import lstm_analysis as la
from lstm_analysis import tasks
from lstm_analysis.cluster import open_client
from lstm_analysis.config import load_study
from lstm_analysis.inference.forgetting import allowed
from lstm_analysis.inference.model import LanguageModel, Layer
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.run import Run
from lstm_analysis.stages.work import can_settle
from lstm_analysis.store import read_commits

OPTIONS = {"carry": "continuous", "shard_tokens": 512, "surprisal": False}
KEEPS = 5.0
"""Bias of the forget gate: 0.67 % of c are lost at each token, so that c takes some 2,000 tokens to forget."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return make_corpus(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def saturating(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """Return a model with two cells that charge to about 70 and stay there."""
    model, layers = make_model(tmp_path_factory.mktemp("model")), []
    for layer, sign in zip(model.layers, (1.0, -1.0), strict=True):
        weights = [tensor.clone() for tensor in (layer.weight_input, layer.weight_recurrent, layer.bias)]
        n = layer.n_neuron
        for gate, bias in enumerate((30.0, KEEPS, 0.5 * sign, 0.0)):
            weights[1][gate * n] = 0
            weights[0][gate * n] *= 0.2 if gate == 2 else 0
            weights[2][gate * n] = bias
        layers.append(Layer(*weights))
    return dataclasses.replace(model, layers=tuple(layers))


@pytest.fixture(scope="module")
def settled(corpus: xr.Dataset, saturating: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return la.extract_activations(corpus, saturating, tmp_path_factory.mktemp("settled") / "run", **OPTIONS)


@pytest.fixture(scope="module")
def one_pass(corpus: xr.Dataset, saturating: LanguageModel) -> dict[str, np.ndarray]:
    return in_sequence(saturating, corpus)


@pytest.fixture(scope="module")
def exact(corpus: xr.Dataset, saturating: LanguageModel) -> np.ndarray:
    """Return c of one pass in float64."""
    ids = saturating.vocabulary.encode([str(x) for x in corpus["type"].values])[corpus["type_id"].values]
    cell = np.empty((len(ids), saturating.n_layer, saturating.n_neuron))
    StreamReader(saturating.to("cpu", torch.float64)).read([Stream(ids)], {"cell": cell})
    return cell


def assert_one_pass(run: Run, one_pass: dict[str, np.ndarray], exact: np.ndarray) -> None:
    """A cell that keeps c gathers the rounding of thousands of tokens; one pass is off by as much."""
    hidden, cell = (run.activations[name].values for name in ("hidden_state", "cell_state"))
    np.testing.assert_allclose(hidden, one_pass["hidden_state"], atol=2 * TOLERANCE, rtol=0)
    off, rounding = (np.abs(values - exact) / allowed(exact, TOLERANCE) for values in (cell, one_pass["cell_state"]))
    assert off.max() < 1.5 * rounding.max() < 20
    assert np.abs(cell - one_pass["cell_state"]).max() < 1e-3


def test_saturated_cells_are_settled(settled: Run, one_pass: dict[str, np.ndarray], exact: np.ndarray) -> None:
    assert np.median(np.abs(exact[:, :, 0])) > 40
    assert_one_pass(settled, one_pass, exact)
    facts, attrs = reading_facts(settled), settled.activations.attrs
    assert facts["plan"]["n_lane"] > 4
    assert facts["n_repaired"] == 0
    assert attrs["n_settled"] >= 2 * (facts["plan"]["n_lane"] - 2)
    assert attrs["settled_effect"] <= TOLERANCE
    assert "saturated cells aside, whose c is corrected in the end" in attrs["choice"]
    assert any(commit.get("settled") for commit in read_commits(settled.path).values())


def test_without_settling_c_would_be_wrong(
    corpus: xr.Dataset, saturating: LanguageModel, one_pass: dict[str, np.ndarray], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    nothing = {"effect": np.zeros(1), "commits": {}, "damaged": []}
    monkeypatch.setattr(tasks, "settle_lanes", lambda *_: nothing)
    run = la.extract_activations(corpus, saturating, tmp_path / "run", **OPTIONS)
    assert np.abs(run.activations.cell_state.values - one_pass["cell_state"]).max() > 1
    np.testing.assert_allclose(run.activations.hidden_state, one_pass["hidden_state"], atol=2 * TOLERANCE)


def test_cells_that_are_not_kept_are_checked_all_the_same(
    corpus: xr.Dataset, saturating: LanguageModel, one_pass: dict[str, np.ndarray], tmp_path: Path
) -> None:
    run = la.extract_activations(corpus, saturating, tmp_path / "run", states=["hidden"], **OPTIONS)
    np.testing.assert_allclose(run.activations.hidden_state, one_pass["hidden_state"], atol=2 * TOLERANCE)
    assert reading_facts(run)["n_settled"] > 4
    assert reading_facts(run)["plan"]["n_lane"] > 4


def test_a_wrong_start_that_shows_in_h_is_found(
    corpus: xr.Dataset, saturating: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would have been: the true start is all but zero, where tanh(c) is far from what it is at saturation."""
    settle, effects = tasks.settle_lanes, []

    def watched(
        index: int, shards: object, job: object, pairs: object, begin: np.ndarray, error: np.ndarray, correct: bool
    ) -> object:
        if not correct:
            shifted = np.where(error, 0.99 * begin, 0)
            effects.append(settle(index, shards, job, pairs, begin, shifted, False)["effect"])
        return settle(index, shards, job, pairs, begin, error, correct)

    monkeypatch.setattr(tasks, "settle_lanes", watched)
    la.extract_activations(corpus, saturating, tmp_path / "run", **OPTIONS)
    found = np.concatenate(effects)
    assert found[0] == 0
    assert (found[2:] > 0.05).all()


def test_a_lane_whose_wrong_start_shows_is_read_again(
    corpus: xr.Dataset, saturating: LanguageModel, one_pass: dict[str, np.ndarray], exact: np.ndarray, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    settle, seen = tasks.settle_lanes, []

    def finds_one(index: int, *rest: object) -> object:
        found = settle(index, *rest)
        if index == 1 and not seen:
            seen.append(index)
            found["effect"][1] = np.nan
        return found

    monkeypatch.setattr(tasks, "settle_lanes", finds_one)
    run = la.extract_activations(corpus, saturating, tmp_path / "run", **OPTIONS)
    assert re.search(r"in 1 of \d+ lanes the wrong start of a cell shows in h, by up to nan; they are", caplog.text)
    assert_one_pass(run, one_pass, exact)
    assert reading_facts(run)["n_repaired"] == 1


@pytest.mark.parametrize("stop_at", [1, 2, 5])
def test_an_interrupted_settling_goes_on_to_the_same_bytes(
    settled: Run, corpus: xr.Dataset, saturating: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    stop_at: int,
) -> None:  # fmt: skip
    """It is stopped after rows were corrected and before their commit says so."""
    written = tasks.settling.write_json
    n_written = 0

    def stops(path: Path, content: dict[str, object]) -> None:
        nonlocal n_written
        n_written += 1
        if n_written == stop_at:
            raise KeyboardInterrupt
        written(path, content)

    monkeypatch.setattr(tasks.settling, "write_json", stops)
    with pytest.raises(KeyboardInterrupt):
        la.extract_activations(corpus, saturating, tmp_path / "run", **OPTIONS)
    run = la.extract_activations(corpus, saturating, tmp_path / "run", **OPTIONS)
    assert digests(run.path, ("activations.zarr",)) == digests(settled.path, ("activations.zarr",))


def test_a_task_that_died_while_it_corrected_is_found(
    settled: Run,
    corpus: xr.Dataset,
    saturating: LanguageModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its second attempt meets rows that are corrected already."""
    written, failed = tasks.settling.write_json, []

    def fails_once(path: Path, content: dict[str, object]) -> None:
        if not failed:
            failed.append(path)
            raise OSError("gone")
        written(path, content)

    settle = tasks.settle_lanes

    def tried_twice(*arguments: object) -> object:
        try:
            return settle(*arguments)
        except OSError:
            return settle(*arguments)

    monkeypatch.setattr(tasks.settling, "write_json", fails_once)
    monkeypatch.setattr(tasks, "settle_lanes", tried_twice)
    run = la.extract_activations(corpus, saturating, tmp_path / "run", **OPTIONS)
    assert failed
    assert digests(run.path, ("activations.zarr",)) == digests(settled.path, ("activations.zarr",))


@pytest.mark.cluster
@pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")
def test_workers_settle_to_the_same_bytes(
    settled: Run, corpus: xr.Dataset, saturating: LanguageModel, tmp_path: Path
) -> None:
    with open_client(local(tmp_path, 3)) as client:
        run = la.extract_activations(corpus, saturating, tmp_path / "run", client=client, **OPTIONS)
    assert len(committers(run.path)) > 1
    assert digests(run.path, ("activations.zarr",)) == digests(settled.path, ("activations.zarr",))


def test_what_is_not_stored_in_full_is_not_settled(
    saturating: LanguageModel, corpus: xr.Dataset, tmp_path: Path
) -> None:
    run = la.extract_activations(corpus, saturating, tmp_path / "run", store="float16", **OPTIONS)
    assert reading_facts(run)["plan"]["n_lane"] == 1
    assert run.activations.attrs["choice"].startswith("one stream in sequence")


@pytest.mark.parametrize(
    ("setting", "settles"),
    [
        ("inference.tolerance=1.0e-5", True),
        ("store=float16", False),
        ("store=none", False),
        ("inference.precision=bfloat16", False),
        ("inference.states=[cell]", False),
        ("inference.carry=document", False),
    ],
)
def test_what_can_be_settled(tmp_path: Path, setting: str, settles: bool) -> None:
    """The gates that c is followed by are those of float32: in a lower precision it was read with others."""
    study = load_study(write_study(tmp_path), ["inference.carry=continuous", setting])
    assert can_settle(study, "lstm", pieces=False) == settles
    assert not can_settle(study, "gru", pieces=False)
    assert not can_settle(study, "lstm", pieces=True)
