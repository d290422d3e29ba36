"""A matrix of counts as a table of the page: the count in each cell, the colour a share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .numerals import number
from .palette import share_class


@dataclass(frozen=True)
class Cell:
    """A count, the style of its colour, what is said where the pointer rests."""

    text: str
    style: str
    title: str


@dataclass(frozen=True)
class HeatMap:
    """Names of rows and columns with what belongs to each, the cells, and how many rows there are without a cut."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_all: int


def heat_map(
    names: Sequence[str],
    both: NDArray[Any],
    jaccard: NDArray[Any],
    lift: NDArray[Any],
    chosen: NDArray[np.intp],
    n_all: int,
) -> HeatMap:
    """Return how sets of neurons overlap.

    Parameters
    ----------
    names
        Of the sets.
    both, jaccard, lift
        Neurons in both sets, their share of those in one or both, and how many times as many there are as expected,
        dims (set, set).
    chosen
        Places of the sets to show, in order.
    n_all
        Sets that could have been shown.
    """
    rows = []
    for i in chosen:
        cells = []
        for j in chosen:
            share, times = float(jaccard[i, j]), float(lift[i, j])
            said = f"{names[i]} and {names[j]}: {both[i, j]:,} neurons, Jaccard {number(share)}, lift {number(times)}"
            if i == j:
                cells.append(Cell(f"{both[i, j]:,}", "own", f"{names[i]}: {both[i, j]:,} neurons"))
            else:
                cells.append(Cell(f"{both[i, j]:,}", share_class(share), said))
        rows.append(tuple(cells))
    shown = tuple(str(names[i]) for i in chosen)
    return HeatMap(shown, tuple(int(both[i, i]) for i in chosen), tuple(rows), n_all)
