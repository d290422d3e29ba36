"""Difference of the means."""

import xarray as xr

from .. import fixed_point


def mean_difference(summary: xr.Dataset) -> xr.Dataset:
    """Return the mean value over the target's tokens minus that over the baseline's.

    Parameters
    ----------
    summary
        Needs ``n_token`` and ``value_sum``.

    Returns
    -------
    ``mean_difference`` (concept, layer, neuron) in [-2, 2], neutral 0; NaN for an empty group.
    """
    mean = fixed_point.mean(summary)
    difference = mean.sel(group="target", drop=True) - mean.sel(group="baseline", drop=True)
    return xr.Dataset({"mean_difference": difference})
