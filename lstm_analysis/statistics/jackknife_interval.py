"""Confidence intervals from estimates that each leave one block of documents out."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


def standard_error(replicates: ArrayLike, used: ArrayLike = True) -> NDArray[np.float64]:
    r"""Return the block jackknife's standard error.

    With :math:`G` blocks, :math:`\theta_g` the estimate without block g and :math:`\bar\theta` their mean,

    .. math:: se^2 = \frac{G - 1}{G} \sum_g (\theta_g - \bar\theta)^2

    Parameters
    ----------
    replicates
        Estimates, each without one block, dims (block, ...). Blocks should hold about the same number of tokens.
    used
        Which blocks count for an estimate, any shape that fits the replicates; the others are as if they were not.

    Returns
    -------
    Dims of one estimate; NaN with fewer than two blocks or where a replicate that counts is NaN.

    References
    ----------
    Künsch, H. R. (1989). The jackknife and the bootstrap for general stationary observations. Annals of Statistics 17.

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 6.0])
    >>> leave_one_out = (values.sum() - values) / 2
    >>> bool(np.isclose(standard_error(leave_one_out), values.std(ddof=1) / 3**0.5))
    True
    """
    found = np.asarray(replicates, dtype=np.float64)
    counts = np.broadcast_to(np.asarray(used), found.shape)
    n = counts.sum(axis=0)
    centre = np.where(counts, found, 0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(counts, (found - centre) ** 2, 0).sum(axis=0)
    error: NDArray[np.float64] = np.where(n < 2, np.nan, np.sqrt((n - 1) / np.maximum(n, 1) * squares))
    return error


def jackknife_interval(
    estimate: ArrayLike, replicates: ArrayLike, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval estimate -+ t * standard error, t with one degree of freedom less than there are blocks.

    Parameters
    ----------
    estimate
        From all blocks, on a scale without limits: the logit of a share, the arctanh of a correlation, the log of a
        duration.
    replicates
        The same without one block, dims (block, ...).
    level
        Its coverage.

    Returns
    -------
    Lower and upper end; NaN where `standard_error` is.
    """
    replicates = np.asarray(replicates, dtype=np.float64)
    reach = special.stdtrit(max(len(replicates) - 1, 1), 0.5 + level / 2) * standard_error(replicates)
    centre = np.asarray(estimate, dtype=np.float64)
    return centre - reach, centre + reach
