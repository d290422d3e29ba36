"""How many neurons of a set are on at each token, and the runs of tokens on which at least so many are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .bits import WORD, Words

SLAB_WORDS = 1 << 14
"""Words, of 64 tokens, that are counted at once."""
Counts = NDArray[np.uint16]
Positions = NDArray[np.int64]


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


def count_on(columns: Sequence[Words], first: int, stop: int) -> Counts:
    """Return how many of the columns of bits are on at each token of the words ``[first, stop)``, dims (time)."""
    return _count(np.stack([words[first:stop] for words in columns]))


def level_counts(columns: Sequence[Words], n_time: int) -> NDArray[np.int64]:
    """Return how many runs there are of each level, from 0 (always none) to the number of columns."""
    return _walk(columns, n_time, len(columns) + 1)[1]


def runs_from(columns: Sequence[Words], n_time: int, lowest: int) -> Runs:
    """Return the runs whose level is ``lowest`` or more.

    Every stretch of tokens that cannot be made longer without meeting a token at which fewer of the columns are on is
    one run, so that runs are disjoint or lie inside one another.
    """
    return _walk(columns, n_time, lowest)[0]


def _walk(columns: Sequence[Words], n_time: int, lowest: int) -> tuple[Runs, NDArray[np.int64]]:
    """Go through the corpus slab by slab; a run that is open at the end of one goes on in the next."""
    open_runs = np.zeros((len(columns) + 1, 2), np.int64)
    number = np.zeros(len(columns) + 1, np.int64)
    depth, parts = 0, []
    n_word = len(columns[0])
    for first in range(0, n_word, SLAB_WORDS):
        counts = count_on(columns, first, min(n_word, first + SLAB_WORDS))[: n_time - first * WORD]
        last = first + SLAB_WORDS >= n_word
        found = np.empty((len(counts) + len(open_runs) if lowest <= len(columns) else 0, 3), np.int64)
        depth, n = _find_runs(counts, first * WORD, last, lowest, open_runs, depth, number, found)
        parts.append(found[:n].copy())
    start, stop, level = np.concatenate(parts).T if parts else np.empty((3, 0), np.int64)
    return Runs(start, stop, level), number


@compiled
def _find_runs(
    counts: Counts,
    offset: int,
    last: bool,
    lowest: int,
    open_runs: Positions,
    depth: int,
    number: NDArray[np.int64],
    found: Positions,
) -> tuple[int, int]:
    """Fill ``found`` (run; start, stop, level) with the runs that end here, and count all in ``number`` (level).

    ``open_runs`` (run; start, level) holds those that go on, the outermost first; ``depth`` is their number.
    """
    n = 0
    for i in range(len(counts) + (1 if last else 0)):
        t, count = offset + i, np.int64(counts[i]) if i < len(counts) else 0
        begin = t
        while depth > 0 and open_runs[depth - 1, 1] > count:
            depth -= 1
            begin, level = open_runs[depth, 0], open_runs[depth, 1]
            number[level] += 1
            if level >= lowest:
                found[n, 0], found[n, 1], found[n, 2] = begin, t, level
                n += 1
        if count > 0 and (depth == 0 or open_runs[depth - 1, 1] < count):
            open_runs[depth, 0], open_runs[depth, 1] = begin, count
            depth += 1
    return depth, n


@compiled
def _count(columns: Words) -> Counts:
    """Count the bits of each token over columns (column, word), the counts of 64 tokens side by side in planes."""
    n_column, n_word = columns.shape
    n_plane = 1
    while (1 << n_plane) <= n_column:
        n_plane += 1
    counts = np.zeros(n_word * 64, np.uint16)
    planes = np.empty(n_plane, np.uint64)
    for word in range(n_word):
        planes[:] = 0
        for column in range(n_column):
            carry = columns[column, word]
            for p in range(n_plane):
                if carry == 0:
                    break
                planes[p], carry = planes[p] ^ carry, planes[p] & carry
        for p in range(n_plane):
            plane = planes[p]
            if plane:
                for bit in range(64):
                    counts[word * 64 + bit] += np.uint16(((plane >> np.uint64(bit)) & np.uint64(1)) << np.uint64(p))
    return counts
