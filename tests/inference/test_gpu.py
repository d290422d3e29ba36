"""On a CUDA device: every kernel, cell and softmax gives what the processor gives, and float32 is float32."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from random_model import random_model, texts_of

import lstm_analysis as la
from lstm_analysis.inference.model import AdaptiveDecoder, Decoder, LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.inference.trial import measure_error
from lstm_analysis.schema import CELL_STATES
from lstm_analysis.vocabulary import Vocabulary

SHIPPED = Path(__file__).parents[2] / "pipelines" / "models" / "sotu-2x200.safetensors"

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.fixture(scope="module")
def shipped() -> LanguageModel:
    return la.load_model(SHIPPED)


def read(model, texts, names, **options):
    """Return states by name, surprisal, and the end states; every output row begins as 99."""
    rows = np.cumsum([0, *map(len, texts)])
    shape = (int(rows[-1]), model.n_layer, model.n_neuron)
    states = {name: np.full(shape, 99, np.float32) for name in names}
    bits = None if model.decoder is None else np.full(shape[0], 99, np.float32)
    streams = [Stream(text, row=int(row)) for text, row in zip(texts, rows[:-1], strict=True)]
    return states, bits, StreamReader(model, **options).read(streams, states, bits)


def word_texts(model, *lengths):
    return [np.random.default_rng(n).integers(0, len(model.vocabulary), n).astype(np.int32) for n in lengths]


def assert_same(found, expected, atol, bits_atol):
    for name, values in expected[0].items():
        np.testing.assert_allclose(found[0][name], values, atol=atol, rtol=atol, equal_nan=True, err_msg=name)
    np.testing.assert_allclose(found[1], expected[1], atol=bits_atol, rtol=0, equal_nan=True)
    np.testing.assert_allclose(found[2], expected[2], atol=atol, rtol=atol)


@pytest.mark.parametrize("kernel", ["step", "fused"])
@pytest.mark.parametrize("cell", CELL_STATES)
@pytest.mark.parametrize("sizes", [(7, 9), (64, 64)], ids=str)
def test_every_cell_and_kernel_in_float64(cell, kernel, sizes):
    if (cell, kernel) == ("mlstm", "fused"):
        pytest.skip("torch has no layer for an mlstm")
    model, texts = random_model(cell, sizes, torch.float64), texts_of(12, 300, 1, 12, 31)
    expected = read(model, texts, CELL_STATES[cell])
    found = read(model.to("cuda", torch.float64), texts, CELL_STATES[cell], kernel=kernel)
    assert_same(found, expected, 2e-7, 2e-6)


@pytest.mark.parametrize("kernel", ["step", "fused"])
def test_the_shipped_model_in_float32(shipped, kernel):
    """Nothing is rounded to TF32: that would show as an error of 1e-3."""
    texts = word_texts(shipped, *range(1, 400, 7), 3000)
    expected = read(shipped, texts, CELL_STATES["lstm"])
    found = read(shipped.to("cuda"), texts, CELL_STATES["lstm"], kernel=kernel)
    assert_same(found, expected, 2e-5, 2e-4)
    again = read(shipped.to("cuda"), texts, CELL_STATES["lstm"], kernel=kernel)
    assert all(again[0][name].tobytes() == found[0][name].tobytes() for name in again[0])


def test_the_flashrnn_kernel(shipped):
    pytest.importorskip("flashrnn", reason="the optional package flashrnn is not installed")
    texts = word_texts(shipped, 100, 60, 3)
    expected = read(shipped, texts, CELL_STATES["lstm"])
    assert_same(read(shipped.to("cuda"), texts, CELL_STATES["lstm"], kernel="flashrnn"), expected, 2e-5, 2e-4)


@pytest.mark.parametrize(("precision", "kernel"), [("tf32", "fused"), ("tf32", "step"), ("bfloat16", "step")])
def test_lower_precision_is_asked_for_and_measured(shipped, precision, kernel):
    error = measure_error(shipped.to("cuda"), word_texts(shipped, 200, 150), precision, kernel)
    assert 1e-5 < error["hidden"].max() < 0.5, error
    assert (measure_error(shipped.to("cuda"), word_texts(shipped, 200), "float32")["hidden"] == 0).all()


def test_an_adaptive_softmax():
    torch.manual_seed(0)
    n, size = 60, 32
    model = random_model("lstm", (size, size))
    tails = tuple((torch.randn(w, size), torch.randn(m, w)) for w, m in ((8, 20), (2, 20)))
    decoder = AdaptiveDecoder(torch.randn(22, size), torch.randn(22), tails)
    names = Vocabulary(tuple(f"w{i}" for i in range(n)))
    model = LanguageModel(torch.randn(n, model.embedding.shape[1]), model.layers, decoder, names)
    texts = word_texts(model, 50, 400, 2)
    assert_same(read(model.to("cuda"), texts, ["hidden"]), read(model, texts, ["hidden"]), 1e-5, 1e-4)


def test_a_decoder_in_several_parts(monkeypatch):
    """Logits that do not fit at once, over several blocks whose states are on their way to the host."""
    monkeypatch.setattr("lstm_analysis.inference.decoders.MAX_LOGITS", {"cpu": 1 << 20, "cuda": 500})
    monkeypatch.setattr("lstm_analysis.inference.reader.BLOCK_ROWS", {"cpu": 1024, "cuda": 37})
    model, texts = random_model("lstm", (9, 9)), texts_of(12, 30, 1, 12, 31)
    assert isinstance(model.decoder, Decoder)
    found, expected = (read(m, texts, CELL_STATES["lstm"]) for m in (model.to("cuda"), model))
    assert_same(found, expected, 1e-5, 1e-4)


@pytest.mark.parametrize("carry", ["document", "continuous"])
def test_a_run_on_a_gpu(shipped, tmp_path, carry):
    names = shipped.vocabulary.tokens
    rng = np.random.default_rng(0)
    folder = tmp_path / "text"
    folder.mkdir()
    for k in range(12):
        lines = (" ".join(names[i] for i in rng.integers(10, 5000, 20)) for _ in range(20 + 9 * k))
        (folder / f"{k:02}.txt").write_text("\n".join(lines))
    corpus = la.read_corpus(str(folder / "*.txt"), "text", end_of_sentence=shipped.vocabulary.end_of_sentence)
    runs = [
        la.extract_activations(corpus, shipped, tmp_path / name, device=device, carry=carry, shard_tokens=4096)
        for name, device in (("cpu", "cpu"), ("cuda", "cuda"), ("again", "cuda"))
    ]
    cpu, cuda, again = (run.activations.load() for run in runs)
    assert cpu.sizes["time"] == corpus.sizes["time"] > 15_000
    exact = exact_states(shipped, corpus, carry)
    for name, values in exact.items():
        error = np.abs(cuda[f"{name}_state"].values - values) / (1 + np.abs(values))
        assert error.max() < 3e-4, name
        assert np.quantile(error, 0.999) < {"hidden": 5e-6, "cell": 2e-5}[name], name
    np.testing.assert_allclose(cuda["surprisal"], cpu["surprisal"], atol=1e-3, equal_nan=True)
    assert cuda.equals(again)


def exact_states(model, corpus, carry):
    """Return h and c in float64: at random words this model magnifies a rounding a thousandfold, whoever made it."""
    ids = model.vocabulary.encode([str(form) for form in corpus["type"].values])[corpus["type_id"].values]
    edges = np.append(corpus["document_start"].values, len(ids)) if carry == "document" else np.array([0, len(ids)])
    exact = {name: np.empty((len(ids), model.n_layer, model.n_neuron)) for name in ("hidden", "cell")}
    streams = [Stream(ids[a:b], row=int(a)) for a, b in pairwise(edges)]
    StreamReader(model.to("cpu", torch.float64)).read(streams, exact)
    return exact
