"""Neurons matched by what they are selective for: also of models that read different texts."""

import numpy as np
from numpy.typing import NDArray

MIN_CONCEPT = 8
"""Common concepts below which a correlation of scores says nothing."""


def fingerprint_correlation(mine: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return Pearson's r over concepts of the scores of every two neurons.

    Parameters
    ----------
    mine, other
        Scores, dims (concept, neuron) each, the concepts in the same order.

    Returns
    -------
    Dims (mine, other); NaN for a neuron that lacks a score, or has the same for all concepts.
    """
    left, right = _standardised(mine), _standardised(other)
    return np.asarray(np.clip(left.T @ right / len(mine), -1, 1), np.float64)


def _standardised(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = scores.astype(np.float64)
    sd = wide.std(axis=0)
    out = np.full(wide.shape, np.nan)
    np.divide(wide - wide.mean(axis=0), sd, out=out, where=sd > 1e-12)
    return out
