"""The model's reading of a shard: its states to disk, or straight to a summary."""

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ..dashboard import count
from ..inference.extraction import ShardStates, cut_streams, pilot_shares, read_pilot, read_shard, to_float16
from ..inference.shards import Segment, Shard
from ..integrity import sealed
from ..schema import STORED_STATE
from ..store import checksum, commit_path, crc32, read_commit, write_json, write_rows
from .carried import State, hand_over, start_state
from .job import Job, Receipt
from .passage import Passage, token_ids
from .summaries import keep_summary


def extract_shard(index: int, shard: Shard, job: Job) -> Receipt:
    """Read a shard through the model, write its states, verify them, commit."""
    began = time.monotonic()
    found, facts = _read(shard, job, job.states)
    if found is None:
        return facts
    arrays: dict[str, NDArray[Any]] = {
        STORED_STATE[name]: to_float16(values) if job.dtype == "float16" else values
        for name, values in found.states.items()
    }
    if found.surprisal is not None:
        arrays["surprisal"] = found.surprisal
    for name in job.coordinates:
        arrays[name] = job.column("corpus.zarr", name, *shard.spans)
    sums = write_rows(job.activations, shard.spans, job.rows, arrays)
    return _commit(shard, job, found, began, checksums=sums, **facts)


def stream_shard(index: int, shard: Shard, job: Job) -> Receipt:
    """Read a shard through the model and keep only its summary; commit."""
    began = time.monotonic()
    found, facts = _read(shard, job, ("hidden",))
    if found is None:
        return facts
    keep_summary(found.states["hidden"], shard, job)
    return _commit(shard, job, found, began, **facts)


def pilot_states(index: int, job: Job, spans: list[tuple[int, int]]) -> NDArray[np.float32]:
    """Return h of the first tokens of a few streams, dims (time, layer, neuron)."""
    shares = pilot_shares([stop - start for start, stop in spans])
    parts = [(start, start + n) for (start, _), n in zip(spans, shares, strict=False)]  # later spans give nothing
    return read_pilot(job.reader(), [token_ids(job, *part) for part in parts])


def find_damage(index: int, shard: Shard, job: Job) -> str | None:
    """Return what is wrong with a shard's stored rows, judged by the checksums of its commit; ``None`` if nothing."""
    try:
        group = zarr.open_group(job.activations, mode="r")
        wanted = job.checksums(index)
        differing = [name for name in wanted if checksum(group, name, shard.spans) != wanted[name]]
        count(tokens=shard.n_token)
    except Exception as error:  # what a damaged file raises depends on where it is cut
        return f"{type(error).__name__}: {error}"
    return f"{', '.join(differing)} differs from what was written" if differing else None


def _read(shard: Shard, job: Job, states: tuple[str, ...]) -> tuple[ShardStates | None, Receipt]:
    """Return what a shard holds, and the facts about its carried states for its commit.

    Where another worker has done the shard meanwhile it is ``None``, with that worker's commit.

    Raises
    ------
    OSError
        If the states that it begins from have been corrected meanwhile, so that the shard is read anew elsewhere.
    """
    if shard.segments:
        segments: Sequence[Segment] = shard.segments
        texts = [Passage(job, segment.read_from, segment.stop).text(segment) for segment in segments]
    else:
        (_, stop), *_ = shard.spans
        segments = cut_streams(shard, job.column("corpus.zarr", job.carry, (shard.read_from, stop)))
        passage = Passage(job, shard.read_from, stop)
        texts = [passage.text(segment) for segment in segments]
    start = start_state(job.run, shard)
    told = Told(shard.n_token, sum(len(text.token_id) for text in texts))
    found = read_shard(
        job.reader(), shard, segments, texts, start, states=states, surprisal=job.surprisal, readout=job.readout,
        told=told,
    )  # fmt: skip
    facts = _begin(start)
    if _begin(start_state(job.run, shard)) != facts:
        raise OSError(f"shard {shard.index} begins from other states by now; it is read again from there")
    commit = read_commit(commit_path(job.run, shard.index))
    if commit is not None and commit.get("start_crc32") == facts.get("start_crc32"):
        return None, commit
    return found, facts | hand_over(job.run, shard, found.end, job.tolerance)


def _begin(start: State | None) -> dict[str, int]:
    return {} if start is None else {"start_crc32": crc32(start)}


def _commit(shard: Shard, job: Job, found: ShardStates, began: float, **facts: Any) -> Receipt:
    receipt: Receipt = {"spans": [list(span) for span in shard.spans], **facts}
    if found.surprisal is not None:
        known = found.surprisal[~np.isnan(found.surprisal)].astype(np.float64)
        receipt |= {"surprisal_sum": float(known.sum()), "n_predicted": len(known)}
        count(surprisal=receipt["surprisal_sum"], predicted=len(known))
    receipt |= {"seconds": round(time.monotonic() - began, 3), "process": os.getpid()}
    commit_path(job.run, shard.index).parent.mkdir(exist_ok=True)
    write_json(commit_path(job.run, shard.index), sealed(receipt))
    count(shards=1)
    return receipt


class Told:
    """Counts the tokens of a shard while it is read; the words of a shard whose model reads pieces.

    Parameters
    ----------
    n_token
        Tokens of the shard.
    n_read
        What is read for it: pieces, and the beginning of a stream that lies in the shard before.
    """

    def __init__(self, n_token: int, n_read: int) -> None:
        self._n_token, self._n_read = n_token, n_read
        self._done = 0

    def __call__(self, n: int) -> None:
        """So much more was read."""
        before = self._n_token * self._done // self._n_read
        self._done += n
        count(tokens=self._n_token * self._done // self._n_read - before)
