"""Periodicity of a block of neurons, from the stored states of the whole corpus."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analyses.periodicity import CallRule, Passage, SegmentPlan, measure_block, run_starts, stretches
from .columns import Columns
from .job import Job


def periodicity_block(
    index: tuple[int, int],
    layer: int,
    neurons: slice,
    job: Job,
    plan: SegmentPlan,
    stream_start: NDArray[np.int64],
    tuning_mean: NDArray[np.float64],
    rule: CallRule,
) -> xr.Dataset:
    """Return spectra, lines and controls of a few neurons; see `measure_block`.

    Parameters
    ----------
    index
        Of the task.
    layer, neurons, job
        Which neurons of which run.
    plan, tuning_mean, rule
        How they are measured.
    stream_start
        Where states are reset inside documents.
    """
    columns = Columns(job, layer, neurons)
    return measure_block(lambda: _passages(columns, stream_start), plan, tuning_mean, rule)


def _passages(columns: Columns, stream_start: NDArray[np.int64]) -> Iterator[Passage]:
    job, document_start = columns.job, columns.document_start
    for documents in columns.passages():
        span = (documents.start, documents.end)
        sentence_start = documents.start + run_starts(job.column("corpus.zarr", "sentence", span))
        resets = stream_start[(stream_start > span[0]) & (stream_start < span[1])]
        edges = document_start[documents.first : documents.stop + 1]
        yield Passage(
            documents.start,
            columns.values(*span),
            stretches(edges, sentence_start, resets, job.carry) - documents.start,
            sentence_start - documents.start,
            job.column("corpus.zarr", "sentence_position", span),
        )
