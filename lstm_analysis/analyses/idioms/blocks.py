"""Putting blocks of neurons together."""

from collections.abc import Sequence

import numpy as np
import xarray as xr


def gather_blocks(blocks: Sequence[tuple[int, int, xr.Dataset]], layer_sizes: Sequence[int]) -> xr.Dataset:
    """Return the measurements of all neurons from those of blocks, in any order.

    Parameters
    ----------
    blocks
        Layer, first neuron, and what `measure_idioms` gave, each neuron once.
    layer_sizes
        Neurons of each layer; past them a smaller layer is NaN (False in `is_active`).

    Returns
    -------
    The same variables with dims (..., layer, neuron) in place of (..., neuron). Those without the dim neuron count
    neurons and are summed; neurons past a layer's size count nothing, as their states are NaN.
    """
    parts = [part for _, _, part in blocks]
    shape = (len(layer_sizes), max(layer_sizes))
    gathered = {}
    for name, variable in parts[0].data_vars.items():
        if "neuron" not in variable.dims:
            gathered[name] = (variable.dims, np.sum([part[name].to_numpy() for part in parts], axis=0))
            continue
        empty = False if variable.dtype == bool else np.nan
        whole = np.full((*variable.shape[:-1], *shape), empty, variable.dtype)
        for layer, first, part in blocks:
            stop = min(first + part.sizes["neuron"], layer_sizes[layer])
            whole[..., layer, first:stop] = part[name].to_numpy()[..., : stop - first]
        gathered[name] = ((*variable.dims[:-1], "layer", "neuron"), whole)
    return xr.Dataset(gathered, parts[0].coords)
