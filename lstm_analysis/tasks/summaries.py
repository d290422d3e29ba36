"""Summarising a shard's states, and merging summaries."""

import shutil
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import reductions
from ..dashboard import count
from ..inference.shards import Shard
from ..store import crc32, open_dataset, write_dataset
from .job import Job, times

FAN_IN = 8


def summarize_shard(index: int, shard: Shard, job: Job, bin_edge: xr.DataArray) -> str | None:
    """Summarise a shard's stored states if they are what its commit says; else return what is wrong with them."""
    try:
        hidden = job.column("activations.zarr", "hidden_state", *shard.spans)
        if crc32(hidden) != job.checksums(index)["hidden_state"]:
            return "hidden_state differs from what was written"
    except Exception as error:  # what a damaged file raises depends on where it is cut
        return f"{type(error).__name__}: {error}"
    keep_summary(hidden.astype(np.float32, copy=False), shard, job, bin_edge)
    count(tokens=shard.n_token)
    return None


def keep_summary(hidden: NDArray[np.float32], shard: Shard, job: Job, bin_edge: xr.DataArray) -> None:
    """Write the summary of a shard's h, dims (time, layer, neuron)."""
    names = ("sentence_position", "type_id", "document", job.context_group)
    columns = {name: job.column("corpus.zarr", name, *shard.spans) for name in names}
    summary = reductions.summarize_block(
        hidden,
        job.column("labels.zarr", "label", *shard.spans),
        bin_edge=bin_edge.values,
        sentence_position=columns["sentence_position"],
        context_group=columns[job.context_group],
        time=times(shard.spans),
        type_id=columns["type_id"],
        document=columns["document"],
        type_rows=read_type_rows(job.run),
    )
    write_dataset(partial_path(job.run, 0, shard.index), summary)


def keep_type_rows(run: Path, rows: reductions.TypeRows) -> None:
    """Write which types and groups of documents the summaries of a run have a row for."""
    parts = {"type_row": ("type", rows.type_row), "document_group": ("document_name", rows.document_group)}
    write_dataset(_type_rows_path(run), xr.Dataset(parts))


def read_type_rows(run: Path) -> reductions.TypeRows:
    """Return what `keep_type_rows` has written."""
    found = open_dataset(_type_rows_path(run)).load()
    return reductions.TypeRows(found["type_row"].values, found["document_group"].values)


def _type_rows_path(run: Path) -> Path:
    return run / "summaries" / "type_rows.zarr"


def merge_partials(index: int, level: int, children: list[int], run: Path) -> int:
    """Merge summaries of one level into one of the next, and remove them; return its level.

    A task that is done a second time finds its result, and perhaps no children any more.
    """
    path = partial_path(run, level, index)
    if not path.exists():
        merged = None
        for child in children:
            partial = open_dataset(partial_path(run, level - 1, child)).load()
            merged = partial if merged is None else reductions.merge_summaries(merged, partial)
        assert merged is not None
        write_dataset(path, merged)
    for child in children:
        shutil.rmtree(partial_path(run, level - 1, child), ignore_errors=True)
    return level


def partial_path(run: Path, level: int, index: int) -> Path:
    """Return the store of a partial summary."""
    return run / "summaries" / f"{level}-{index:08d}.zarr"
