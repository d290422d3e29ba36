"""The analysis of graded variables of states in memory, as a study makes it of those on disk."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lstm_analysis.analyses.tuning import GradedSums, conclude_tuning, graded_shares, grades_of_rows, measure_tuning
from lstm_analysis.reductions import graded_tuning, plan_type_rows, summarize_block, value_rows
from lstm_analysis.stages.columns import assemble
from lstm_analysis.statistics.graded_shift import GradedShift
from lstm_analysis.statistics.jackknife_blocks import jackknife_blocks
from lstm_analysis.statistics.shift_plan import plan_shifts


def summarized(
    hidden: NDArray[np.float32],
    type_id: NDArray[np.integer],
    document_start: NDArray[np.integer],
    graded: Mapping[str, NDArray[np.integer]],
) -> xr.Dataset:
    """Return the summary of states (time, layer, neuron) with its ``graded_`` variables."""
    n_token = len(hidden)
    rows = plan_type_rows(np.bincount(type_id), document_start, n_token)
    document = np.searchsorted(document_start, np.arange(n_token), side="right") - 1
    return summarize_block(
        hidden,
        np.zeros((n_token, 1), np.int8),
        bin_edge=np.zeros((*hidden.shape[1:], 1), np.float32),
        type_id=type_id,
        document=document,
        type_rows=rows,
        graded=graded,
    )


def analysed(
    hidden: NDArray[np.float32],
    type_id: NDArray[np.integer],
    document_start: NDArray[np.integer],
    graded: Mapping[str, NDArray[np.integer]],
    *,
    draws: int = 199,
    seed: int = 0,
    alpha: float = 0.05,
) -> xr.Dataset:
    """Return ``tuning.zarr`` of states (time, layer, neuron)."""
    summary = summarized(hidden, type_id, document_start, graded)
    shares = graded_shares(graded_tuning(summary), summary)
    start = np.append(document_start, len(hidden))
    block, grade = jackknife_blocks(document_start, len(hidden)), grades_of_rows(shares["n_token"].values)
    row = np.stack([value_rows(column) for column in graded.values()])
    grades = np.take_along_axis(grade, row, axis=1).T
    plan, measured = plan_shifts(np.diff(start), draws, seed), []
    for layer in range(hidden.shape[1]):
        values = np.ascontiguousarray(hidden[:, layer])
        sums = GradedSums(grade, int(block.max()) + 1, values.shape[1])
        null = GradedShift(plan, len(graded), values.shape[1])
        sums.add(block, start, values, row)
        null.add(0, values, grades)
        measured.append(measure_tuning(sums, null.finish(), 1 - alpha))
    blocks = {(layer, 0): part for layer, part in enumerate(measured)}
    found = assemble(blocks, shares, {"z_maximum": np.maximum, "z_count": np.add})
    return conclude_tuning(found, shares, alpha)
