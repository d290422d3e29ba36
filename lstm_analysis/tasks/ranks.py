"""Ranking a block of neurons over the whole corpus."""

import xarray as xr

from .. import selectivity
from .columns import Columns
from .job import Job


def rank_block(index: tuple[int, int], layer: int, neurons: slice, job: Job) -> xr.Dataset:
    """Return exact auroc and average precision of a few neurons, dims (concept, neuron), from the stored states."""
    columns = Columns(job, layer, neurons)
    values, label = columns.values(0, columns.n_token), columns.label(0, columns.n_token)
    auroc, average_precision = selectivity.rank_scores(values, label)
    dims = ("concept", "neuron")
    return xr.Dataset({"auroc": (dims, auroc), "average_precision": (dims, average_precision)})
