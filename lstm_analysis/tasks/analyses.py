"""What the analyses need of a block of neurons, from the stored states of the whole corpus."""

import numpy as np
import xarray as xr
import zarr

from ..analyses.idioms import measure_idioms
from ..analyses.sentence_position import BoundaryRows, PositionSums, measure_positions
from ..statistics.jackknife_blocks import jackknife_blocks
from ..store import open_dataset
from .columns import Columns
from .job import Job


def position_block(
    index: tuple[int, int], layer: int, neurons: slice, job: Job, plan: str, draws: int, alpha: float, seed: int
) -> xr.Dataset:
    """Return how a few neurons follow the position in the sentence; ``plan`` is the store of the boundaries."""
    columns, boundaries = Columns(job, layer, neurons), open_dataset(job.run / plan).load()
    start = columns.document_start
    block = jackknife_blocks(start[:-1], int(start[-1]))
    n_neuron = columns.n_neuron
    sums, rows = PositionSums(int(block.max()) + 1, n_neuron), BoundaryRows(boundaries, n_neuron)
    for documents in columns.passages():
        values = columns.values(documents.start, documents.end)
        length = np.diff(start[documents.first : documents.stop + 1])
        position = job.column("corpus.zarr", "sentence_position", (documents.start, documents.end))
        sums.add(np.repeat(block[documents.first : documents.stop], length), values, position)
        rows.add(documents.start, values)
    return measure_positions(
        sums, boundaries, rows.end, rows.next_, rows.before, seed=seed, n_draw=draws, level=1 - alpha
    )


def idiom_block(index: tuple[int, int], layer: int, neurons: slice, job: Job, plan: str) -> xr.Dataset:
    """Return how a few neurons respond to idioms and their controls; ``plan`` is the store that lists the tokens."""
    columns, windows = Columns(job, layer, neurons), open_dataset(job.run / plan).load()
    time = windows["row_time"].values
    kept = "cell_state" in zarr.open_group(job.activations, mode="r")
    return measure_idioms(windows, columns.rows(time), columns.rows(time, "cell_state") if kept else None)
