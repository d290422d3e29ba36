"""Families of neurons that do nearly the same: average linkage on 1 - |r|."""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

FAMILY_R = 0.5
"""A family is cut where the average |r| between two parts falls below this."""
DUPLICATE_R = 0.95
"""The same for duplicates."""


def families(r: NDArray[np.floating], least_r: float) -> NDArray[np.int32]:
    """Return a number for each neuron's family, that of its first neuron; -1 for a neuron alone, or without r.

    Parameters
    ----------
    r
        Symmetric, dims (neuron, other); a row of NaN for a neuron that is constant.
    least_r
        Average |r| at which the tree is cut.
    """
    found = np.full(len(r), -1, np.int32)
    off = r.copy()
    np.fill_diagonal(off, np.nan)
    there = np.flatnonzero(~np.isnan(off).all(axis=1))
    if len(there) < 2:
        return found
    distance = 1 - np.abs(r[np.ix_(there, there)]).astype(np.float64)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    label = fcluster(tree, 1 - least_r, criterion="distance")
    _, first, inverse, size = np.unique(label, return_index=True, return_inverse=True, return_counts=True)
    found[there] = np.where(size[inverse] > 1, there[first[inverse]], -1)
    return found
