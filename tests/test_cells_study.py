"""Whole studies of every kind of model that can be read, with states kept, halved and not kept."""

import dataclasses
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from command import call
from random_model import random_layer
from tiny import WORDS, write_study, write_texts

from lstm_analysis import study
from lstm_analysis.config import load_study
from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.inference.model import AdaptiveDecoder, Decoder, LanguageModel
from lstm_analysis.run import Run, open_run
from lstm_analysis.schema import CELL_STATES, RESOLUTION, STORED_STATE, VARIABLES
from lstm_analysis.selectivity import MEASURES
from lstm_analysis.study import run_study
from lstm_analysis.tables import describe_layers
from lstm_analysis.vocabulary import Vocabulary

WORD_VOCABULARY = Vocabulary(("<unk>", "</s>", *WORDS))
CHARACTERS = Vocabulary((" ", "\n", "w", *"0123456789"))
WIDTH = 10
STORES = ("float32", "float16", "none")
GATES = ("input_gate", "forget_gate", "output_gate", "candidate")


def make_model(cell: str = "lstm", sizes: tuple[int, ...] = (10, 10), names: Vocabulary = WORD_VOCABULARY):
    """Return a random model with a full softmax."""
    torch.manual_seed(2)
    embedding = torch.randn(len(names), WIDTH)
    decoder = Decoder(torch.randn(len(names), sizes[-1]), torch.randn(len(names)))
    inputs = (WIDTH, *sizes[:-1])
    layers = tuple(
        random_layer(cell, a, n, torch.float32, seed) for seed, (a, n) in enumerate(zip(inputs, sizes, strict=True))
    )
    return LanguageModel(embedding, layers, decoder, names)


def adaptive_model() -> LanguageModel:
    """Return a random model whose vocabulary is a head of 20 tokens, a cluster of 12 and one of 30."""
    torch.manual_seed(3)
    tails = tuple((torch.randn(width, 10), torch.randn(n, width)) for width, n in ((5, 12), (3, 30)))
    return dataclasses.replace(make_model(), decoder=AdaptiveDecoder(torch.randn(22, 10), torch.randn(22), tails))


@dataclasses.dataclass(frozen=True)
class Kind:
    """A model to study, and what its study says besides."""

    model: LanguageModel
    settings: tuple[str, ...] = ()


CHARACTER_MODEL = make_model(names=CHARACTERS)
KINDS = {
    "gru": Kind(make_model("gru")),
    "mlstm": Kind(make_model("mlstm")),
    "unequal layers": Kind(make_model(sizes=(14, 14, 6))),
    "adaptive softmax": Kind(adaptive_model()),
    "no decoder": Kind(dataclasses.replace(make_model(), decoder=None), ("inference.surprisal=false",)),
    "last character": Kind(CHARACTER_MODEL, ("inference.readout=last",)),
    "first character": Kind(CHARACTER_MODEL, ("inference.readout=first",)),
    "mean of characters": Kind(CHARACTER_MODEL, ("inference.readout=mean",)),
    "every character": Kind(CHARACTER_MODEL, ("corpus.unit=token", "inference.shard_tokens=500")),
}
QUICK = ("unequal layers",)


def write_kind(folder: Path, kind: Kind) -> Path:
    """Write a study of a kind of model over 3 documents, of three or four shards."""
    file = write_study(folder, inference={"shard_tokens": 150})
    save_model(kind.model, folder / "model.safetensors")
    shutil.rmtree(folder / "text")
    write_texts(folder / "text", (200, 5, 180))
    return file


@dataclasses.dataclass(frozen=True)
class Studied:
    """The runs of a kind of model, by how its states are kept."""

    kind: Kind
    file: Path
    runs: dict[str, Run]


