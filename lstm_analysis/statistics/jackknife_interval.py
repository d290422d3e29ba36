"""Confidence intervals from estimates that each leave one block of documents out."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def standard_error(replicates: ArrayLike) -> NDArray[np.float64]:
    r"""Return the block jackknife's standard error.

    With :math:`G` blocks, :math:`\theta_g` the estimate without block g and :math:`\bar\theta` their mean,

    .. math:: se^2 = \frac{G - 1}{G} \sum_g (\theta_g - \bar\theta)^2

    Parameters
    ----------
    replicates
        Estimates, each without one block, dims (block, ...). Blocks should hold about the same number of tokens.

    Returns
    -------
    Dims of one estimate; NaN with fewer than two blocks or where a replicate is NaN.

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
    n_block = len(found)
    if n_block < 2:
        return np.full(found.shape[1:], np.nan)
    deviation = found - found.mean(axis=0)
    error: NDArray[np.float64] = np.sqrt((n_block - 1) / n_block * (deviation**2).sum(axis=0))
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
    reach = stats.t.ppf(0.5 + level / 2, max(len(replicates) - 1, 1)) * standard_error(replicates)
    centre = np.asarray(estimate, dtype=np.float64)
    return centre - reach, centre + reach
