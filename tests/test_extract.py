"""Extraction from Python: the states are those of one pass, however the corpus is cut and carried."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from tiny import N_NEURON, digests, write_model, write_texts

import lstm_analysis as la
from lstm_analysis.errors import UserError
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.run import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extract")
    write_model(path / "model.safetensors")
    write_texts(path / "text", (100, 20, 260, 3, 60))
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return la.load_model(folder / "model.safetensors")


@pytest.fixture(scope="module")
def corpus(folder: Path) -> xr.Dataset:
    return la.read_corpus(str(folder / "text" / "*.txt"))


def naive_states(model: LanguageModel, run: Run, carry: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return h, c and surprisal by ``torch.lstm_cell``, one token at a time."""
    ids, stream = run.corpus.token_id.values, run.corpus[carry].values
    h = torch.zeros(len(ids), model.n_layer, N_NEURON)
    c, bits = torch.zeros_like(h), np.full(len(ids), np.nan)
    for t, token in enumerate(ids):
        x = model.embedding[token : token + 1]
        fresh = t == 0 or stream[t] != stream[t - 1]
        if not fresh:
            logits = model.decoder_weight @ h[t - 1, -1] + model.decoder_bias
            bits[t] = -torch.log_softmax(logits, 0)[token] / np.log(2)
        for i, layer in enumerate(model.layers):
            before = (torch.zeros(1, N_NEURON),) * 2 if fresh else (h[t - 1, i : i + 1], c[t - 1, i : i + 1])
            x, cell = torch.lstm_cell(x, before, layer.weight_input, layer.weight_recurrent, layer.bias, layer.bias * 0)
            h[t, i], c[t, i] = x[0], cell[0]
    return h.numpy(), c.numpy(), bits


def check_states(model: LanguageModel, run: Run, carry: str) -> None:
    h, c, bits = naive_states(model, run, carry)
    np.testing.assert_allclose(run.activations.hidden_state, h, atol=1e-5)
    np.testing.assert_allclose(run.activations.cell_state, c, atol=1e-5)
    np.testing.assert_allclose(run.activations.surprisal, bits, atol=1e-4)
    facts = run.facts["activations"]
    assert facts["perplexity"] == pytest.approx(2 ** np.nanmean(bits), rel=1e-5)
    assert facts["n_predicted"] == int(np.isfinite(bits).sum())


@pytest.mark.parametrize("carry", ["document", "sentence"])
@pytest.mark.parametrize("shard_tokens", [37, 100, 5000])
def test_states_are_those_of_one_pass_whatever_the_shards(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, carry: str, shard_tokens: int
) -> None:
    run = la.extract_activations(corpus, model, tmp_path / "run", carry=carry, shard_tokens=shard_tokens)
    check_states(model, run, carry)


def test_a_sentence_longer_than_many_shards(model: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(" ".join(["w1", "w2", "w3"] * 100) + "\n")
    corpus = la.read_corpus(str(tmp_path / "long.txt"))
    run = la.extract_activations(corpus, model, tmp_path / "run", carry="sentence", shard_tokens=50)
    check_states(model, run, "sentence")


def test_the_same_call_finds_everything_done(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    first = la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=200)
    before = digests(first.path)
    assert digests(la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=200).path) == before
    with pytest.raises(UserError, match="holds another study"):
        la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=200, carry="sentence")
    with pytest.raises(UserError, match="holds another study"):
        la.extract_activations(corpus.isel(time=slice(0, 50)), model, tmp_path / "run", shard_tokens=200)


def test_from_states_to_scores_in_python(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    run = la.extract_activations(corpus, model, run=tmp_path / "run", carry="document", shard_tokens=100)
    h = run.activations.hidden_state
    labels = la.label_corpus(run.corpus, {"opening": la.position(first=2)})
    scores = la.measure(la.summarize(h, labels), ["auroc", "d_prime"])
    assert scores.auroc.dims == ("concept", "layer", "neuron")
    best = la.rank_neurons(scores, by="auroc", concept="opening", n=3)
    assert len(best) == 3
    curve = la.tuning_curve(h, by=run.corpus.sentence_position)
    direct = h.groupby(run.corpus.sentence_position.compute()).mean()
    n = min(20, direct.sizes["sentence_position"])
    np.testing.assert_allclose(curve.tuning_mean[:n], direct[:n], atol=1e-6)


def test_a_corpus_without_its_columns_is_refused(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lacks sentence_length; make it with read_corpus"):
        la.extract_activations(corpus.drop_vars("sentence_length"), model, tmp_path / "run")
