"""All pairs of neurons of two models, or of one: tasks over pairs of blocks, and what they found put together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .analyses.neuron_matching import Best, empty_best, merge_best
from .tasks.pairs import MatchedStates

MOST_WHOLE = 1 << 12
"""Neurons of a model up to which all correlations are held: for families, assignment and rotations."""
Pair = tuple[int, int]


@dataclass
class Pairs:
    """What all pairs of blocks of two models found.

    Parameters
    ----------
    mine, other
        The best of each neuron of either model.
    r, r_residual
        All correlations, dims (mine, other); ``None`` if there are too many.
    sd
        Standard deviation of each of the other model's neurons.
    n_token, n_token_residual
        Tokens that r, and r_residual, rest on.
    """

    mine: Best
    other: Best
    r: NDArray[np.float32] | None
    r_residual: NDArray[np.float32] | None
    sd: NDArray[np.float64]
    n_token: int = 0
    n_token_residual: int = 0

    def add(self, found: xr.Dataset, my_first: int, other_first: int, same: bool) -> None:
        """Add what a task found for a pair of blocks.

        Parameters
        ----------
        found
            A result of `pair_block`.
        my_first, other_first
            Places of the blocks' first neurons.
        same
            Whether both models are one, and so each pair of blocks counts both ways.
        """
        of_mine = Best(*(found[f"my_{name}"].values for name in Best._fields))
        of_other = Best(*(found[f"other_{name}"].values for name in Best._fields))
        _merge(self.mine, of_mine, my_first)
        if not same:
            _merge(self.other, of_other, other_first)
        elif my_first != other_first:
            _merge(self.mine, of_other, other_first)
        self.n_token, self.n_token_residual = int(found["n_token"]), int(found["n_token_residual"])
        columns = slice(other_first, other_first + found.sizes["other"])
        self.sd[columns] = found["other_sd"].values
        for name in ("r", "r_residual"):
            all_: NDArray[np.float32] | None = getattr(self, name)
            if all_ is not None:
                rows = slice(my_first, my_first + found.sizes["neuron"])
                all_[rows, columns] = found[name].values
                if same:
                    all_[columns, rows] = found[name].values.T


def _merge(into: Best, part: Best, first: int) -> None:
    rows = slice(first, first + len(part.place))
    merged = merge_best([Best(into.place[rows], into.r[rows], into.r_residual[rows]), part])
    for column, values in zip(into, merged, strict=True):
        column[rows] = values


def is_whole(mine: MatchedStates, other: MatchedStates) -> bool:
    """Whether all correlations of two models are held."""
    return max(mine.n_neuron, other.n_neuron) <= MOST_WHOLE


def pair_queue(plan: Path, mine: MatchedStates, other: MatchedStates) -> dict[Pair, tuple[Any, ...]]:
    """Return the arguments of the tasks for all pairs of blocks, by the places of their first neurons."""
    whole = is_whole(mine, other)
    return {
        (one.first, two.first): (plan, mine, other, one, two, whole)
        for one in mine.blocks()
        for two in other.blocks()
        if mine != other or one.first <= two.first
    }


def gather_pairs(
    found: Iterable[tuple[Pair, xr.Dataset]] | Mapping[Pair, xr.Dataset], mine: MatchedStates, other: MatchedStates
) -> Pairs:
    """Return what all tasks found.

    Parameters
    ----------
    found
        Results of `pair_block` by the key of `pair_queue`, each let go once it is read.
    mine, other
        The models.
    """
    whole = is_whole(mine, other)
    n_mine, n_other = mine.n_neuron, other.n_neuron
    r, r_residual = (np.full((n_mine, n_other), np.nan, np.float32) if whole else None for _ in range(2))
    pairs = Pairs(empty_best(n_mine), empty_best(n_other), r, r_residual, np.full(n_other, np.nan))
    for (my_first, other_first), result in found.items() if isinstance(found, Mapping) else found:
        pairs.add(result, my_first, other_first, mine == other)
    return pairs
