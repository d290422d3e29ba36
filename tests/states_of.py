"""What our reader makes of a model, and what independent programs make of it, in one form."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.model import Decoder, LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader

Floats = NDArray[np.floating]
IDS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 0, 7], np.int32)
TOKENS = [f"w{i}" for i in range(11)]


@dataclass(frozen=True)
class States:
    """h and c after each token, a list of (time, neuron) a layer; c is ``None`` for a GRU; logits (time, token)."""

    hidden: list[Floats]
    cell: list[Floats] | None
    logits: Floats | None


def read(model: LanguageModel, ids: NDArray[np.int32] = IDS) -> States:
    """Return what `StreamReader` gives; the logits by the decoder from its h."""
    shape = (len(ids), model.n_layer, model.n_neuron)
    names = ("hidden",) if model.cell == "gru" else ("hidden", "cell")
    out = {name: np.full(shape, np.nan, np.float32) for name in names}
    StreamReader(model).read([Stream(ids)], out)
    split = {name: [states[:, i, :n] for i, n in enumerate(model.layer_sizes)] for name, states in out.items()}
    logits = None
    if isinstance(model.decoder, Decoder):
        logits = split["hidden"][-1] @ model.decoder.weight.numpy().T + model.decoder.bias.numpy()
    return States(split["hidden"], split.get("cell"), logits)


def surprisal(model: LanguageModel, ids: NDArray[np.int32] = IDS) -> Floats:
    """Return the surprisal of all tokens but the first, in bits, dims (time)."""
    bits = np.empty(len(ids), np.float32)
    StreamReader(model).read([Stream(ids)], {}, bits)
    return bits[1:]


def expected_surprisal(logits: Floats, ids: NDArray[np.int32] = IDS) -> Floats:
    """Return the surprisal of all tokens but the first from the logits after each, in bits."""
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(ids) - 1), ids[1:]] / math.log(2)


def assert_same(model: LanguageModel, wanted: States, atol: float = 2e-6) -> None:
    """Check h and c of every layer, the logits, and the surprisal that follows from them."""
    found = read(model)
    pairs = list(zip(found.hidden, wanted.hidden, strict=True))
    if wanted.cell is not None:
        assert found.cell is not None
        pairs += list(zip(found.cell, wanted.cell, strict=True))
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, atol=atol, rtol=0)
    assert (found.logits is None) == (wanted.logits is None)
    if found.logits is not None and wanted.logits is not None:
        np.testing.assert_allclose(found.logits, wanted.logits, atol=10 * atol, rtol=0)
        np.testing.assert_allclose(surprisal(model), expected_surprisal(wanted.logits), atol=2e-5, rtol=0)


def outcome(path: Path, vocabulary: str) -> str:
    """Return what is said of a file that may be damaged: the text of its refusal, or the file if it can be read."""
    try:
        load_model(path, vocabulary)
    except UserError as error:
        return str(error)
    return str(path)


def sigmoid(x: Floats) -> Floats:
    """Return the logistic function."""
    return 1 / (1 + np.exp(-x))
