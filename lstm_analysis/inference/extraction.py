"""Reading one shard: a pure function of the model, the corpus and the shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import UserError
from .checkpoints import load_model
from .reader import Stream, StreamReader
from .shards import Shard

PILOT_TOKENS = 16_384
PILOT_STREAM_TOKENS = 1024


@dataclass(frozen=True)
class ShardStates:
    """What reading a shard gives.

    Parameters
    ----------
    hidden, cell
        Dims (time, layer, neuron); ``cell`` is ``None`` if not asked for.
    surprisal
        Bits, dims (time); NaN where a token has no past; ``None`` if not asked for.
    end
        State after the last token, dims (h and c, layer, neuron).
    """

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32] | None
    surprisal: NDArray[np.float32] | None
    end: NDArray[np.float32]


def choose_device(device: str) -> str:
    """Return ``cuda`` or ``cpu`` for ``auto``; CUDA arithmetic is kept in full float32.

    Raises
    ------
    UserError
        If CUDA is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("inference.device is cuda, but this worker's torch sees no CUDA device. Use auto or cpu.")
    chosen = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    if chosen == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
    return chosen


@lru_cache(maxsize=2)
def open_reader(path: Path, digest: str, device: str) -> StreamReader:
    """Return the reader of a model file, loaded once a process; one thread, so that every worker gives the same bytes.

    Raises
    ------
    UserError
        If the file is not the model of the run.
    """
    torch.set_num_threads(1)
    model = load_model(path)
    if model.digest != digest:
        raise UserError(f"{path} is not the model this run was made with. Restore it, or start anew with --force.")
    return StreamReader(model.to(choose_device(device)))


def read_shard(
    reader: StreamReader,
    shard: Shard,
    token_id: NDArray[np.int32],
    stream_id: NDArray[np.int64],
    start: NDArray[np.float32] | None,
    *,
    cell: bool,
    surprisal: bool,
) -> ShardStates:
    """Read a shard.

    Parameters
    ----------
    reader
        The model.
    shard
        What to read.
    token_id, stream_id
        Vocabulary index and stream (document or sentence) of the tokens ``[shard.read_from, shard.stop)``.
    start
        End state of the predecessor if the shard continues its stream, else ``None``.
    cell, surprisal
        Whether to return them.

    Raises
    ------
    UserError
        If the states become NaN.
    RuntimeError
        If the streams do not fill the shard: a fault in the plan.
    """
    model = reader.model
    shape = (shard.n_token, model.n_layer, model.n_neuron)
    states = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32) if cell else None
    bits = np.full(shard.n_token, np.nan, np.float32) if surprisal else None
    edges = [0, *(np.flatnonzero(np.diff(stream_id)) + 1), len(stream_id)]
    before = shard.start - shard.read_from
    streams = [
        Stream(token_id[a:b], max(0, a - before), max(0, before - a), start if a == 0 else None)
        for a, b in pairwise(edges)
    ]
    outputs = {name: array for name, array in zip(("hidden", "cell"), states, strict=True) if array is not None}
    ends = reader.read(streams, outputs, bits)
    _check_filled(shard, streams, states[0])
    return ShardStates(states[0], states[1], bits, ends[-1].astype(np.float32))


def _check_filled(shard: Shard, streams: Sequence[Stream], hidden: NDArray[np.float32]) -> None:
    n_kept = sum(max(0, stream.n_kept) for stream in streams)
    if n_kept != shard.n_token:
        raise RuntimeError(f"the streams of shard {shard.index} fill {n_kept} of its {shard.n_token} rows: {shard}")
    if np.isnan(hidden.min()):  # h lies in (-1, 1), so the minimum is NaN only if a value is
        row = int(np.isnan(hidden).any(axis=(1, 2)).argmax())
        raise UserError(
            f"The states become NaN at token {shard.start + row}: the model's weights are broken or too large, as "
            "after a training that diverged. Check the checkpoint, or train it anew with a smaller learning rate."
        )


def pilot_shares(lengths: Sequence[int], n_token: int = PILOT_TOKENS) -> list[int]:
    """Return how many of its first tokens each stream gives to the pilot, in order, until there are enough.

    A stream gives 1,024 tokens at most, or more where all streams together would not give enough otherwise.

    Parameters
    ----------
    lengths
        Tokens of the streams, in random order.
    n_token
        Tokens of the pilot.

    Examples
    --------
    >>> pilot_shares([3000, 500, 90_000, 2000], n_token=2000)
    [1024, 500, 476]
    >>> pilot_shares([100, 90_000, 5000])
    [100, 11284, 5000]
    """
    cap, missing = PILOT_STREAM_TOKENS, n_token
    for i, length in enumerate(sorted(lengths)):
        cap = max(cap, -(-missing // (len(lengths) - i)))
        missing -= min(length, missing)
    shares, total = [], 0
    for length in lengths:
        if total >= n_token:
            break
        shares.append(min(length, cap, n_token - total))
        total += shares[-1]
    return shares


def read_pilot(reader: StreamReader, streams: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
    """Return h after every token of the streams, dims (time, layer, neuron), to place histogram bins by.

    Parameters
    ----------
    reader
        The model.
    streams
        Vocabulary indices of the beginnings of a few streams, as long as `pilot_shares` says.
    """
    rows = np.cumsum([0, *map(len, streams)])
    hidden = np.empty((rows[-1], reader.model.n_layer, reader.model.n_neuron), np.float32)
    reader.read([Stream(ids, row=int(row)) for ids, row in zip(streams, rows[:-1], strict=True)], {"hidden": hidden})
    return hidden


def to_float16(values: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return values as float16, by torch, which is ten times faster at it than numpy.

    Raises
    ------
    UserError
        If a value is too large for float16.
    """
    half: NDArray[np.float16] = torch.from_numpy(values).half().numpy()
    if not np.isfinite(half).all():
        largest = float(np.abs(values).max())
        raise UserError(
            f"A state of {largest:g} is too large for float16 (65,504). Use store: {{activations: float32}}."
        )
    return half
