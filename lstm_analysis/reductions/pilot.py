"""The sample of tokens that decides the histogram bins."""

import dask
import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .histogram import N_BIN, pilot_edges

N_WINDOW = 64
WINDOW = 256


def pilot_time(n_token: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the tokens of the pilot: 64 runs of 256, one at random in each 64th of the corpus; all of a small corpus.

    Runs instead of single tokens, so that the pilot reads some chunks of a store and not all of them.

    Parameters
    ----------
    n_token
        Tokens of the corpus.
    seed
        Same seed, same tokens, however the corpus is cut.

    Returns
    -------
    Ascending places, dims (time).

    Examples
    --------
    >>> len(pilot_time(1_000_000)), len(pilot_time(1_000))
    (16384, 1000)
    """
    if n_token <= N_WINDOW * WINDOW:
        return np.arange(n_token)
    border = np.arange(N_WINDOW + 1) * n_token // N_WINDOW
    start = np.random.default_rng(seed).integers(border[:-1], border[1:] - WINDOW, endpoint=True)
    return (start[:, None] + np.arange(WINDOW)).ravel()


def pilot_edges_of(states: xr.DataArray, seed: int = 0) -> xr.DataArray:
    """Return ``bin_edge`` (layer, neuron, edge) from a pilot of the states (time, layer, neuron); lazy if they are."""
    pilot = states.isel(time=pilot_time(states.sizes["time"], seed))
    if pilot.chunks is None:
        return pilot_edges(pilot)
    shape = (states.sizes["layer"], states.sizes["neuron"], N_BIN - 1)
    edges = da.from_delayed(dask.delayed(_edges)(pilot.data), shape=shape, dtype=np.float32)
    return xr.DataArray(edges, dims=("layer", "neuron", "edge"))


def _edges(pilot: NDArray[np.floating]) -> NDArray[np.float32]:
    edges: NDArray[np.float32] = pilot_edges(xr.DataArray(pilot, dims=("time", "layer", "neuron"))).values
    return edges
