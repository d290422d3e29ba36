"""How high or low each neuron is at some spans, against all its values."""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..cluster import work
from ..compiled import compiled
from ..errors import UsageError
from ..schema import RESOLUTION
from .of_states import StateReader
from .states import check_span

if TYPE_CHECKING:
    from distributed import Client

SLAB, PIECE = 1 << 16, 1 << 12
"""Tokens of a task, and of all neurons of a layer that are in memory at once."""
MOST_TOKENS = 10_000
"""Tokens of all spans together, whose values are held for every neuron."""
Floats = NDArray[np.floating]


def rank_at_spans(states: StateReader, spans: Sequence[tuple[int, int]], client: "Client | None" = None) -> xr.Dataset:
    """Return how high each neuron is at spans of tokens: the mean mid-rank of its values among all its values.

    The percentile of a value x is (#(v < x) + #(v <= x)) / 2 T over the values v of the neuron at all T tokens,
    exactly; that of a span is the mean over its tokens. .5 is neutral; 0 and 1 are the lowest and the highest there is.

    Parameters
    ----------
    states
        Of a run; they are read once, a slab of tokens at a time.
    spans
        Half-open; one or more.
    client
        A Dask client whose workers do it; by default this process.

    Returns
    -------
    `percentile, value` (span, layer, neuron): means over the span's tokens; `percentile_mean` (layer, neuron): over the
    spans; `percentile_weakest`: of all spans the one nearest to the other end, so that what it says holds for all. NaN
    for a neuron that varies less than `schema.RESOLUTION`, or is not there.
    """
    n_time, n_layer, n_neuron = states.shape
    _check(spans, n_time)
    parts = [np.concatenate([states.values(*span, layer) for layer in range(n_layer)], axis=1) for span in spans]
    at_spans = np.concatenate(parts)
    order = np.argsort(at_spans, axis=0, kind="stable")
    ordered = np.take_along_axis(at_spans, order, axis=0)
    counted = _count_all(states, ordered, client)
    rank = np.empty(counted.shape)
    np.put_along_axis(rank, order, counted / (2 * n_time), axis=0)
    edges = np.cumsum([0, *(stop - start for start, stop in spans)])
    shape = (len(spans), n_layer, n_neuron)
    mean_rank, mean_value = (
        np.stack([values[a:b].mean(axis=0, dtype=np.float64) for a, b in pairwise(edges)])
        for values in (rank, at_spans)
    )
    return _dataset(mean_rank.reshape(shape), mean_value.reshape(shape), spans)


def _check(spans: Sequence[tuple[int, int]], n_time: int) -> None:
    if not spans:
        raise UsageError("Give one span or more.")
    for span in spans:
        check_span(*span, n_time)
    total = sum(stop - start for start, stop in spans)
    if total > MOST_TOKENS:
        raise UsageError(
            f"The spans have {total:,} tokens together, of which all neurons are held in memory; give {MOST_TOKENS:,} "
            "at most. For many places make them a concept (concepts: [{source: spans, file: ...}]) and run the study."
        )


def _count_all(states: StateReader, ordered: Floats, client: "Client | None") -> Floats:
    """Return for each value (row, neuron) of the spans how many are below plus how many are not above it."""
    n_time = states.shape[0]
    spans = [(start, min(n_time, start + SLAB)) for start in range(0, n_time, SLAB)]
    queue = deque((index, states, ordered, *span) for index, span in enumerate(spans))
    total = np.zeros((2, len(ordered) + 1, ordered.shape[1]), np.int64)
    value_range = np.stack([np.full(ordered.shape[1], np.inf), np.full(ordered.shape[1], -np.inf)])
    for _, outcome in work(client, "ranks at spans", count_ranks, queue):
        if isinstance(outcome, BaseException):
            raise outcome
        number, low, high = outcome
        total += number
        value_range = np.stack([np.minimum(value_range[0], low), np.maximum(value_range[1], high)])
    counted = np.cumsum(total, axis=1)[:, :-1].sum(axis=0)
    return np.where(value_range[1] - value_range[0] >= RESOLUTION, counted.astype(np.float64), np.nan)


def count_ranks(
    index: int, states: StateReader, ordered: Floats, start: int, stop: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return where the values of ``[start, stop)`` come among those of the spans, and their range: a task.

    Dims (kind, row, neuron): how many values come right before a row of ``ordered``, kind 0 below it, kind 1 not above.
    """
    number = np.zeros((2, len(ordered) + 1, ordered.shape[1]), np.int64)
    low, high = np.full(ordered.shape[1], np.inf), np.full(ordered.shape[1], -np.inf)
    for first in range(start, stop, PIECE):
        last = min(stop, first + PIECE)
        values = np.concatenate([states.values(first, last, layer) for layer in range(states.shape[1])], axis=1)
        _place(values, ordered, number)
        low, high = np.minimum(low, values.min(axis=0)), np.maximum(high, values.max(axis=0))
    return number, low, high


@compiled
def _place(values: Floats, ordered: Floats, number: NDArray[np.int64]) -> None:
    """Add the values (time, neuron) to the numbers of those that come right before each row of ``ordered``."""
    n_time, n_neuron = values.shape
    for j in range(n_neuron):
        column = ordered[:, j].copy()
        for t in range(n_time):
            v = values[t, j]
            number[0, np.searchsorted(column, v, side="right"), j] += 1
            number[1, np.searchsorted(column, v, side="left"), j] += 1


def _dataset(percentile: Floats, value: Floats, spans: Sequence[tuple[int, int]]) -> xr.Dataset:
    mean = percentile.mean(axis=0)
    weakest = np.where(mean >= 0.5, percentile.min(axis=0), percentile.max(axis=0))
    dims = ("layer", "neuron")
    start, stop = np.array(spans, np.int64).T
    return xr.Dataset(
        {
            "percentile": (("span", *dims), percentile),
            "value": (("span", *dims), value),
            "percentile_mean": (dims, mean),
            "percentile_weakest": (dims, weakest),
        },
        {"start": ("span", start), "stop": ("span", stop)},
    )
