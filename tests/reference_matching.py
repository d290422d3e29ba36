"""Correlations of neurons the slow way."""

import numpy as np
from numpy.typing import NDArray


def residuals(
    values: NDArray[np.floating], type_row: NDArray[np.integer], position: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return what least squares on one dummy a type and one a position leaves, of tokens with a type; (row, neuron)."""
    known = type_row >= 0
    types, places = (np.unique(column[known], return_inverse=True)[1] for column in (type_row, position))
    dummies = np.hstack([np.eye(types.max() + 1)[types], np.eye(places.max() + 1)[places]])
    wide = values[known].astype(np.float64)
    left: NDArray[np.float64] = wide - dummies @ np.linalg.lstsq(dummies, wide, rcond=None)[0]
    return left


def correlations(mine: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return Pearson's r of every column of one array with every column of the other."""
    found = np.full((mine.shape[1], other.shape[1]), np.nan)
    for i, one in enumerate(mine.T.astype(np.float64)):
        for j, two in enumerate(other.T.astype(np.float64)):
            if np.ptp(one) > 1e-5 and np.ptp(two) > 1e-5:
                found[i, j] = np.corrcoef(one, two)[0, 1]
    return found
