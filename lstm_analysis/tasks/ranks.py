"""Ranking a block of neurons over the whole corpus."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
import zarr

from .. import selectivity
from ..errors import UserError
from .job import Job


def rank_block(index: int, layer: int, neurons: slice, job: Job, layer_sizes: Sequence[int]) -> xr.Dataset:
    """Return exact auroc and average precision of a few neurons, dims (concept, neuron), from the stored states."""
    states = zarr.open_group(job.run / "activations.zarr", mode="r")["hidden_state"]
    label = zarr.open_group(job.run / "labels.zarr", mode="r")["label"]
    assert isinstance(states, zarr.Array)
    assert isinstance(label, zarr.Array)
    values = np.asarray(states[:, layer, neurons]).astype(np.float32, copy=False)
    there = values[:, : max(0, layer_sizes[layer] - neurons.start)]
    if there.size and np.isnan(there.min()):  # none is ever committed
        row = int(np.isnan(there).any(axis=1).argmax())
        raise UserError(
            f"The stored states were damaged after they were summarised: they are missing from token {row} on. Remove "
            f"{job.run / 'summary.zarr'} and run again: damaged shards are then found and extracted anew."
        )
    auroc, average_precision = selectivity.rank_scores(values, np.asarray(label[:]))
    dims = ("concept", "neuron")
    return xr.Dataset({"auroc": (dims, auroc), "average_precision": (dims, average_precision)})
