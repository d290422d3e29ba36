"""The match of LSTMVis' server as it is, its faults included, so that old findings can be repeated."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UsageError
from .agreement import Chosen, Positions, count_agreeing, mask_of_all
from .bits import Bits, n_slab
from .counting import Counts, count_on

Query = Literal["fast", "precise"]
FAST_TIME = 500_000
"""Tokens that the fast query looks at; it leaves out the others without a word, which is a fault of the original."""
N_CANDIDATE = {"fast": 1_000, "precise": 10_000}
SHORTEST = 2


class Constraints(NamedTuple):
    """Whether neurons must be off at the token before a run, and at the one after it."""

    left: bool
    right: bool


class Candidate(NamedTuple):
    """A run of tokens, and by how many neurons the count falls beside it."""

    length: int
    start: int
    drop: int


def lstmvis_matches(
    bits: Bits,
    layer: int,
    neurons: Sequence[int],
    query: Query,
    phrase_length: int,
    constraints: Constraints,
    n_results: int,
) -> xr.Dataset:
    """Return what LSTMVis' server answers.

    Of candidates that rank the same the order is that of the original: it collects each level in a Python set, and so
    does this, so both give the same in the same version of Python. Where the original fails (a run that is limited to
    the right and reaches the end of what is searched) no neuron is taken to be on after the end.

    Parameters
    ----------
    bits
        Neurons that are on where the raw state is >= arctanh(threshold).
    layer, neurons
        The selected neurons, of one layer.
    query, phrase_length, constraints, n_results
        As of `find_matches`.
    """
    if query not in N_CANDIDATE:
        raise UsageError(f"query is {query!r}; it must be one of {', '.join(N_CANDIDATE)}.")
    chosen = Chosen(bits, [(0, layer, neuron) for neuron in neurons])
    n_searched = min(bits.n_time, FAST_TIME) if query == "fast" else bits.n_time
    counts = np.concatenate([count_on(chosen, slab) for slab in range(n_slab(n_searched))])[:n_searched]
    found = _candidates(counts, len(neurons), N_CANDIDATE[query], phrase_length, constraints)
    kept = [one for one in found if one.start >= 1 and one.start + one.length + 1 <= bits.n_time]
    start = np.array([one.start for one in kept], np.int64)
    length = np.array([one.length for one in kept], np.int64)
    sides = (int(constraints.left), int(constraints.right))
    n_active = count_agreeing(bits, mask_of_all(bits, layer, upwards=True), start, start + length, *sides)
    n_shared = count_agreeing(chosen, mask_of_all(chosen), start, start + length, *sides)
    n_union = n_active + len(neurons) - n_shared
    order = np.lexsort((-length, n_union, -n_shared))[:n_results]
    columns_of = {"start": start, "length": length, "jaccard": n_shared / np.maximum(n_union, 1),
                  "n_missing": len(neurons) - n_shared, "n_union": n_union, "n_shared": n_shared}  # fmt: skip
    histograms = {
        "length_histogram": np.bincount(length),
        "length_histogram_strict": np.bincount(length[n_shared == len(neurons)], minlength=0),
    }
    return _dataset({name: column[order] for name, column in columns_of.items()}, histograms, n_searched)


def _dataset(
    columns: dict[str, NDArray[np.generic]], histograms: dict[str, NDArray[np.int64]], n_searched: int
) -> xr.Dataset:
    longest = max(map(len, histograms.values()), default=0)
    padded = {name: np.pad(values, (0, longest - len(values))) for name, values in histograms.items()}
    return xr.Dataset(
        {name: ("match", column) for name, column in columns.items()}
        | {name: ("run_length", values) for name, values in padded.items()}
        | {"n_time_searched": n_searched},
        {"run_length": np.arange(longest)},
    )


def _candidates(
    counts: Counts, n_neuron: int, n_candidate: int, phrase_length: int, constraints: Constraints
) -> list[Candidate]:
    """Collect runs level by level until there are enough, and return those with the largest drop."""
    collected: dict[tuple[int, int], Candidate] = {}
    level = n_neuron
    while level > 0 and len(collected) < n_candidate and len(counts):
        start, stop = _runs_at(counts, level)
        length = stop - start
        fits = length == phrase_length if phrase_length > 0 else length >= SHORTEST
        start, stop, length = start[fits], stop[fits], length[fits]
        drop = _drop(counts, start, stop, level, constraints)
        for one in set(zip(length.tolist(), start.tolist(), drop.tolist(), strict=True)):
            collected.setdefault(one[:2], Candidate(*one))
        level -= 1
    return sorted(collected.values(), key=lambda one: one.drop, reverse=True)[:n_candidate]


def _drop(counts: Counts, start: Positions, stop: Positions, level: int, constraints: Constraints) -> NDArray[np.int64]:
    """Return by how much the count falls beside each run; before the first token lies, as in the original, the last."""
    clamped = np.minimum(counts, level).astype(np.int64)
    drop = np.full(len(start), level if any(constraints) else 0, np.int64)
    if constraints.left:
        drop -= clamped[start - 1]
    if constraints.right:
        drop -= np.append(clamped, 0)[stop]
    return drop


@compiled
def _runs_at(counts: Counts, level: int) -> tuple[Positions, Positions]:
    """Return the runs, half-open, on which the count is at least ``level`` and beside which it is less."""
    n = 0
    for t in range(len(counts)):
        if counts[t] >= level and (t == 0 or counts[t - 1] < level):
            n += 1
    start, stop = np.empty(n, np.int64), np.empty(n, np.int64)
    i = 0
    for t in range(len(counts)):
        if counts[t] >= level:
            if t == 0 or counts[t - 1] < level:
                start[i] = t
            if t + 1 == len(counts) or counts[t + 1] < level:
                stop[i] = t + 1
                i += 1
    return start, stop
