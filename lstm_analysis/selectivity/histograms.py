"""How a score is read off the histograms, one concept at a time."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Counts = NDArray[np.float64]
Kernel = Callable[[Counts, Counts], tuple[Counts, ...]]


def from_histograms(kernel: Kernel, summary: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    """Return what a kernel makes of the target's and the baseline's histograms.

    Parameters
    ----------
    kernel
        Takes the tokens in each bin, target and baseline, dims (layer, neuron, bin), each group with a token, and
        gives one array (layer, neuron) a name.
    summary
        Needs ``histogram`` and ``n_token``.
    names
        Of the results.

    Returns
    -------
    Dims (concept, layer, neuron); NaN for a concept without target or without baseline.
    """
    histogram = summary.histogram.transpose("concept", "group", "layer", "neuron", "bin")
    target, baseline = (histogram.sel(group=group).values for group in ("target", "baseline"))
    scores = np.full((len(names), *target.shape[:-1]), np.nan)
    for k in np.flatnonzero((summary.n_token > 0).all("group").values):
        scores[:, k] = kernel(target[k].astype(np.float64), baseline[k].astype(np.float64))
    dims = ("concept", "layer", "neuron")
    return xr.Dataset({name: (dims, score) for name, score in zip(names, scores, strict=True)})
