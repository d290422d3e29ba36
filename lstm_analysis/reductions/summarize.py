"""One pass over the states: the labelled front, in memory or lazily over Dask chunks."""

from collections.abc import Mapping
from typing import Any

import dask
import numpy as np
import xarray as xr

from .. import schema
from . import lazy
from .block import summarize_block
from .context import N_CONTEXT
from .graded import value_rows
from .pilot import pilot_edges_of
from .states import check_columns, check_states, neuron_coords, places
from .tuning import N_POSITION, sum_by_position, tuning_from_sums

_POSITION = ("position_n_token", "position_value_sum", "position_square_sum_high", "position_square_sum_low")
_RANGE = ("value_min", "value_max")
_PARTS = {
    "label": ("n_token", "value_sum", "square_sum_high", "square_sum_low", "histogram", "bin_edge", *_RANGE),
    "sentence_position": _POSITION,
    "context_group": ("context_time", "context_group", "context_value"),
    "time": (),
}  # fmt: skip


def summarize(
    states: xr.DataArray,
    labels: xr.Dataset,
    *,
    bin_edge: xr.DataArray | None = None,
    sentence_position: xr.DataArray | None = None,
    context_group: xr.DataArray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Reduce states to what every measure of selectivity is read off.

    Parameters
    ----------
    states
        Hidden states within [-1, 1], dims (time, layer, neuron), in memory or lazy with any chunks. A neuron that is
        NaN at every token is absent.
    labels
        Needs ``label`` (time, concept). Its ``n_type``, ``n_document`` and ``source``, if there, are carried along.
    bin_edge
        Histogram edges (layer, neuron, edge); by default quantiles of a pilot, see `pilot_time`.
    sentence_position
        Place of each token in its sentence (time); adds the ``position_`` variables.
    context_group
        Document or sentence of each token (time), never decreasing; adds the ``context_`` variables.
    seed
        Of the pilot.

    Returns
    -------
    The ``summaries`` of the vocabulary; lazy if the states are. Counts, sums and histograms do not depend on the
    chunks; the values around an extreme token are those of its chunk. ``context_time`` is taken from the ``time``
    coordinate of the states (ascending, gaps allowed), and counts from 0 if they have none.

    Examples
    --------
    >>> values = np.linspace(-1, 1, 6, dtype="float32").reshape(6, 1, 1)
    >>> states = xr.DataArray(values, dims=("time", "layer", "neuron"))
    >>> label = xr.DataArray(np.array([[0], [0], [0], [1], [1], [-1]], "int8"), dims=("time", "concept"))
    >>> summarize(states, xr.Dataset({"label": label})).n_token.values.tolist()
    [[3, 2]]
    """
    check_states(states)
    given = {"label": labels["label"], "sentence_position": sentence_position, "context_group": context_group}
    columns = {name: column for name, column in given.items() if column is not None}
    check_columns(states, columns)
    columns["time"] = places(states)
    edges = pilot_edges_of(states, seed) if bin_edge is None else schema.require_dims(bin_edge, "bin_edge")
    if states.chunks is None:
        arrays: dict[str, Any] = {name: np.asarray(column.values) for name, column in columns.items()}
        summary = summarize_block(states.values, bin_edge=edges.values, **arrays)
        summary = summary.assign(histogram=summary.histogram.astype(schema.VARIABLES["histogram"].dtype))
    else:
        summary = _summarize_lazily(states, columns, edges)
    kept = {name: labels[name].variable for name in ("n_type", "n_document") if name in labels}
    return schema.attach_attrs(summary.assign(kept).assign_coords(neuron_coords(states, labels["label"])))


def tuning_curve(states: xr.DataArray, by: xr.DataArray, n_position: int = N_POSITION) -> xr.Dataset:
    """Return the mean and standard deviation of each neuron at each position in the sentence, or value of a column.

    Parameters
    ----------
    states
        Hidden states within [-1, 1], dims (time, layer, neuron), in memory or lazy with any chunks. A neuron that is
        NaN at every token is absent.
    by
        ``sentence_position`` of each token (time); or a column of the corpus with another name, such as
        ``brace_depth``, whose tokens without a value (-1) are left out.
    n_position
        Number of positions; the last one holds all later ones too.

    Returns
    -------
    ``tuning_mean`` and ``tuning_sd`` (divisor n - 1), dims (sentence_position, layer, neuron), and ``n_token``
    (sentence_position); lazy if the states are. NaN where the position has no token, for ``tuning_sd`` also where it
    has one only, and for an absent neuron. By another column the dim is ``variable_value``, the smallest value of each
    row: exact below 60, coarser above (`schema.VALUE_EDGES`).

    Examples
    --------
    >>> states = xr.DataArray(np.array([0.0, 0.5, 1.0]).reshape(3, 1, 1), dims=("time", "layer", "neuron"))
    >>> curve = tuning_curve(states, by=xr.DataArray([0, 1, 1], dims="time"), n_position=3)
    >>> curve.tuning_mean.values.squeeze().tolist(), curve.n_token.values.tolist()
    ([0.0, 0.75, nan], [1, 2, 0])
    """
    check_states(states)
    check_columns(states, {str(by.name or "sentence_position"): by})
    if by.name not in (None, "sentence_position"):
        row = xr.apply_ufunc(value_rows, by.rename(None), dask="parallelized", output_dtypes=[np.int64])
        curve = tuning_curve(states, row, schema.N_VALUE_ROW).isel(sentence_position=slice(1, None))
        curve = curve.rename(sentence_position="variable_value")
        return curve.assign_coords(variable_value=np.array(schema.VALUE_EDGES))
    if states.chunks is None:
        sums = sum_by_position(states.values, np.asarray(by.values), n_position)
    else:
        parts = [
            dask.delayed(sum_by_position)(**block, n_position=n_position)
            for block in lazy.blocks(states, {"sentence_position": by})
        ]
        sums = lazy.merged(parts, (*_POSITION, *_RANGE), {**_sizes(states), "sentence_position": n_position})
    curve = tuning_from_sums(sums)
    return curve.assign_coords(neuron_coords(states))


def _summarize_lazily(states: xr.DataArray, columns: Mapping[str, xr.DataArray], edges: xr.DataArray) -> xr.Dataset:
    cut = lazy.blocks(states, columns)
    bin_edge = dask.delayed(np.asarray)(edges.data)
    summarize_chunk = dask.delayed(summarize_block)
    parts = [summarize_chunk(**block, bin_edge=bin_edge) for block in cut]
    n_edge = edges.sizes["edge"]
    sizes = {**_sizes(states), "concept": columns["label"].sizes["concept"], "edge": n_edge, "bin": n_edge + 1}
    return lazy.merged(parts, [name for part in columns for name in _PARTS[part]], sizes)


def _sizes(states: xr.DataArray) -> dict[str, int]:
    """Return the sizes of the dims of a summary that do not depend on the concepts."""
    fixed = {"group": len(schema.GROUPS), "extreme": len(schema.EXTREMES), "offset": len(schema.CONTEXT_OFFSETS)}
    neurons = {str(dim): states.sizes[dim] for dim in ("layer", "neuron")}
    return {**fixed, **neurons, "rank": N_CONTEXT, "sentence_position": N_POSITION}
