"""The most like neurons of each neuron, merged block by block."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

N_BEST = 5
"""Neurons that are kept for each."""


class Best(NamedTuple):
    """The neurons with the largest |r|, best first, dims (neuron, rank).

    Parameters
    ----------
    place
        The place of the other neuron in its model, -1 where there is none.
    r, r_residual
        Correlations of the states, and of what types and positions leave of them; NaN where there is none.
    """

    place: NDArray[np.int32]
    r: NDArray[np.float32]
    r_residual: NDArray[np.float32]


def empty_best(n_neuron: int) -> Best:
    """Return that no neuron is like any."""
    nothing = np.full((n_neuron, N_BEST), np.nan, np.float32)
    return Best(np.full((n_neuron, N_BEST), -1, np.int32), nothing, nothing.copy())


def best_of(r: NDArray[np.float32], r_residual: NDArray[np.float32], first: int) -> Best:
    """Return the best of a block of others.

    Parameters
    ----------
    r, r_residual
        Dims (neuron, other).
    first
        Place of the block's first neuron among the others.
    """
    place = np.broadcast_to(np.arange(first, first + r.shape[1], dtype=np.int32), r.shape)
    absent = np.isnan(r)
    one = Best(np.where(absent, -1, place).astype(np.int32), r, np.where(absent, np.nan, r_residual).astype(np.float32))
    return merge_best([empty_best(len(r)), one])


def merge_best(parts: Sequence[Best]) -> Best:
    """Return the best of a few parts; of equal ones those that come first in their model."""
    place = np.concatenate([part.place for part in parts], axis=1)
    r, r_residual = (np.concatenate([part[i] for part in parts], axis=1) for i in (1, 2))
    order = np.lexsort((place, -np.nan_to_num(np.abs(r), nan=-1.0)), axis=1)[:, :N_BEST]
    best = (np.take_along_axis(column, order, axis=1) for column in (place, r, r_residual))
    return Best(*best)
