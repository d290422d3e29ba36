"""Draws of many neurons pooled: counted by size while they come, so that blocks of neurons add up."""

import numpy as np
from numpy.typing import NDArray

Z_LIMIT = 16
Z_STEP = 1 / 128
N_Z_BIN = Z_LIMIT * 128 + 1


def count_z(z: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count values by abs(z) in bins of 1/128, the last for 16 and more. Dims (...) to (bin); NaN is not counted."""
    return np.bincount(_z_bin(np.abs(z[~np.isnan(z)])), minlength=N_Z_BIN).astype(np.int64)


def counted_p(z_observed: NDArray[np.float64], z_count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return p-values against the draws of all neurons of a concept together, (b + 1) / (draws * neurons + 1).

    They reach far below 1 / draws, as a false discovery rate over many neurons and concepts needs. They hold on
    average over the neurons, whose z are alike because each is scaled by its own draws. A draw in the bin of the
    observed counts as reaching it: about z / 128 of p is added.

    Parameters
    ----------
    z_observed
        Dims (concept, neuron), NaN where undefined.
    z_count
        Draws by abs(z), dims (concept, bin), of all neurons: the sum over the blocks.

    Returns
    -------
    Dims (concept, neuron), NaN where ``z_observed`` is.

    References
    ----------
    Storey, J. D., Tibshirani, R. (2003). Statistical significance for genomewide studies. PNAS 100, 9440-9445.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=100_000)
    >>> counted_p(np.array([[1.96, np.nan]]), count_z(draws)[None]).round(2).tolist()
    [[0.05, nan]]
    """
    reached = np.cumsum(z_count[:, ::-1], axis=1)[:, ::-1]
    there = ~np.isnan(z_observed)
    at = _z_bin(np.abs(np.where(there, z_observed, 0)))
    p = (np.take_along_axis(reached, at, axis=1) + 1) / (reached[:, :1] + 1)
    return np.where(there, p, np.nan)


def _z_bin(size: NDArray[np.float64]) -> NDArray[np.int64]:
    return (np.minimum(size, Z_LIMIT) / Z_STEP).astype(np.int64)
