"""Pairs of neurons of two models: mutual best matches, and one partner for each."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def mutual_best(mine: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return whether each neuron is the best of its own best: 1 if so, 0 if not, -1 where it has none.

    Parameters
    ----------
    mine
        Place of the best other neuron of each, -1 for none.
    other
        Of each of the others the best, in the first model's places.

    >>> mutual_best(np.array([1, 1, -1]), np.array([0, 1])).tolist()
    [0, 1, -1]
    """
    there = mine >= 0
    found = np.full(len(mine), -1, np.int8)
    found[there] = other[mine[there]] == np.flatnonzero(there)
    return found


def assign_one_to_one(r: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return a partner for each neuron of the smaller model, no two the same, with the largest sum of |r|.

    Parameters
    ----------
    r
        Dims (mine, other); NaN is never a pair.

    Returns
    -------
    Place of the partner, -1 for none; dims (mine).
    """
    strength = np.nan_to_num(np.abs(r), nan=0.0)
    rows, columns = linear_sum_assignment(strength, maximize=True)
    found = np.full(len(r), -1, np.int32)
    defined = ~np.isnan(r[rows, columns])
    found[rows[defined]] = columns[defined]
    return found
