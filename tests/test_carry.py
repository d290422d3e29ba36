"""One stream over many workers: the states are those of one pass, or the run says that it goes in sequence."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from one_stream import TOLERANCE, in_sequence, make_corpus, make_model, reading_facts
from tiny import digests

import lstm_analysis as la
from lstm_analysis import tasks
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.forgetting import ROUNDING
from lstm_analysis.inference.lanes import Lanes
from lstm_analysis.inference.model import LanguageModel, Layer
from lstm_analysis.run import Run
from lstm_analysis.stages import lanes as lanes_stage
from lstm_analysis.store import commit_path, read_commits
from lstm_analysis.tasks.carried import end_path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return make_corpus(tmp_path_factory.mktemp("text"))


def assert_equal(run: Run, expected: dict[str, np.ndarray]) -> None:
    for name, values in expected.items():
        if name in run.activations:
            np.testing.assert_allclose(run.activations[name].values, values, atol=2 * TOLERANCE, rtol=1e-6)


@pytest.fixture(scope="module")
def continuous(corpus: xr.Dataset, model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("continuous") / "run"
    return la.extract_activations(corpus, model, folder, carry="continuous", shard_tokens=512)


def test_a_continuous_corpus_equals_one_pass(continuous: Run, corpus: xr.Dataset, model: LanguageModel) -> None:
    assert_equal(continuous, in_sequence(model, corpus))
    facts, attrs = reading_facts(continuous), continuous.activations.attrs
    assert facts["plan"]["n_lane"] > 4
    assert (attrs["carry"], attrs["n_lane"], attrs["tolerance"]) == ("continuous", facts["plan"]["n_lane"], TOLERANCE)
    assert attrs["forgetting_tokens"] == 256
    assert np.shape(attrs["boundary_error"]) == (2, 2)
    assert 0 <= np.max(attrs["boundary_error"]) <= TOLERANCE
    assert facts["n_repaired"] == 0
    assert np.flatnonzero(np.isnan(continuous.activations.surprisal.values)).tolist() == [0]


def test_the_attributes_are_there_for_plain_xarray(continuous: Run) -> None:
    for consolidated in (True, False):
        found = xr.open_zarr(continuous.path / "activations.zarr", consolidated=consolidated)
        assert found.attrs["carry"] == "continuous"


@pytest.mark.parametrize("n_stream", [1, 3, 7, 40])
def test_streams_begin_anew_where_a_training_would(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, n_stream: int
) -> None:
    run = la.extract_activations(
        corpus, model, tmp_path / "run", carry="streams", streams=n_stream, shard_tokens=700, states=["hidden"]
    )
    n_token = corpus.sizes["time"]
    cuts = [i * (n_token // n_stream) for i in range(n_stream)]
    expected = in_sequence(model, corpus, cuts)
    assert_equal(run, expected)
    assert np.flatnonzero(np.isnan(run.activations.surprisal.values)).tolist() == cuts
    assert run.activations.attrs["n_lane"] == n_stream


def test_lanes_that_do_not_meet_are_repaired(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, continuous: Run
) -> None:
    monkeypatch.setattr(lanes_stage, "warm_up", lambda lag, **_: None if lag is None else 16)
    run = la.extract_activations(corpus, model, tmp_path / "run", carry="continuous", shard_tokens=512)
    assert_equal(run, in_sequence(model, corpus))
    assert reading_facts(run)["n_repaired"] > 4
    h_error, c_error = np.max(run.activations.attrs["boundary_error"], axis=1)
    largest = np.abs(run.activations.cell_state.values).max()
    assert h_error <= TOLERANCE
    assert c_error <= TOLERANCE + ROUNDING * largest
    n_kept = sum("difference" in commit for commit in read_commits(run.path).values())
    assert n_kept > 0, "no lane met what was there: all were read again to their ends"


@pytest.mark.slow
def test_a_repair_that_is_interrupted_goes_on_to_the_same_bytes(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_stage, "warm_up", lambda lag, **_: None if lag is None else 16)
    options = {"carry": "continuous", "shard_tokens": 512, "surprisal": False}
    whole = la.extract_activations(corpus, model, tmp_path / "whole", **options)
    extract, done = tasks.extract_shard, []

    def stops(index: int, *rest: object) -> tasks.Receipt:
        done.append(index)
        if len(done) % 7 == 0:
            raise KeyboardInterrupt
        return extract(index, *rest)

    monkeypatch.setattr(tasks, "extract_shard", stops)
    n_stop = 0
    while True:
        try:
            run = la.extract_activations(corpus, model, tmp_path / "run", **options)
            break
        except KeyboardInterrupt:
            n_stop += 1
    assert n_stop > len(read_commits(whole.path)) // 7, "the repair was not interrupted"
    assert digests(run.path, ("activations.zarr",)) == digests(whole.path, ("activations.zarr",))


def test_lost_carried_states_are_made_again(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, continuous: Run
) -> None:
    run = la.extract_activations(corpus, model, tmp_path / "run", carry="continuous", shard_tokens=512)
    content = json.loads((run.path / "run.json").read_text())
    content["stages"]["activations"]["state"] = "running"
    (run.path / "run.json").write_text(json.dumps(content))
    after = [shard.index for shard in Lanes(**content["facts"]["lanes"]["plan"]).shards() if shard.after is not None]
    for index in after[:2]:
        commit_path(run.path, index).unlink()
    end_path(run.path, after[0] - 1).write_bytes(b"damaged")
    end_path(run.path, after[1] - 1).unlink()
    la.extract_activations(corpus, model, tmp_path / "run", carry="continuous", shard_tokens=512)
    names = ("activations.zarr",)
    assert digests(run.path, names) == digests(continuous.path, names)


def never_forgets(corpus: xr.Dataset, model: LanguageModel, kind: str) -> LanguageModel:
    """Return a model whose first neuron counts, or swings between two states, whatever it reads."""
    layer = model.layers[0]
    weights = [tensor.clone() for tensor in (layer.weight_input, layer.weight_recurrent, layer.bias)]
    n = layer.n_neuron
    for gate, bias in enumerate((30.0, 30.0, 0.5, 30.0) if kind == "counter" else (30.0, -30.0, 0.0, 30.0)):
        for tensor in weights:
            tensor[gate * n] = 0
        weights[2][gate * n] = bias
    if kind == "oscillator":
        weights[0][2 * n] = 0.01
        weights[1][2 * n, 0] = -5.0
    return dataclasses.replace(model, layers=(Layer(*weights), model.layers[1]))


@pytest.mark.parametrize("kind", ["counter", "oscillator"])
def test_a_model_that_never_forgets_is_read_in_sequence(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    endless = never_forgets(corpus, model, kind)
    caplog.set_level("INFO")
    run = la.extract_activations(corpus, endless, tmp_path / "run", carry="continuous", shard_tokens=512)
    assert_equal(run, in_sequence(endless, corpus))
    assert reading_facts(run)["plan"]["n_lane"] == 1
    assert "one stream in sequence, by one worker: the model has a neuron that does not forget" in caplog.text


@pytest.mark.parametrize("kind", ["counter", "oscillator"])
def test_a_model_whose_probes_deceive_falls_back_to_the_sequence(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    endless = never_forgets(corpus, model, kind)
    monkeypatch.setattr(tasks, "probe_forgetting", lambda *_: 256)
    run = la.extract_activations(corpus, endless, tmp_path / "run", carry="continuous", shard_tokens=512)
    assert_equal(run, in_sequence(endless, corpus))
    assert "the lanes do not meet after 3 rounds" in caplog.text
    assert reading_facts(run)["plan"]["n_lane"] == 1
    assert run.activations.attrs["choice"].startswith("one stream in sequence")


def test_more_streams_than_tokens_are_refused(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"inference\.streams is 70000, but the corpus has \d+ tokens only"):
        la.extract_activations(corpus, model, tmp_path / "run", carry="streams", streams=70_000)
    with pytest.raises(UsageError, match="number of streams is given with carry: streams, and only with it"):
        la.extract_activations(corpus, model, tmp_path / "run", carry="document", streams=3)


def test_a_float64_reader_agrees_with_torch_over_the_whole_corpus(
    continuous: Run, corpus: xr.Dataset, model: LanguageModel
) -> None:
    ids = model.vocabulary.encode([str(x) for x in corpus["type"].values])[corpus["type_id"].values]
    x = model.embedding.double()[torch.as_tensor(ids.astype(np.int64))][:, None]
    for i, layer in enumerate(model.layers):
        lstm = torch.nn.LSTM(layer.weight_input.shape[1], layer.n_neuron, dtype=torch.float64)
        values = (layer.weight_input, layer.weight_recurrent, layer.bias, torch.zeros_like(layer.bias))
        lstm.load_state_dict(dict(zip(lstm.state_dict(), (v.double() for v in values), strict=True)))
        x = lstm(x)[0].detach()
        found = continuous.activations.hidden_state.isel(layer=i).values
        np.testing.assert_allclose(found, x[:, 0].numpy(), atol=5 * TOLERANCE)
