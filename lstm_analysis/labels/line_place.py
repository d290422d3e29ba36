"""Which tokens are the first or the last that begin in their line."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..schema import MISSING
from .source import read_rows

LINE_COLUMNS = ("char_start", "column")


def line_starts(corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
    """Return 1 for the tokens of ``[start, stop)`` before which none begins in their line, else 0, dims (time)."""
    place, opens = _lines(corpus, start, stop)
    return _at(place[opens[:-1]], start, stop)


def line_ends(corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
    """Return 1 for the tokens of ``[start, stop)`` after which none begins in their line, else 0, dims (time)."""
    place, opens = _lines(corpus, start, stop)
    return _at(place[opens[1:]], start, stop)


def _lines(corpus: xr.Dataset, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the tokens of an interval and their neighbours, without end symbols, and whether a line opens.

    Dims (token) and, before each token and after the last, (token + 1).
    """
    first, last = _neighbour(corpus, start - 1, -1), _neighbour(corpus, stop, 1)
    begin, end = max(first, 0), min(last + 1, corpus.sizes["time"])
    char, column = (read_rows(corpus, name, begin, end) for name in LINE_COLUMNS)
    there = np.flatnonzero(column != MISSING)
    char, line = char[there], (char - column)[there]
    opens = np.ones(len(there) + 1, dtype=bool)
    opens[1:-1] = (line[1:] != line[:-1]) | (char[1:] <= char[:-1])  # a document begins where characters go back
    return there + begin, opens


def _neighbour(corpus: xr.Dataset, place: int, step: int) -> int:
    """Return the nearest token from a place on that is in a line, or the place before or after the corpus."""
    while 0 <= place < corpus.sizes["time"] and read_rows(corpus, "column", place, place + 1)[0] == MISSING:
        place += step
    return place


def _at(place: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int8]:
    label = np.zeros(stop - start, dtype=np.int8)
    label[place[(place >= start) & (place < stop)] - start] = 1
    return label
