"""The temporal null and the intervals of a block of neurons."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reductions.histogram import digitise
from ..statistics.block_jackknife import BlockJackknife
from ..statistics.circular_shift import ShiftNull
from ..statistics.jackknife_blocks import jackknife_blocks
from ..statistics.mid_rank import rank_values
from ..statistics.shift_plan import ShiftPlan, plan_shifts
from ..store import open_dataset
from .columns import MOST_TOKENS, Columns, Passages
from .job import Job

SHIFT_MEMORY = 512 << 20
"""Bytes that the draws of a task may take; more concepts are done in several readings of the columns."""
_SCORES = ("auroc", "d_prime", "mean_difference")


def shift_block(
    index: int, layer: int, neurons: slice, job: Job, scores: xr.Dataset, draws: int, alpha: float, seed: int
) -> xr.Dataset:
    """Return the temporal null and the intervals of a few neurons from their stored states.

    Parameters
    ----------
    index, layer, neurons, job
        Which neurons of which run.
    scores
        ``auroc, d_prime, mean_difference`` of these neurons, dims (concept, neuron).
    draws, alpha, seed
        Of the null and of the intervals.

    Returns
    -------
    Dims (concept, neuron): ``p_shift, z_shift``, the same with ``_rank``, and ``<score>_low, <score>_high``; of the
    whole block ``z_maximum`` (draw, concept), ``z_count`` (concept, z_bin); ``n_shift_document`` (concept).
    """
    summary = open_dataset(job.run / "summary.zarr")[["n_token", "histogram", "bin_edge"]]
    summary = summary.isel(layer=layer, neuron=neurons).load()
    return judge_neurons(Columns(job, layer, neurons), summary, scores, draws, alpha, seed)


def judge_neurons(
    columns: Passages, summary: xr.Dataset, scores: xr.Dataset, draws: int, alpha: float, seed: int
) -> xr.Dataset:
    """Return what `shift_block` does of neurons whose values come passage by passage; ``summary`` is that of them."""
    plan = plan_shifts(np.diff(columns.document_start), draws, seed)
    n_concept, n_neuron = summary.sizes["concept"], summary.sizes["neuron"]
    at_once = max(1, SHIFT_MEMORY * n_concept // max(1, 2 * plan.memory(n_concept, n_neuron)))
    parts = [
        _shift_concepts(columns, plan, summary.isel(concept=slice(first, first + at_once)), first)
        for first in range(0, n_concept, at_once)
    ]
    shifts = xr.concat(parts, dim="concept")
    return shifts.merge(_intervals(columns, summary, scores, alpha))


def _shift_concepts(columns: Passages, plan: ShiftPlan, summary: xr.Dataset, first: int) -> xr.Dataset:
    """Shift the labels of some concepts, from ``first`` on, against values and ranks."""
    n_token, edges = summary["n_token"].values, summary["bin_edge"].values
    every = _histogram_of_all(summary)
    nulls = [ShiftNull(plan, n_token, summary.sizes["neuron"]) for _ in range(2)]
    for documents in columns.passages():
        values = columns.values(documents.start, documents.end)
        label = columns.label(documents.start, documents.end)[:, first : first + len(n_token)]
        nulls[0].add(documents.first, values, label)
        nulls[1].add(documents.first, rank_values(digitise(values, edges), every), label)
    found, ranks = (null.finish() for null in nulls)
    dims = ("concept", "neuron")
    return xr.Dataset(
        {
            "p_shift": (dims, found.p), "z_shift": (dims, found.z_observed),
            "p_shift_rank": (dims, np.where(np.isnan(found.p), np.nan, ranks.p)),  # ranks hide a constant neuron
            "z_maximum": (("draw", "concept"), found.z_maximum),
            "z_count": (("concept", "z_bin"), found.z_count),
            "n_shift_document": ("concept", found.n_document),
        }
    )  # fmt: skip


def _histogram_of_all(summary: xr.Dataset) -> NDArray[np.int64]:
    """Return the histogram of the concept that leaves out fewest tokens, dims (neuron, bin)."""
    fullest = int(summary["n_token"].sum("group").argmax("concept"))
    histogram: NDArray[np.int64] = summary["histogram"].isel(concept=fullest).sum("group").values
    return histogram


def _intervals(columns: Passages, summary: xr.Dataset, scores: xr.Dataset, alpha: float) -> xr.Dataset:
    """Return the jackknife intervals of the scores that the summary gives, dims (concept, neuron)."""
    edges = summary["bin_edge"].values
    block = jackknife_blocks(columns.document_start[:-1], int(columns.document_start[-1]))
    order = ("concept", "group", "neuron", "bin")
    jackknife = BlockJackknife(summary["histogram"].transpose(*order).values, int(block.max()) + 1)
    for one in np.unique(block):
        first, stop = np.searchsorted(block, [one, one + 1])
        for start, end in _cut(int(columns.document_start[first]), int(columns.document_start[stop])):
            values = columns.values(start, end)
            jackknife.add(int(one), digitise(values, edges), values, columns.label(start, end))
    auroc, d_prime, difference = (scores[name].values for name in _SCORES)
    found = jackknife.finish(auroc, d_prime, difference, alpha)
    names = [f"{name}_{end}" for name in _SCORES for end in ("low", "high")]
    return xr.Dataset({name: (("concept", "neuron"), getattr(found, name)) for name in names})


def _cut(start: int, end: int) -> list[tuple[int, int]]:
    """Return a passage in parts of at most `MOST_TOKENS`."""
    return [(at, min(at + MOST_TOKENS, end)) for at in range(start, end, MOST_TOKENS)]
