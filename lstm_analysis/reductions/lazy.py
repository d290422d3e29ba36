"""Reductions over Dask chunks: one task a chunk of ``time``, merged in a fixed tree."""

from collections.abc import Iterable, Mapping
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

from .. import schema
from .merge import merge_summaries


def blocks(states: xr.DataArray, columns: Mapping[str, xr.DataArray]) -> list[dict[str, Any]]:
    """Return the delayed arrays of each chunk of ``time``: ``values`` and the columns, which follow the states' chunks.

    Parameters
    ----------
    states
        Lazy, dims (time, layer, neuron), any chunks.
    columns
        In memory or lazy, ``time`` first.
    """
    whole = states.chunk({"layer": -1, "neuron": -1})
    arrays = {"values": whole.data}
    for name, column in columns.items():
        chunks = (whole.chunks[0], *((size,) for size in column.shape[1:])) if whole.chunks else ()
        is_lazy = column.chunks is not None
        arrays[name] = column.data.rechunk(chunks) if is_lazy else da.from_array(column.values, chunks=chunks)
    delayed = {name: array.to_delayed().ravel() for name, array in arrays.items()}
    return [dict(zip(delayed, parts, strict=True)) for parts in zip(*delayed.values(), strict=True)]


def merged(parts: Iterable[Any], names: Iterable[str], sizes: Mapping[str, int]) -> xr.Dataset:
    """Return the lazy merge of delayed summaries.

    Parameters
    ----------
    parts
        One delayed summary a chunk.
    names
        The variables they have.
    sizes
        The size of each of their dims.
    """
    level = list(parts)
    merge = dask.delayed(merge_summaries)
    while len(level) > 1:
        pairs = [merge(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    result = xr.Dataset({name: _variable(level[0], name, sizes) for name in names})
    index = {
        "group": list(schema.GROUPS),
        "extreme": list(schema.EXTREMES),
        "offset": np.array(schema.CONTEXT_OFFSETS),
        "sentence_position": np.arange(sizes["sentence_position"]),
    }
    return result.assign_coords({dim: values for dim, values in index.items() if dim in result.dims})


def _variable(summary: Any, name: str, sizes: Mapping[str, int]) -> tuple[tuple[str, ...], Any]:
    variable = schema.VARIABLES[name]
    dtype = np.dtype(variable.dtype)
    shape = tuple(sizes[dim] for dim in variable.dims)
    return variable.dims, da.from_delayed(dask.delayed(_values)(summary, name, dtype), shape=shape, dtype=dtype)


def _values(summary: xr.Dataset, name: str, dtype: np.dtype[Any]) -> Any:
    return summary[name].values.astype(dtype, copy=False)
