"""Histogram bins of each neuron: edges at the quantiles of a pilot, and the kernel that finds a value's bin."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError

N_BIN = 256
_TILE = 256
_TAIL = 0.5 ** np.arange(9, 15)
_BINS_WITH_TAIL = 128


def pilot_edges(pilot: xr.DataArray, n_bin: int = N_BIN) -> xr.DataArray:
    """Return inner bin edges at the quantiles of a sample of tokens.

    The states of a trained network pile up at 0 and at +-tanh(1) or +-1; with bins of equal width the whole signal
    of such a neuron can lie inside one bin. Where a value is so frequent that it holds several quantiles, the
    second of its edges moves up to the next float32, so that this value has a bin of its own. With 128 bins or more,
    six edges at each end halve what is left (down to 2**-14 of the tokens): the precision of a neuron for a rare
    concept is decided there.

    Parameters
    ----------
    pilot
        Values of some thousand tokens, dims (time, layer, neuron). A neuron that is NaN at every token is absent.
    n_bin
        Number of bins, 2 to 65,536.

    Returns
    -------
    ``bin_edge`` (layer, neuron, edge), float32, ``n_bin - 1`` edges in ascending order, NaN for an absent neuron. The
    bin of a value is the number of edges that are not above it.

    Examples
    --------
    >>> pilot = xr.DataArray(np.linspace(-1, 1, 9).reshape(9, 1, 1), dims=("time", "layer", "neuron"))
    >>> pilot_edges(pilot, n_bin=4).values.squeeze().tolist()
    [-0.5, 0.0, 0.5]
    """
    if not 2 <= n_bin <= 1 << 16:
        raise UserError(f"n_bin is {n_bin}; a histogram needs 2 to 65,536 bins.")
    if pilot.sizes["time"] == 0:
        raise UserError("The pilot that decides the histogram bins holds no token; give at least one.")
    values = np.asarray(pilot.transpose("layer", "neuron", "time").values, dtype=np.float32)
    missing = np.isnan(values)
    if (missing.any(axis=-1) & ~missing.all(axis=-1)).any():
        raise UserError("The pilot that decides the histogram bins holds NaN; look for a model that diverged.")
    edges = _quantiles(np.sort(values, axis=-1) + np.float32(0), n_bin)
    coords = {name: pilot.coords[name] for name in ("layer", "neuron") if name in pilot.coords}
    return xr.DataArray(edges, coords, dims=("layer", "neuron", "edge"), name="bin_edge")


def _quantiles(ordered: NDArray[np.float32], n_bin: int) -> NDArray[np.float32]:
    """Return the edges (..., edge) of values in ascending order (..., time)."""
    edges = ordered[..., (_levels(n_bin) * ordered.shape[-1]).astype(np.int64)]
    repeated = np.zeros(edges.shape, dtype=bool)
    repeated[..., 1:] = edges[..., 1:] == edges[..., :-1]
    edges[repeated] = np.nextafter(edges[repeated], np.float32(np.inf))
    return edges


def _levels(n_bin: int) -> NDArray[np.float64]:
    """Return the levels of the quantiles, ascending, dims (edge): equal steps, and halves of halves at both ends."""
    if n_bin < _BINS_WITH_TAIL:
        return np.arange(1, n_bin) / n_bin
    n_step = n_bin - 2 * len(_TAIL)
    return np.sort(np.concatenate([np.arange(1, n_step) / n_step, _TAIL, 1 - _TAIL]))


def digitise(values: NDArray[np.float32], bin_edge: NDArray[np.float32]) -> NDArray[np.unsignedinteger]:
    """Return the bin of each value.

    Parameters
    ----------
    values
        Dims (time, neuron), below infinity; NaN is in bin 0.
    bin_edge
        Dims (neuron, edge), ascending.

    Returns
    -------
    Dims (time, neuron), the number of edges that are not above the value.
    """
    n_neuron, n_edge = bin_edge.shape
    depth = n_edge.bit_length()
    padded = np.full((n_neuron, (1 << depth) - 1), np.inf, dtype=np.float32)
    padded[:, :n_edge] = bin_edge
    bins = np.empty(values.shape, dtype=np.uint8 if n_edge < 1 << 8 else np.uint16)
    _find_bins(values, padded, bins)
    return bins


@compiled
def _find_bins(values: NDArray[np.float32], bin_edge: NDArray[np.float32], bins: NDArray[np.unsignedinteger]) -> None:
    """Bisect one level of a tile of tokens at a time; 2**depth - 1 edges need no bounds.

    The step of a level has no branch to mispredict and its tokens do not wait for one another.
    """
    n_time, n_neuron = values.shape
    value, found = np.empty(_TILE, np.float32), np.empty(_TILE, np.uint32)
    one = np.uint32(1)
    for first in range(0, n_time, _TILE):
        n = min(_TILE, n_time - first)
        for j in range(n_neuron):
            edges = bin_edge[j]
            for i in range(n):
                value[i] = values[first + i, j]
                found[i] = 0
            half = np.uint32((bin_edge.shape[1] + 1) // 2)
            while half > 0:
                for i in range(n):
                    at = found[i] + half
                    found[i] = at if edges[at - one] <= value[i] else found[i]
                half >>= one
            for i in range(n):
                bins[first + i, j] = found[i]
