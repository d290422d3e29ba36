"""Neurons whose rhythm is known: in texts with sentences of given lengths, by formula or as rings in a model."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from planted import END, N_NEURON, UNKNOWN, Wiring
from scipy.signal import lfilter

from lstm_analysis.analyses.periodicity import (
    CallRule,
    Passage,
    SegmentPlan,
    measure_block,
    plan_segments,
    stretches,
)
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.vocabulary import Vocabulary

N_WORD = 30
TAU = 6.0


@dataclass(frozen=True)
class Text:
    """Documents cut into sentences; the last sentence of each may be cut short."""

    edges: NDArray[np.int64]
    sentence_start: NDArray[np.int64]
    position: NDArray[np.int64]

    @property
    def n_token(self) -> int:
        return int(self.edges[-1])

    @property
    def document_place(self) -> NDArray[np.int64]:
        """Place of each token in its document."""
        time = np.arange(self.n_token)
        return time - self.edges[np.searchsorted(self.edges, time, "right") - 1]

    @property
    def length(self) -> NDArray[np.int64]:
        """Length of each token's sentence."""
        lengths = np.diff(np.append(self.sentence_start, self.n_token))
        return np.repeat(lengths, lengths)


def make_text(lengths: Callable[[int], int], n_document: int = 9, n_token: int = 560) -> Text:
    """Return a text whose sentences have the lengths that a function gives for their numbers."""
    starts, positions, at = [], [], 0
    for _ in range(n_document):
        left = n_token
        while left:
            n = min(left, lengths(len(starts)))
            starts.append(at)
            positions.append(np.arange(n))
            at, left = at + n, left - n
    return Text(np.arange(n_document + 1) * n_token, np.array(starts), np.concatenate(positions))


def varied(seed: int) -> Callable[[int], int]:
    """Return lengths of 3 to 24 tokens."""
    rng = np.random.default_rng(seed)
    return lambda _: int(rng.integers(3, 25))


def noise(rng: np.random.Generator, n: int, rho: float) -> NDArray[np.float64]:
    """Return an AR(1) process of variance 1."""
    found: NDArray[np.float64] = lfilter([np.sqrt(1 - rho**2)], [1, -rho], rng.standard_normal(n + 1000))[1000:]
    return found


def analyse(
    values: NDArray[np.floating], text: Text, carry: str = "document", n_neuron: int | None = None, seed: int = 0
) -> tuple[SegmentPlan, xr.Dataset]:
    """Return how neurons, dims (time, neuron), were measured, and what was found."""
    plan = plan_segments(_stretch(text, carry), text.sentence_start)
    assert plan.length
    return plan, measure_block(
        lambda: one_passage(values, text, carry), plan, tuning_of(values, text),
        CallRule(0.05, n_neuron or values.shape[1], seed),
    )  # fmt: skip


def one_passage(values: NDArray[np.floating], text: Text, carry: str = "document") -> Iterator[Passage]:
    """Yield the whole text."""
    yield Passage(0, values.astype(np.float32), _stretch(text, carry), text.sentence_start, text.position)


def _stretch(text: Text, carry: str) -> NDArray[np.int64]:
    n_stream = 4 if carry == "streams" else 0
    resets = np.arange(n_stream) * (text.n_token // max(n_stream, 1))
    return stretches(text.edges, text.sentence_start, resets, carry)


def tuning_of(values: NDArray[np.floating], text: Text) -> NDArray[np.float64]:
    """Return means by position 0..60, dims (sentence_position, neuron); NaN where there is no token."""
    row = np.minimum(text.position, 60)
    mean = np.full((61, values.shape[1]), np.nan)
    for position in np.unique(row):
        mean[position] = values[row == position].astype(np.float64).mean(axis=0)
    return mean


@dataclass(frozen=True)
class Rings:
    """A model of one layer with rings of neurons, one for each period; of a ring one neuron is on at each token."""

    model: LanguageModel
    ring: dict[int, list[int]]
    position: int
    end_symbol: int

    @property
    def others(self) -> list[int]:
        return [n for n in range(N_NEURON) if n not in {n for ring in self.ring.values() for n in ring}]


def rings(seed: int, periods: tuple[int, ...] = (5, 7)) -> Rings:
    """Return rings, a neuron that rises within the sentence, and noise neurons around.

    Each neuron of a ring is on a step after the one before it. The first is on unless another but the last was: so it
    is at the first token after a reset, too.
    """
    rng = np.random.default_rng(seed)
    vocabulary = Vocabulary((UNKNOWN, END, *(f"w{i}" for i in range(N_WORD))))
    wiring = Wiring(len(vocabulary))
    found = {}
    for period in periods:
        ring = [wiring.switch(f"{period} [{i}]", [], previous=None) for i in range(period)]
        gate = wiring.recurrent["i"]
        on = -2 * wiring.bias["i"][ring[0]] / np.tanh(1)
        for before, after in itertools.pairwise(ring):
            gate[after, before] = on
        wiring.bias["i"][ring[0]] *= -1
        gate[ring[0], ring[:-1]] = -on
        found[period] = ring
    end = wiring.switch("end_symbol", [1])
    position = wiring.neuron("position", keep=True)
    wiring.bias["f"][position] = np.log(np.exp(-1 / TAU) / (1 - np.exp(-1 / TAU)))
    wiring.bias["i"][position] = -wiring.bias["f"][position]
    wiring.bias["g"][position] = np.arctanh(0.9)
    wiring.recurrent["f"][position, end] = -40 / np.tanh(1)
    wiring.fill_with_noise(list(range(len(vocabulary))), rng)
    model = LanguageModel(torch.eye(len(vocabulary)), (wiring.layer(),), None, vocabulary)
    return Rings(model, found, position, end)


def read(model: LanguageModel, text: Text, carry: str, seed: int) -> NDArray[np.float32]:
    """Return h (time, neuron) of random words with an end symbol at each sentence's last token."""
    ids = np.random.default_rng(seed).integers(2, 2 + N_WORD, text.n_token).astype(np.int32)
    ids[text.position == text.length - 1] = 1
    cut = {"continuous": np.array([0, text.n_token]), "document": text.edges,
           "sentence": np.append(text.sentence_start, text.n_token),
           "streams": np.append(np.arange(4) * (text.n_token // 4), text.n_token)}[carry]  # fmt: skip
    streams = [Stream(ids[a:b], row=a) for a, b in zip(cut[:-1].tolist(), cut[1:].tolist(), strict=True)]
    hidden = np.empty((len(ids), 1, N_NEURON), np.float32)
    StreamReader(model).read(streams, {"hidden": hidden})
    return hidden[:, 0]
