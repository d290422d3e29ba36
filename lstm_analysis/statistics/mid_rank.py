"""Ranks of binned values among all tokens."""

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled


def rank_values(bins: NDArray[np.unsignedinteger], total_histogram: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the mid-rank of each value among all tokens of the corpus, as a share of them.

    Parameters
    ----------
    bins
        Bin of each value, dims (time, neuron).
    total_histogram
        All tokens of the corpus by bin, dims (neuron, bin).

    Returns
    -------
    Dims (time, neuron), in (0, 1): tokens in lower bins and half of those in the same, over all. NaN for a neuron
    without tokens.

    Examples
    --------
    >>> rank_values(np.array([[0], [1], [1], [2]], dtype=np.uint8), np.array([[1, 2, 1]])).ravel().tolist()
    [0.125, 0.5, 0.5, 0.875]
    """
    total = np.asarray(total_histogram, dtype=np.float64)
    n_token = total.sum(axis=1, keepdims=True)
    middle = np.cumsum(total, axis=1) - total / 2
    rank = np.divide(middle, n_token, out=np.full(total.shape, np.nan), where=n_token > 0).astype(np.float32)
    found = np.empty(bins.shape, dtype=np.float32)
    _look_up(bins, rank, found)
    return found


@compiled
def _look_up(bins: NDArray[np.unsignedinteger], rank: NDArray[np.float32], found: NDArray[np.float32]) -> None:
    for t in range(bins.shape[0]):
        for j in range(bins.shape[1]):
            found[t, j] = rank[j, bins[t, j]]
