"""The summary of one block of tokens: plain arrays in memory, what the task of a shard calls."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UserError
from ..fixed_point import carry
from ..schema import GROUPS
from .context import find_contexts
from .graded import add_by_value
from .gram import add_products
from .groups import BASELINE, LEFT_OUT, TARGET, Groups, find_groups
from .histogram import digitise
from .moments import add_histogram, add_moments
from .states import bounded, by_neuron, check_same_tokens
from .tuning import add_by_position
from .type_table import TypeRows, add_by_type

_MOMENTS = ("value_sum", "square_sum_high", "square_sum_low")
_DIMS = ("concept", "group", "layer", "neuron")


def summarize_block(
    values: NDArray[np.floating],
    label: NDArray[np.int8],
    *,
    bin_edge: NDArray[np.float32],
    sentence_position: NDArray[np.integer] | None = None,
    context_group: NDArray[np.integer] | None = None,
    time: NDArray[np.int64] | None = None,
    type_id: NDArray[np.integer] | None = None,
    document: NDArray[np.integer] | None = None,
    type_rows: TypeRows | None = None,
    graded: Mapping[str, NDArray[np.integer]] | None = None,
    gram: bool = False,
) -> xr.Dataset:
    """Return the mergeable summary of a block of tokens.

    The result is the same to the last bit however tokens are cut into blocks, once the blocks are merged; only the
    values around an extreme token are those of its block.

    Parameters
    ----------
    values
        States within [-1, 1], dims (time, layer, neuron); taken as float32. A block without tokens gives the
        identity of `merge_summaries`. A neuron that is NaN at every token is absent.
    label
        1 target, 0 baseline, -1 left out, dims (time, concept).
    bin_edge
        Inner edges of the histogram bins, dims (layer, neuron, edge), see `pilot_edges`.
    sentence_position
        Place of each token in its sentence, dims (time); adds the ``position_`` variables.
    context_group
        Document or sentence of each token, dims (time), never decreasing; adds the ``context_`` variables.
    time
        Place of each token in the corpus, dims (time), ascending, gaps allowed; 0, 1, 2 ... by default.
    type_id, document, type_rows
        Surface form and document of each token, dims (time), and which of them have a row; adds the ``type_`` and
        ``document_group_`` variables.
    graded
        Values of the graded variables by name, dims (time), -1 for none; adds the ``graded_`` variables.
    gram
        Whether to add the ``gram_`` variables: products of every two neurons.

    Returns
    -------
    Dataset of the ``summaries`` of the vocabulary. ``histogram`` is int32 while the counts fit. Of an absent neuron
    ``value_min`` and ``value_max`` are NaN, which scores and tuning curves take over, and ``context_time`` is -1; its
    sums and its histogram mean nothing.

    Raises
    ------
    UserError
        If the arrays do not fit together, a value is outside [-1, 1], or a neuron is NaN at some tokens only.
    """
    values, low, high = bounded(values)
    columns = {"label": label, "sentence_position": sentence_position, "context_group": context_group, "time": time}
    check_same_tokens(values, **columns)
    _check_edges(low, bin_edge)
    flat, shape = by_neuron(values), values.shape[1:]
    summary = xr.Dataset(
        {
            **_summarize_groups(flat, label, bin_edge, shape),
            "bin_edge": (("layer", "neuron", "edge"), bin_edge),
            "value_min": (("layer", "neuron"), low),
            "value_max": (("layer", "neuron"), high),
        },
        {"group": list(GROUPS)},
    )
    if sentence_position is not None:
        summary = summary.merge(add_by_position(values, sentence_position))
    if context_group is not None:
        summary = summary.merge(find_contexts(values, context_group, time))
    if type_rows is not None and type_id is not None and document is not None:
        summary = summary.merge(add_by_type(values, label, sentence_position, type_id, document, type_rows))
    if graded:
        rows = None if type_rows is None or type_id is None else (type_rows.type_row[type_id], type_rows.n_type)
        summary = summary.merge(add_by_value(values, graded, *(rows or ())))
    return summary.merge(add_products(values)) if gram else summary


def _summarize_groups(
    values: NDArray[np.float32], label: NDArray[np.int8], bin_edge: NDArray[np.float32], shape: tuple[int, ...]
) -> dict[str, tuple[tuple[str, ...], NDArray[np.integer]]]:
    """Return counts, moments and histograms of each concept's baseline and target."""
    groups = find_groups(label)
    bins = digitise(values, bin_edge.reshape(-1, bin_edge.shape[-1]))
    n_concept, n_neuron, n_bin = label.shape[1], values.shape[1], bin_edge.shape[-1] + 1
    moments = np.zeros((n_concept, len(GROUPS), len(_MOMENTS), n_neuron), dtype=np.int64)
    histogram = np.zeros((n_concept, len(GROUPS), n_neuron, n_bin), dtype=np.int32)
    every = np.arange(len(values))
    total, total_histogram = np.zeros(moments.shape[2:], np.int64), np.zeros(histogram.shape[2:], np.int32)
    add_moments(values, every, *total)
    add_histogram(bins, every, total_histogram)
    for k in range(n_concept):
        for group, rows in groups.sparse(k):
            slot = _slot(groups, k, group)
            add_moments(values, rows, *moments[k, slot])
            add_histogram(bins, rows, histogram[k, slot])
        _subtract_from_total(groups, k, moments[k], total)
        _subtract_from_total(groups, k, histogram[k], total_histogram)
    moments[:, :, 1], moments[:, :, 2] = carry(moments[:, :, 1], moments[:, :, 2])
    sums = {name: (_DIMS, moments[:, :, i].reshape(n_concept, len(GROUPS), *shape)) for i, name in enumerate(_MOMENTS)}
    return {
        "n_token": (("concept", "group"), groups.n_token[:, [BASELINE, TARGET]]),
        **sums,
        "histogram": ((*_DIMS, "bin"), histogram.reshape(n_concept, len(GROUPS), *shape, n_bin)),
    }


def _slot(groups: Groups, concept: int, group: int) -> int:
    """Return where a group is added up; left-out tokens go where the densest group will be."""
    return int(groups.densest[concept]) if group == LEFT_OUT else group


def _subtract_from_total(groups: Groups, concept: int, sums: NDArray[np.integer], total: NDArray[np.integer]) -> None:
    """Turn the left-out sums in the slot of the densest group into those of that group, dims (group, ...)."""
    densest = int(groups.densest[concept])
    if densest != LEFT_OUT:
        sums[densest] = total - sums[densest] - sums[TARGET if densest == BASELINE else BASELINE]


def _check_edges(low: NDArray[np.float32], bin_edge: NDArray[np.float32]) -> None:
    """Refuse edges that are not of the neurons whose smallest values are given, dims (layer, neuron)."""
    mend = "take the edges from a pilot of the same model."
    if bin_edge.shape[:-1] != low.shape:
        raise UserError(f"bin_edge is for (layer, neuron) = {bin_edge.shape[:-1]}, the states have {low.shape}; {mend}")
    unknown = np.argwhere(np.isnan(bin_edge).any(axis=-1) & np.isfinite(low))
    if len(unknown):
        raise UserError(f"bin_edge is NaN for neuron {unknown[0][0]}:{unknown[0][1]}, which the states have; {mend}")
