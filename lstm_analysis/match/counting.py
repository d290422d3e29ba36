"""How many neurons of a set are on at each token, and the runs of tokens on which at least so many are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .agreement import Chosen, Positions, ones
from .bits import SLAB, Words, n_slab

Counts = NDArray[np.uint16]


@dataclass(frozen=True)
class Runs:
    """Runs of tokens, in the order in which they end, an inner one before the one around it.

    Parameters
    ----------
    start, stop
        Half-open, dims (run).
    level
        The fewest neurons that are on at a token of the run; at the tokens before and after it there are fewer.
    """

    start: Positions
    stop: Positions
    level: NDArray[np.int64]


def count_on(chosen: Chosen, slab: int) -> Counts:
    """Return how many of some neurons are on at each token of a slab, dims (time)."""
    by_time = chosen.slab(slab).by_time
    return _count(by_time.reshape(len(by_time), -1))


def count_tokens(chosen: Chosen) -> NDArray[np.int64]:
    """Return at how many tokens so many of some neurons are on, dims (count), from 0 to all of them."""
    number = np.zeros(chosen.shape[1] + 1, np.int64)
    for slab in range(n_slab(chosen.n_time)):
        number += np.bincount(count_on(chosen, slab), minlength=len(number))
    return number


def runs_from(chosen: Chosen, lowest: int) -> Runs:
    """Return the runs whose level is ``lowest``, from 1 on, or more.

    Every stretch of tokens that cannot be made longer without meeting a token at which fewer of the neurons are on is
    one run, so that runs are disjoint or lie inside one another. There are at most as many as tokens at which
    ``lowest`` or more are on.
    """
    open_runs = np.zeros((chosen.shape[1] + 1, 2), np.int64)
    depth, parts, n = 0, [np.empty((0, 3), np.int64)], n_slab(chosen.n_time)
    for slab in range(n):
        counts = count_on(chosen, slab)
        found = np.empty((len(counts) + len(open_runs), 3), np.int64)
        depth, n_found = _find_runs(counts, slab * SLAB, slab == n - 1, lowest, open_runs, depth, found)
        parts.append(found[:n_found].copy())
    start, stop, level = np.ascontiguousarray(np.concatenate(parts).T)
    return Runs(start, stop, level)


@compiled
def _find_runs(
    counts: Counts, offset: int, last: bool, lowest: int, open_runs: Positions, depth: int, found: Positions
) -> tuple[int, int]:
    """Fill ``found`` (run; start, stop, level) with the runs that end in a slab, or where the corpus ends.

    ``open_runs`` (run; start, level) holds those that go on, the outermost first; ``depth`` is their number.
    """
    n = 0
    for i in range(len(counts) + (1 if last else 0)):
        count = np.int64(counts[i]) if i < len(counts) else 0
        if count < lowest:
            count = 0
            if depth == 0:
                continue
        t = offset + i
        begin = t
        while depth > 0 and open_runs[depth - 1, 1] > count:
            depth -= 1
            begin = open_runs[depth, 0]
            found[n, 0], found[n, 1], found[n, 2] = begin, t, open_runs[depth, 1]
            n += 1
        if count > 0 and (depth == 0 or open_runs[depth - 1, 1] < count):
            open_runs[depth, 0], open_runs[depth, 1] = begin, count
            depth += 1
    return depth, n


@compiled
def _count(by_time: Words) -> Counts:
    """Count the bits of each token (time, word)."""
    counts = np.zeros(len(by_time), np.uint16)
    for t in range(len(by_time)):
        total = np.uint64(0)
        for word in range(by_time.shape[1]):
            total += ones(by_time[t, word])
        counts[t] = np.uint16(total)
    return counts