@pytest.fixture(scope="module", autouse=True)
def short_report() -> Iterator[None]:
    """Leave the page out of the runs; the command `report` writes it where a test asks for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))
        yield


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in KINDS]
)
def studied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, short_report: None) -> Studied:
    kind = KINDS[request.param]
    file = write_kind(tmp_path_factory.mktemp("kind"), kind)
    runs = {store: run(file, store, *kind.settings, f"store={store}") for store in STORES}
    return Studied(kind, file, runs)


def run(file: Path, output: str, *settings: str) -> Run:
    return run_study(load_study(file, settings), file.parent / output, in_process=True)


def test_nothing_stored_gives_the_same_summary_to_the_bit(studied: Studied) -> None:
    stored, none = studied.runs["float32"].summary, studied.runs["none"].summary
    assert len(list((studied.runs["none"].path / "commits").iterdir())) >= 3
    assert set(stored) == set(none)
    for name in stored:
        assert stored[name].dtype == none[name].dtype
        assert stored[name].values.tobytes() == none[name].values.tobytes(), name


def test_halved_states_give_nearly_the_same_summary(studied: Studied) -> None:
    stored, half = studied.runs["float32"].summary, studied.runs["float16"].summary
    np.testing.assert_array_equal(stored.n_token, half.n_token)
    means = [found.value_sum / 2.0**30 / found.n_token for found in (stored, half)]
    np.testing.assert_allclose(*means, atol=2.0**-12)
    np.testing.assert_allclose(stored.value_max, half.value_max, atol=2.0**-12)


def test_stored_states_say_where_they_are_padded(studied: Studied) -> None:
    for store in ("float32", "float16"):
        states = xr.open_zarr(studied.runs[store].path / "activations.zarr")
        assert tuple(states.attrs["layer_sizes"]) == studied.kind.model.layer_sizes
        for layer, size in enumerate(states.attrs["layer_sizes"]):
            padding = states.hidden_state.isel(layer=layer).isnull().any("time").values
            assert padding.tolist() == [False] * size + [True] * (studied.kind.model.n_neuron - size)


def test_every_neuron_that_is_there_and_varies_has_a_score(studied: Studied) -> None:
    sizes, n_neuron = studied.kind.model.layer_sizes, studied.kind.model.n_neuron
    there = np.arange(n_neuron) < np.array(sizes)[:, np.newaxis]
    for found in studied.runs.values():
        scores = found.selectivity
        varies = (scores.value_max - scores.value_min).values >= RESOLUTION
        np.testing.assert_array_equal(varies, there)
        common = (scores.n_token > 1).all("group").values  # one token has no variance
        assert common.sum() >= 3
        for name in MEASURES:
            for score in scores[name].values[common]:
                np.testing.assert_array_equal(np.isfinite(score), there, err_msg=name)
        assert len(found.neurons) == len(common) * sum(sizes)
        assert found.sentence_position.tuning_mean.isel(sentence_position=0).notnull().values.tolist() == there.tolist()


def test_what_is_stored_is_what_the_vocabulary_says(studied: Studied) -> None:
    for store in ("float32", "float16"):
        states = studied.runs[store].activations
        kept = {"hidden_state"} | ({"cell_state"} if studied.kind.model.cell != "gru" else set())
        assert set(states) - {"surprisal"} == kept
        assert ("surprisal" in states) == (studied.kind.model.decoder is not None)
        for name in kept:
            assert states[name].dtype == store
            for layer, n_neuron in enumerate(studied.kind.model.layer_sizes):
                values = states[name].values[:, layer]
                assert np.isfinite(values[:, :n_neuron]).all()
                assert np.isnan(values[:, n_neuron:]).all()
    if studied.kind.model.decoder is not None:
        perplexities = {facts["perplexity"] for facts in map(reading_facts, studied.runs.values())}
        assert len(perplexities) == 1


def reading_facts(found: Run) -> dict[str, object]:
    return found.facts.get("activations") or found.facts["summary"]


def test_the_commands_know_the_model(studied: Studied) -> None:
    path, layers = studied.runs["float32"].path, describe_layers(studied.kind.model.layer_sizes)
    shown = call("inspect", path)
    assert shown.code == 0, shown.err
    assert f"{layers} neurons" in shown.out
    assert ("perplexity" in shown.out) == (studied.kind.model.decoder is not None)
    page = call("report", path)
    assert page.code == 0, page.err
    assert (path / "report.html").stat().st_size > 10_000
    for store in STORES:
        settings = [option for key in (*studied.kind.settings, f"store={store}") for option in ("--set", key)]
        plan = call("run", studied.file, "--dry-run", *settings)
        assert plan.code == 0, plan.err
        assert f"model       {layers} neurons" in plan.out
        n_token = studied.runs["none"].facts["corpus"]["n_token"]
        assert f"corpus      {n_token:,} tokens" in plan.out


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_kind(tmp_path_factory.mktemp("lstm"), Kind(make_model(sizes=(14, 14, 6))))


@pytest.fixture(scope="module")
def gated(lstm: Path) -> Run:
    return run(lstm, "gated", f"inference.states=[hidden, cell, {', '.join(GATES)}]")


def test_gates_on_request_make_the_cell_states(gated: Run) -> None:
    states = gated.activations
    assert {"hidden_state", "cell_state", *GATES, "surprisal"} == set(states)
    assert_in_range(states, [STORED_STATE[name] for name in CELL_STATES["lstm"]])
    i, f, o, g = (states[name].values.astype(np.float64) for name in GATES)
    cell = states.cell_state.values.astype(np.float64)
    before = previous(cell, gated)
    np.testing.assert_allclose(cell, f * before + i * g, rtol=0, atol=1e-6)
    np.testing.assert_allclose(states.hidden_state.values, o * np.tanh(cell), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_gates_of_a_gru_make_its_hidden_state(tmp_path: Path) -> None:
    file = write_kind(tmp_path, Kind(make_model("gru")))
    found = run(file, "gated", "inference.states=[hidden, reset_gate, update_gate, candidate]")
    states = found.activations
    assert_in_range(states, [STORED_STATE[name] for name in CELL_STATES["gru"]])
    hidden, z, n = (states[name].values.astype(np.float64) for name in ("hidden_state", "update_gate", "candidate"))
    np.testing.assert_allclose(hidden, (1 - z) * n + z * previous(hidden, found), rtol=0, atol=1e-6)


def previous(values: np.ndarray, found: Run) -> np.ndarray:
    """Return the states before each token: those after the token before, zeros where a document begins."""
    before = np.roll(values, 1, axis=0)
    before[found.corpus.document_start.values] = 0
    return before


def assert_in_range(states: xr.Dataset, names: list[str]) -> None:
    for name in names:
        low, high = VARIABLES[name].limits
        values = states[name].values
        assert low is None or np.nanmin(values) >= low
        assert high is None or np.nanmax(values) <= high
        assert np.nanstd(values) > 0.05, name


def test_gates_change_no_state_and_no_score(gated: Run, lstm: Path) -> None:
    plain = run(lstm, "plain")
    for name in ("hidden_state", "cell_state", "surprisal"):
        np.testing.assert_array_equal(plain.activations[name], gated.activations[name], err_msg=name)
    xr.testing.assert_identical(plain.selectivity.drop_attrs(), gated.selectivity.drop_attrs())


@pytest.mark.slow
@pytest.mark.parametrize("store", ["float32", "none"])
def test_a_low_precision_is_measured_and_written_down(lstm: Path, caplog: pytest.LogCaptureFixture, store: str) -> None:
    settings = ("inference.precision=bfloat16", f"store={store}")
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        with pytest.raises(UserError, match=r"has no instructions for it.*Use float32"):
            run(lstm, f"rounded {store}", *settings)
        return
    found = run(lstm, f"rounded {store}", *settings)
    error = reading_facts(found)["precision_error"]
    assert set(error) == {"hidden", "cell"}
    largest = max(error["hidden"])
    assert 1e-4 < largest < 0.2
    said = rf"products in bfloat16: states differ from float32 by up to {re.escape(f'{largest:.2g}')} \(hidden\)"
    assert re.search(said, caplog.text)
    if store == "float32":
        exact = open_run(run(lstm, "exact").path).activations.hidden_state
        assert found.activations.attrs["precision_error"] == error
        difference = np.nanmax(abs(found.activations.hidden_state.values - exact.values), axis=(0, 2))
        np.testing.assert_allclose(difference, error["hidden"], rtol=1, atol=1e-3)


@pytest.mark.slow
def test_the_fused_kernel_equals_the_steps(lstm: Path, gated: Run) -> None:
    settings = (f"inference.states=[hidden, cell, {', '.join(GATES)}]", "inference.kernel=fused")
    fused = run(lstm, "fused", *settings)
    for name in fused.activations:
        np.testing.assert_allclose(
            fused.activations[name], gated.activations[name], rtol=1e-5, atol=1e-5, err_msg=str(name)
        )
    none = run(lstm, "fused none", *settings, "store=none")
    np.testing.assert_array_equal(none.summary.histogram, fused.summary.histogram)
    np.testing.assert_array_equal(none.summary.value_sum, fused.summary.value_sum)
