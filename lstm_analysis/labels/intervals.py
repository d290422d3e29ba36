"""Half-open intervals of tokens as arrays of their starts and stops."""

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


def expand(start: Positions, stop: Positions) -> tuple[Positions, Positions]:
    """Return every position of every interval, and the index of the interval it belongs to.

    >>> position, interval = expand(np.array([3, 7]), np.array([5, 8]))
    >>> position.tolist(), interval.tolist()
    ([3, 4, 7], [0, 0, 1])
    """
    length = stop - start
    interval = np.repeat(np.arange(start.size), length)
    before = np.cumsum(length) - length
    return np.arange(interval.size) + (start - before)[interval], interval


def without_overlaps(start: Positions, stop: Positions) -> tuple[Positions, Positions]:
    """Return the intervals that are met from left to right without overlap; of the same start, the shortest.

    >>> start, stop = without_overlaps(np.array([4, 0, 2, 0]), np.array([6, 5, 4, 3]))
    >>> start.tolist(), stop.tolist()
    ([0, 4], [3, 6])
    """
    order = np.lexsort((stop, start))
    start, stop = start[order], stop[order]
    if np.all(start[1:] >= stop[:-1]):
        return start, stop
    keep, end = np.zeros(start.size, dtype=bool), -1
    for i, (first, last) in enumerate(zip(start.tolist(), stop.tolist(), strict=True)):
        if first >= end:
            keep[i], end = True, last
    return start[keep], stop[keep]
