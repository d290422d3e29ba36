"""Sensitivity index d'."""

import numpy as np
import xarray as xr

from .. import fixed_point
from .mean_difference import mean_difference


def d_prime(summary: xr.Dataset) -> xr.Dataset:
    r"""Return the difference of the means in units of the root mean of the two variances.

    .. math:: d' = \frac{m_{target} - m_{baseline}}{\sqrt{(s_{target}^2 + s_{baseline}^2) / 2}}

    with the sample variances (divisor n - 1). Both groups weigh alike, whatever their size (Cohen's d weighs by size).

    Parameters
    ----------
    summary
        Needs ``n_token, value_sum, square_sum_high, square_sum_low``.

    Returns
    -------
    ``d_prime`` (concept, layer, neuron), neutral 0; NaN where a group has fewer than two tokens or both variances
    are 0.

    References
    ----------
    Simpson, A. J., Fitter, M. J. (1973). What is the best index of detectability? Psychological Bulletin 80, 481-488
    (there d_a).
    """
    mean_variance = fixed_point.variance(summary).mean("group", skipna=False)
    deviation = np.sqrt(mean_variance.where(mean_variance > 0))
    return xr.Dataset({"d_prime": mean_difference(summary).mean_difference / deviation})
