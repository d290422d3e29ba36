"""Lanes that began with the right h and the wrong c in saturated cells: how long that lasts, and its correction."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.forgetting import allowed
from ..inference.replay import Replay
from ..inference.shards import Shard
from ..integrity import sealed
from ..store import commit_path, crc32, write_json, write_rows
from .carried import start_state
from .job import Job, Receipt
from .passage import token_ids

Span = tuple[int, int]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """A lane's part of a shard: what was read, and h before and after every token."""

    lane: int
    span: Span
    token_id: NDArray[np.int32]
    hidden: NDArray[np.float32]
    before: NDArray[np.float32]


class Group:
    """A group of lanes as it lies on disk.

    Parameters
    ----------
    shards
        Those of the group, in the order of reading.
    job
        Says which run.
    """

    def __init__(self, shards: Sequence[Shard], job: Job) -> None:
        self._job = job
        start = start_state(job.run, shards[0])
        model = job.reader().model
        shape = shards[0].n_lane, model.n_layer, model.n_neuron
        self._before = list(np.zeros(shape, np.float32) if start is None else start[:, 0])

    def stretches(self, shard: Shard, lanes: NDArray[np.bool_]) -> Iterator[Stretch]:
        """Yield the stretches of some lanes, dims (lane), shard after shard; a lane that was left out stays out."""
        for segment in shard.segments:
            lane, span = segment.lane, (segment.start, segment.stop)
            assert lane is not None
            if lanes[lane]:
                hidden = self._job.column("activations.zarr", "hidden_state", span)
                yield Stretch(lane, span, token_ids(self._job, *span), hidden, self._before[lane])
                self._before[lane] = hidden[-1]


def retained_by_lanes(index: int, shards: Sequence[Shard], job: Job, pairs: NDArray[np.int64]) -> Array:
    """Return what is left of a difference in c at the end of each lane of a group, dims (lane, pair)."""
    replay, group = Replay(job.reader().model, pairs), Group(shards, job)
    found = np.ones((shards[0].n_lane, len(pairs)))
    for shard in shards:
        for part in group.stretches(shard, np.ones(len(found), bool)):
            found[part.lane] *= replay.retained(part.token_id, part.hidden, part.before)[-1]
    return found


def settle_lanes(
    index: int, shards: Sequence[Shard], job: Job, pairs: NDArray[np.int64], begin: Array, error: Array, correct: bool
) -> dict[str, Any]:
    """Follow what a wrong start of cells did to a group of lanes, and correct the stored c.

    Parameters
    ----------
    index, shards, job
        The group.
    pairs
        Layer and neuron of the cells, shape (pair, 2).
    begin, error
        The c that each lane began from, and by how much it was wrong, dims (lane, pair).
    correct
        Whether to correct; else nothing is written.

    Returns
    -------
    ``effect`` (lane), by how much h may be wrong; the new ``commits`` by shard; and ``damaged``, the shards whose c on
    disk is not what was committed: a task that died half-way may have corrected it, or a part of it.
    """
    replay, group = Replay(job.reader().model, pairs), Group(shards, job)
    cell, apart, effect = begin.copy(), error.copy(), np.zeros(len(begin))
    commits: dict[int, Receipt] = {}
    damaged: list[int] = []
    for shard in shards:
        alive = np.asarray((np.abs(apart) > allowed(cell - apart, job.tolerance)).any(axis=1))
        gaps: dict[Span, Array] = {}
        for part in group.stretches(shard, alive):
            path, retained = replay.cells(part.token_id, part.hidden, part.before, cell[part.lane])
            gap = apart[part.lane] * retained
            shown = np.abs(np.tanh(path) - np.tanh(path - gap)).max()
            effect[part.lane] = np.fmax(effect[part.lane], shown)
            cell[part.lane], apart[part.lane] = path[-1], gap[-1]
            gaps[part.span] = gap
        if not gaps:
            break
        if correct:
            commit = _correct(shard, job, pairs, gaps)
            if commit is None:
                damaged.append(shard.index)
            else:
                commits[shard.index] = commit
    return {"effect": effect, "commits": commits, "damaged": damaged}


def _correct(shard: Shard, job: Job, pairs: NDArray[np.int64], gaps: dict[Span, Array]) -> Receipt | None:
    """Take the gaps, dims (time, pair), off the stored c of a shard, once; return its new commit."""
    file = commit_path(job.run, shard.index)
    commit: Receipt = json.loads(file.read_text(encoding="utf-8"))
    if commit.get("settled"):
        return commit
    values = job.column("activations.zarr", "cell_state", *shard.spans)
    if crc32(values) != commit["checksums"]["cell_state"]:
        return None
    at = 0
    for start, stop in shard.spans:
        if (start, stop) in gaps:
            values[at : at + stop - start, pairs[:, 0], pairs[:, 1]] -= gaps[start, stop]
        at += stop - start
    commit["checksums"] |= write_rows(job.activations, shard.spans, job.rows, {"cell_state": values})
    commit["settled"] = True
    write_json(file, sealed(commit))
    return commit
