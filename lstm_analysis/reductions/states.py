"""What a reduction asks of states and of the columns beside them."""

import math
from collections.abc import Mapping

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError


def bounded(values: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the values as float32 with the smallest and the largest of each neuron.

    Parameters
    ----------
    values
        Dims (time, layer, neuron).

    Returns
    -------
    The values, and two arrays (layer, neuron): infinity and minus infinity where there is no token, NaN for a neuron
    that is NaN at every token. Such a neuron is absent: its layer is smaller than the largest.

    Raises
    ------
    UserError
        If a value is outside [-1, 1], where exact sums do not hold, or a neuron is NaN at some tokens only, or all are
        NaN.
    """
    if values.ndim != 3:
        raise UserError(f"States need dims ('time', 'layer', 'neuron'), got an array of shape {values.shape}.")
    values = np.ascontiguousarray(values, dtype=np.float32)
    # Adding 0 turns -0 into 0: which of the two a minimum returns would depend on the order.
    low = values.min(axis=0, initial=np.inf) + np.float32(0)
    high = values.max(axis=0, initial=-np.inf) + np.float32(0)
    absent = _absent(values, low)
    bad = np.argwhere(~((low >= -1) & (high <= 1)) & ~absent)
    if len(bad):
        layer, neuron = bad[0]
        raise UserError(
            f"Neuron {layer}:{neuron} has values from {low[layer, neuron]} to {high[layer, neuron]}; the exact sums "
            "hold for values in [-1, 1]. Reduce hidden_state, not cell_state; if this is hidden_state, NaN means that "
            "the model diverged (a neuron that a layer does not have is NaN at every token)."
        )
    low[absent] = high[absent] = np.nan  # NaN has a sign, too
    return values, low, high


def _absent(values: NDArray[np.float32], low: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which neurons (layer, neuron) are NaN at every token, given their minima; none if all of them are."""
    missing = np.isnan(low)  # at one token or more
    if missing.any():
        missing &= np.isnan(np.fmin.reduce(values, axis=0))
    return missing & ~missing.all()


def by_neuron(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values (time, layer, neuron) with layers side by side, dims (time, neuron)."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def check_same_tokens(values: NDArray[np.floating], **columns: NDArray[np.integer] | None) -> None:
    """Refuse arrays along time, named by their keyword, that are not as long as the values (time, layer, neuron)."""
    for name, column in columns.items():
        if column is not None and len(column) != len(values):
            raise UserError(f"The states have {len(values)} tokens, {name} has {len(column)}; give the same tokens.")


def check_states(states: xr.DataArray) -> None:
    """Refuse states without the dims (time, layer, neuron) in this order."""
    schema.require_dims(states, "hidden_state")


def check_columns(states: xr.DataArray, columns: Mapping[str, xr.DataArray]) -> None:
    """Refuse columns that are not about the tokens of the states."""
    for name, column in columns.items():
        dims = schema.VARIABLES["label"].dims if name == "label" else ("time",)
        if column.dims != dims:
            raise UserError(f"{name} needs dims {dims}, got {column.dims}; use {name}.transpose{dims} or rename.")
        if column.sizes["time"] != states.sizes["time"]:
            raise UserError(
                f"The states have {states.sizes['time']} tokens, {name} has {column.sizes['time']}; select the same "
                "tokens of both."
            )
        both = "time" in column.indexes and "time" in states.indexes
        if both and not column.indexes["time"].equals(states.indexes["time"]):
            raise UserError(f"The time coordinates of the states and of {name} differ; select the same tokens of both.")


def places(states: xr.DataArray) -> xr.DataArray:
    """Return the place of each token in the corpus, dims (time): the ``time`` coordinate, by default 0, 1, 2 ...

    Raises
    ------
    UserError
        If the coordinate is not of integers that ascend from 0 or more.
    """
    if "time" not in states.indexes:
        n_token, chunks = states.sizes["time"], states.chunksizes.get("time")
        return xr.DataArray(np.arange(n_token) if chunks is None else da.arange(n_token, chunks=chunks), dims="time")
    time = np.asarray(states.indexes["time"])
    if time.dtype.kind not in "iu":
        raise UserError(
            f"The time coordinate of the states has the type {time.dtype}; it must be the integer place of each token "
            "in the corpus. If it is something else, drop it: states.drop_vars('time')."
        )
    check_ascending(time)
    return xr.DataArray(time.astype(np.int64), dims="time")


def check_ascending(time: NDArray[np.integer]) -> None:
    """Refuse places in the corpus (time) that do not ascend from 0 or more."""
    if len(time) and (time[0] < 0 or (time[1:] <= time[:-1]).any()):
        raise UserError("time must ascend from 0 or more, gaps allowed: it is each token's place in the corpus.")


def neuron_coords(*arrays: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return the coordinates of concepts, layers and neurons that the arrays have."""
    names = ("concept", "source", "layer", "neuron")
    return {name: array.coords[name] for array in arrays for name in names if name in array.coords}
