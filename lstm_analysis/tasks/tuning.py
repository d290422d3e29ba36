"""How a block of neurons follows graded variables, from the stored states of the whole corpus."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analyses.tuning import GradedSums, measure_tuning
from ..reductions import value_rows
from ..statistics.graded_shift import GradedShift
from ..statistics.jackknife_blocks import jackknife_blocks
from ..statistics.shift_plan import plan_shifts
from .columns import Columns
from .graded import graded_columns
from .job import Job


def tuning_block(
    index: tuple[int, int],
    layer: int,
    neurons: slice,
    job: Job,
    grade: NDArray[np.float32],
    draws: int,
    alpha: float,
    seed: int,
) -> xr.Dataset:
    """Return how a few neurons follow the job's graded variables.

    Parameters
    ----------
    index, layer, neurons, job
        Which neurons of which run.
    grade
        Grade of each row of each variable, dims (variable, row); see `grades_of_rows`.
    draws, alpha, seed
        Of the null and of the intervals.

    Returns
    -------
    What `measure_tuning` does.
    """
    columns = Columns(job, layer, neurons)
    start, n_neuron = columns.document_start, columns.n_neuron
    block = jackknife_blocks(start[:-1], int(start[-1]))
    sums = GradedSums(grade, int(block.max()) + 1, n_neuron)
    null = GradedShift(plan_shifts(np.diff(start), draws, seed), len(grade), n_neuron)
    for documents in columns.passages():
        values = columns.values(documents.start, documents.end)
        numbers = graded_columns(job, (documents.start, documents.end))
        row = np.stack([value_rows(column) for column in numbers.values()])
        of_passage = slice(documents.first, documents.stop)
        sums.add(block[of_passage], start[documents.first : documents.stop + 1] - documents.start, values, row)
        null.add(documents.first, values, np.take_along_axis(grade, row, axis=1).T)
    return measure_tuning(sums, null.finish(), 1 - alpha)
