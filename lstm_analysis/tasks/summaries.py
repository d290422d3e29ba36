"""Summarising a shard's states, and merging summaries.

A partial summary is a node of a fixed tree by index. A node replaces its children, so those that are on disk never
count a token twice: what lies below a node that is there, or was merged into one, is ignored.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import reductions
from ..dashboard import count
from ..inference.shards import Shard
from ..packed import read_packed, write_packed
from ..store import crc32
from .graded import graded_columns
from .job import Job, times

FAN_IN = 8


def summarize_shard(index: int, shard: Shard, job: Job) -> str | None:
    """Summarise a shard's stored states if they are what its commit says; else return what is wrong with them."""
    try:
        hidden = job.column("activations.zarr", "hidden_state", *shard.spans)
        if crc32(hidden) != job.checksums(index)["hidden_state"]:
            return "hidden_state differs from what was written"
    except Exception as error:  # what a damaged file raises depends on where it is cut
        return f"{type(error).__name__}: {error}"
    keep_summary(hidden.astype(np.float32, copy=False), shard, job)
    count(tokens=shard.n_token)
    return None


def keep_summary(hidden: NDArray[np.float32], shard: Shard, job: Job) -> None:
    """Write the summary of a shard's h, dims (time, layer, neuron), and merge it with those that are complete by it."""
    names = ("sentence_position", "type_id", "document", job.context_group)
    columns = {name: job.column("corpus.zarr", name, *shard.spans) for name in names}
    summary = reductions.summarize_block(
        hidden,
        job.column("labels.zarr", "label", *shard.spans),
        bin_edge=read_pilot(job.run)["bin_edge"].values,
        sentence_position=columns["sentence_position"],
        context_group=columns[job.context_group],
        time=times(shard.spans),
        type_id=columns["type_id"],
        document=columns["document"],
        type_rows=read_type_rows(job.run),
        graded=graded_columns(job, *shard.spans),
        gram=job.gram,
    )
    write_packed(partial_path(job.run, 0, shard.index), summary)
    _merge_upwards(shard.index, job)


def _merge_upwards(index: int, job: Job) -> None:
    """Merge a shard's summary with its siblings if all are there, and so on upwards.

    Two workers may do so at the same time, and a shard may be summarised a second time after its summary went into
    another one. Both are harmless: they write the same bytes, and what is left over is ignored.
    """
    n = job.n_merged
    for level in range(1, len(tree_sizes(n))):
        node, children = index // FAN_IN**level, children_of(level, index // FAN_IN**level, n)
        if not all(partial_path(job.run, level - 1, child).exists() for child in children):
            return
        try:
            merge_partials(node, level, children, job.run)
        except FileNotFoundError:  # another worker was quicker
            return


def keep_type_rows(run: Path, rows: reductions.TypeRows) -> None:
    """Write which types and groups of documents the summaries of a run have a row for."""
    parts = {"type_row": ("type", rows.type_row), "document_group": ("document_name", rows.document_group)}
    write_packed(_type_rows_path(run), xr.Dataset(parts))


def read_type_rows(run: Path) -> reductions.TypeRows:
    """Return what `keep_type_rows` has written."""
    found = _read_once(_type_rows_path(run), _type_rows_path(run).stat().st_mtime_ns)
    return reductions.TypeRows(found["type_row"].values, found["document_group"].values)


def read_pilot(run: Path) -> xr.Dataset:
    """Return what the pilot of a run says: ``bin_edge`` (layer, neuron, edge), ``duplicate_of`` (layer, neuron)."""
    return _read_once(pilot_path(run), pilot_path(run).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_once(path: Path, changed: int) -> xr.Dataset:
    """Return a small file that every task of a run needs, read once a process for each of its contents."""
    return read_packed(path)


def pilot_path(run: Path) -> Path:
    """Return the file of what the pilot of a run says."""
    return run / "summaries" / "pilot"


def _type_rows_path(run: Path) -> Path:
    return run / "summaries" / "type_rows"


def merge_partials(index: int, level: int, children: list[int], run: Path) -> int:
    """Merge summaries of one level into one of the next, and remove them; return its level.

    A task that is done a second time finds its result, and perhaps no children any more.
    """
    path = partial_path(run, level, index)
    if not path.exists():
        merged = None
        for child in children:
            partial = read_packed(partial_path(run, level - 1, child))
            merged = partial if merged is None else reductions.merge_summaries(merged, partial)
        assert merged is not None
        write_packed(path, merged)
    for child in children:
        partial_path(run, level - 1, child).unlink(missing_ok=True)
    return level


def tree_sizes(n_shard: int) -> list[int]:
    """Return the number of nodes at each level of the tree of summaries, the shards' level first.

    >>> tree_sizes(100)
    [100, 13, 2, 1]
    """
    sizes = [n_shard]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // FAN_IN))
    return sizes


def children_of(level: int, node: int, n_shard: int) -> list[int]:
    """Return the nodes of the level below that a node is merged from.

    >>> children_of(1, 12, 100)
    [96, 97, 98, 99]
    """
    return list(range(node * FAN_IN, min((node + 1) * FAN_IN, tree_sizes(n_shard)[level - 1])))


def partial_path(run: Path, level: int, index: int) -> Path:
    """Return the file of a partial summary."""
    return run / "summaries" / f"{level}-{index:08d}"


def partials_there(run: Path) -> set[tuple[int, int]]:
    """Return level and index of the partial summaries on disk."""
    names = (file.name.split("-") for file in (run / "summaries").glob("[0-9]*-*"))
    return {(int(level), int(index)) for level, index in names}
