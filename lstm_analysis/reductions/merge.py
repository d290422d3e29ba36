"""Merging summaries: integer sums, smallest and largest values, extreme tokens."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UserError
from ..fixed_point import carry
from .context import merge_contexts

_MERGE: dict[str, Callable[[xr.Variable, xr.Variable], Any]] = {
    "n_token": np.add,
    "value_sum": np.add,
    "square_sum_high": np.add,
    "square_sum_low": np.add,
    "value_min": np.minimum,
    "value_max": np.maximum,
    "position_n_token": np.add,
    "position_value_sum": np.add,
    "position_square_sum_high": np.add,
    "position_square_sum_low": np.add,
    "type_n_token": np.add,
    "type_value_sum": np.add,
    "document_group_n_token": np.add,
    "document_group_value_sum": np.add,
    "type_target_n_token": np.add,
    "type_labelled_n_token": np.add,
    "position_type_n_token": np.add,
    "position_table_value_sum": np.add,
    "table_square_sum_high": np.add,
    "table_square_sum_low": np.add,
    "graded_n_token": np.add,
    "graded_value_sum": np.add,
    "graded_square_sum_high": np.add,
    "graded_square_sum_low": np.add,
    "graded_type_n_token": np.add,
    "graded_table_value_sum": np.add,
    "gram_n_token": np.add,
    "gram_value_sum": np.add,
    "gram_high": np.add,
    "gram_low": np.add,
}
_TWO_PARTS = (
    *((f"{prefix}square_sum_high", f"{prefix}square_sum_low") for prefix in ("", "position_", "table_", "graded_")),
    ("gram_high", "gram_low"),
)


def merge_summaries(a: xr.Dataset, b: xr.Dataset) -> xr.Dataset:
    """Return the summary of the tokens of both summaries.

    Associative and commutative to the last bit, with `empty_summary` as identity. Numbers that cannot be merged
    (``n_type``, ``n_document``: a word may be in both parts) are left out; the labels of the whole corpus have them.

    Parameters
    ----------
    a, b
        Summaries of different tokens with the same bins, concepts and parts.

    Returns
    -------
    A new dataset; ``histogram`` is int32 as long as every count fits.

    Raises
    ------
    UserError
        If the two do not fit together.
    """
    _check_fit(a, b)
    # Variables have dims but no coordinates to align, which `_check_fit` has compared once.
    parts = {name: merge(a[name].variable, b[name].variable) for name, merge in _MERGE.items() if name in a}
    for high, low in _TWO_PARTS:
        if low in parts:
            parts[high], parts[low] = carry(parts[high], parts[low])
    if "histogram" in a:
        parts["bin_edge"] = a["bin_edge"].variable
        parts["histogram"] = _add_histograms(a, b, int(parts["n_token"].max(initial=0)))
    if "context_time" in a:
        parts |= merge_contexts(a, b)
    return xr.Dataset(parts, a.coords)


def empty_summary(like: xr.Dataset) -> xr.Dataset:
    """Return the summary of no token that fits a summary: the identity of `merge_summaries`."""
    empty = xr.zeros_like(like.drop_vars([name for name in like.data_vars if name in ("n_type", "n_document")]))
    constants = {
        "value_min": np.inf,
        "value_max": -np.inf,
        "context_time": -1,
        "context_group": -1,
        "context_value": np.nan,
    }
    for name, value in constants.items():
        if name in empty:
            empty[name] = xr.full_like(empty[name], value)
    if "bin_edge" in empty:
        empty["bin_edge"] = like.bin_edge
    if "histogram" in empty:
        empty["histogram"] = empty.histogram.astype(np.int32)
    return empty


def _add_histograms(a: xr.Dataset, b: xr.Dataset, n_token: int) -> xr.Variable:
    # The type follows from the count alone, so that it does not depend on the order of merges either.
    dtype = np.int32 if n_token <= np.iinfo(np.int32).max else np.int64
    return xr.Variable(a.histogram.dims, np.add(a.histogram.values, b.histogram.values, dtype=dtype))


def _check_fit(a: xr.Dataset, b: xr.Dataset) -> None:
    names = [{str(name) for name in x.data_vars} - {"n_type", "n_document"} for x in (a, b)]
    if names[0] != names[1]:
        raise UserError(
            f"Cannot merge summaries with different parts: only one of them has {sorted(names[0] ^ names[1])}. "
            "Make all summaries of a corpus with the same options."
        )
    if any(a[name].dims != b[name].dims for name in names[0]):
        raise UserError("Cannot merge summaries whose variables have their dims in different orders; transpose one.")
    sizes = {dim: (a.sizes[dim], b.sizes[dim]) for dim in a.sizes if a.sizes[dim] != b.sizes[dim]}
    if sizes:
        raise UserError(f"Cannot merge summaries of different sizes: {sizes}. Use the same model, concepts and bins.")
    if "bin_edge" in a and not np.array_equal(a.bin_edge.values, b.bin_edge.values, equal_nan=True):
        raise UserError("Cannot merge summaries with different bin edges; give all of them the edges of one pilot.")
    for name in ("concept", "variable", "layer", "neuron"):
        if name in a.coords and name in b.coords and not np.array_equal(a[name].values, b[name].values):
            raise UserError(f"Cannot merge summaries whose {name} coordinates differ; they are not of the same study.")
    if "value_min" in a:
        _check_same_neurons(a["value_min"].values, b["value_min"].values)


def _check_same_neurons(a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
    """Refuse the smallest values (layer, neuron) of summaries of which only one has a neuron; no token fits any."""
    differ = np.argwhere((np.isnan(a) & np.isfinite(b)) | (np.isfinite(a) & np.isnan(b)))
    if len(differ):
        layer, neuron = differ[0]
        raise UserError(
            f"Neuron {layer}:{neuron} is NaN at every token of one summary and has values in the other; look for a "
            "model that diverged, or for states of another model."
        )
