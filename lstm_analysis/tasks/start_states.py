"""The states of the intact model before passages: those that the run keeps, or by reading up to there."""

from collections.abc import Sequence

import numpy as np
import zarr
from numpy.typing import NDArray

from ..errors import UserError
from ..inference.reader import Stream, StreamReader
from ..inference.shards import Segment
from ..schema import STORED_STATE
from ..state_store import TIME_CHUNK
from .job import Job
from .passage import Passage

States = NDArray[np.float32]


def start_states(
    job: Job, reader: StreamReader, start: NDArray[np.int64], stream: NDArray[np.int64]
) -> list[States | None]:
    """Return the state before each passage, dims (part, layer, neuron); ``None`` where it is zero.

    Parameters
    ----------
    job, reader
        The run and its model.
    start
        First token of each passage, ascending.
    stream
        First token of the stream that it is in.
    """
    found: list[States | None] = [None] * len(start)
    inside = np.flatnonzero(start > stream)
    if not len(inside):
        return found
    if keeps_states(job, reader.carried):
        states = _stored(job, reader, start[inside] - 1)
    else:
        states = _read_up_to(job, reader, start[inside], stream[inside])
    for i, state in zip(inside, states, strict=True):
        found[i] = state
    return found


def keeps_states(job: Job, carried: Sequence[str]) -> bool:
    """Whether the run keeps what its model carries from token to token, in full, at the end of each token."""
    of_pieces = "piece_id" in zarr.open_group(job.run / "corpus.zarr", mode="r")
    whole = not of_pieces or job.readout == "last"
    return job.dtype == "float32" and set(carried) <= set(job.states) and whole


def _stored(job: Job, reader: StreamReader, time: NDArray[np.int64]) -> list[States]:
    """Return stored states after some tokens, read a chunk at a time."""
    group = zarr.open_group(job.activations, mode="r")
    model, found = reader.model, []
    for chunk in np.unique(time // TIME_CHUNK):
        rows = time[time // TIME_CHUNK == chunk]
        low, high = int(rows[0]), int(rows[-1]) + 1
        parts = [np.asarray(group[STORED_STATE[name]][low:high])[rows - low] for name in reader.carried]  # type: ignore[index]
        found += list(np.stack(parts, axis=1).astype(np.float32, copy=False))
    for layer, width in enumerate(model.layer_sizes):
        if np.isnan([state[:, layer, :width].sum() for state in found]).any():
            raise UserError(
                f"The stored states of {job.run} are not whole. Run the study again: damaged shards are read anew."
            )
    return found


def _read_up_to(job: Job, reader: StreamReader, start: NDArray[np.int64], stream: NDArray[np.int64]) -> list[States]:
    """Return the states before passages by reading their streams from the beginning, those of many side by side."""
    streams, place = np.unique(stream, return_inverse=True)
    queue = [np.flatnonzero(place == i).tolist() for i in range(len(streams))]
    at, state = streams.tolist(), [None] * len(streams)
    found: dict[int, States] = {}
    while any(queue):
        turn = [i for i, left in enumerate(queue) if left]
        texts = []
        for i in turn:
            stop = int(start[queue[i][0]])
            segment = Segment(at[i], at[i], stop, carried=at[i] > streams[i])
            ids = Passage(job, at[i], stop).text(segment).token_id if stop > at[i] else np.empty(0, np.int32)
            texts.append(Stream(ids, start=state[i]))
            at[i] = stop
        ends = reader.read(texts, {})
        for i, end in zip(turn, ends, strict=True):
            state[i] = found[queue[i].pop(0)] = end.astype(np.float32, copy=False)  # type: ignore[call-overload]
    return [found[i] for i in range(len(start))]
