"""Which neurons a model has, where its layers differ in size."""

import numpy as np
import xarray as xr


def is_present(scores: xr.Dataset) -> xr.DataArray:
    """Return which neurons there are; a layer smaller than the largest one is padded with neurons that are not.

    Parameters
    ----------
    scores
        A result of `measure`. Its ``value_min`` is NaN for a neuron that is not there.

    Returns
    -------
    Dims (layer, neuron); true everywhere if there is no ``value_min``.

    Examples
    --------
    >>> is_present(xr.Dataset({"value_min": (("layer", "neuron"), [[-1.0, 0.0], [-0.5, np.nan]])})).values.tolist()
    [[True, True], [True, False]]
    """
    dims = ("layer", "neuron")
    if "value_min" in scores:
        return scores["value_min"].notnull().transpose(*dims)
    return xr.DataArray(np.ones([scores.sizes[dim] for dim in dims], dtype=bool), dims=dims)
