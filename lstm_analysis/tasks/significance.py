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
from .columns import Columns, Documents, Passages
from .job import Job

SHIFT_MEMORY = 512 << 20
"""Bytes that the draws of a task may take; more concepts are done in several readings of the columns."""
_SCORES = ("auroc", "d_prime", "mean_difference")


def shift_block(
    index: tuple[int, int],
    layer: int,
    neurons: slice,
    job: Job,
    scores: xr.Dataset,
    draws: int,
    alpha: float,
    seed: int,
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
    intervals = _Intervals(columns, summary)
    parts = []
    for first in range(0, n_concept, at_once):
        some = summary.isel(concept=slice(first, first + at_once))
        parts.append(_shift_concepts(columns, plan, some, first, intervals if first == 0 else None))
    return xr.concat(parts, dim="concept").merge(intervals.finish(scores, alpha))


class _Intervals:
    """The jackknife intervals of some neurons, from whole documents in their order."""

    def __init__(self, columns: Passages, summary: xr.Dataset) -> None:
        self._block = jackknife_blocks(columns.document_start[:-1], int(columns.document_start[-1]))
        self._start = columns.document_start
        histogram = summary["histogram"].transpose("concept", "group", "neuron", "bin").values
        self._jackknife = BlockJackknife(histogram, int(self._block.max()) + 1)

    def add(
        self,
        documents: Documents,
        bins: NDArray[np.unsignedinteger],
        values: NDArray[np.float32],
        label: NDArray[np.int8],
    ) -> None:
        """Add a passage; dims (time, neuron), of the labels (time, concept)."""
        of_passage = self._block[documents.first : documents.stop]
        for block in np.unique(of_passage):
            first, stop = documents.first + np.searchsorted(of_passage, [block, block + 1])
            part = slice(self._start[first] - documents.start, self._start[stop] - documents.start)
            self._jackknife.add(int(block), bins[part], values[part], label[part])

    def finish(self, scores: xr.Dataset, alpha: float) -> xr.Dataset:
        """Return the intervals around the scores, dims (concept, neuron)."""
        auroc, d_prime, difference = (scores[name].values for name in _SCORES)
        found = self._jackknife.finish(auroc, d_prime, difference, alpha)
        names = [f"{name}_{end}" for name in _SCORES for end in ("low", "high")]
        return xr.Dataset({name: (("concept", "neuron"), getattr(found, name)) for name in names})


def _shift_concepts(
    columns: Passages, plan: ShiftPlan, summary: xr.Dataset, first: int, intervals: _Intervals | None
) -> xr.Dataset:
    """Shift the labels of some concepts, from ``first`` on, against values and ranks; feed the intervals of all."""
    n_token, edges = summary["n_token"].values, summary["bin_edge"].values
    every = _histogram_of_all(summary)
    nulls = [ShiftNull(plan, n_token, summary.sizes["neuron"]) for _ in range(2)]
    for documents in columns.passages():
        values = columns.values(documents.start, documents.end)
        label = columns.label(documents.start, documents.end)
        bins, some = digitise(values, edges), label[:, first : first + len(n_token)]
        nulls[0].add(documents.first, values, some)
        nulls[1].add(documents.first, rank_values(bins, every), some)
        if intervals is not None:
            intervals.add(documents, bins, values, label)
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
