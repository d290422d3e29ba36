"""Simulated neurons that integrate within the sentence, in a text whose sentence lengths are correlated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
N_TYPE = 200


@dataclass(frozen=True)
class Text:
    """Columns of a text: lengths of neighbouring sentences are correlated, and each document has its own mean."""

    length: NDArray[np.int64]
    document_of_sentence: NDArray[np.int64]
    type_id: NDArray[np.int64]

    @property
    def sentence(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.length)), self.length)

    @property
    def sentence_position(self) -> NDArray[np.int64]:
        return np.arange(self.length.sum()) - np.repeat(np.cumsum(self.length) - self.length, self.length)

    @property
    def sentence_length(self) -> NDArray[np.int64]:
        return np.repeat(self.length, self.length)

    @property
    def document(self) -> NDArray[np.int64]:
        return np.repeat(self.document_of_sentence, self.length)


def make_text(rng: np.random.Generator, n_document: int = 40, n_sentence: int = 40, correlation: float = 0.4) -> Text:
    """Return a text; lengths are log-normal around 12 tokens, words follow Zipf's law, the last one is type 0."""
    steps = rng.normal(size=(n_document, n_sentence))
    for k in range(1, n_sentence):
        steps[:, k] = correlation * steps[:, k - 1] + (1 - correlation**2) ** 0.5 * steps[:, k]
    style = rng.normal(size=(n_document, 1))
    length = np.exp(2.3 + 0.2 * style + 0.5 * steps).round().clip(2, 70).astype(np.int64).ravel()
    weight = 1 / np.arange(1, N_TYPE)
    types = rng.choice(np.arange(1, N_TYPE), length.sum(), p=weight / weight.sum())
    types[np.cumsum(length) - 1] = 0
    return Text(length, np.repeat(np.arange(n_document), n_sentence), types)


def integrate(
    text: Text,
    rng: np.random.Generator,
    tau: Floats,
    *,
    kept: float = 0.0,
    gain: float = 0.8,
    word: float = 0.0,
    noise: float = 0.1,
    document: float = 0.0,
) -> NDArray[np.float32]:
    """Return h (time, neuron) of leaky integrators with time constants ``tau`` (neuron).

    arctanh(h) is the integrator, which keeps the share ``kept`` of its value when a sentence begins (0: complete
    reset, 1: none) and starts from 0 in each document, plus an effect of each word type (none of the end symbol), white
    noise and a document's own level.
    """
    share = np.exp(-np.arange(text.length.max())[:, None] / tau)
    level = np.empty((int(text.length.sum()), len(tau)))
    stop = np.cumsum(text.length)
    new = np.append(True, np.diff(text.document_of_sentence) > 0)
    for first, n, begins in zip(stop - text.length, text.length, new, strict=True):
        start = np.zeros(len(tau)) if begins else kept * level[first - 1]
        level[first : first + n] = gain + (start - gain) * share[:n]
    effect = word * rng.normal(size=(N_TYPE, len(tau)))
    effect[0] = 0
    level += effect[text.type_id]
    level += document * rng.normal(size=(text.document[-1] + 1, len(tau)))[text.document]
    return np.tanh(level + noise * rng.normal(size=level.shape)).astype(np.float32)


def blocks_of_documents(n_document: int, n_block: int) -> NDArray[np.int64]:
    """Return a jackknife block of each document, consecutive ones together."""
    return np.arange(n_document) * n_block // n_document
