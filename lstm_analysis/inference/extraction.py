"""Reading one shard: a pure function of the model, the tokens and the states it begins from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import UserError
from .checkpoints import load_model
from .input_table import open_input_table
from .kernels import Kernel, choose_kernel
from .product import Precision
from .reader import Stream, StreamReader
from .readout import read_out, sum_surprisal
from .shards import Segment, Shard

INPUT_TABLE = "input_table.safetensors"
PILOT_TOKENS = 16_384
PILOT_STREAM_TOKENS = 1024
_OPENING = Lock()
"""A worker with several threads shall not load the model once in each."""


@dataclass(frozen=True)
class Text:
    """What the model reads for a segment.

    Parameters
    ----------
    token_id
        Vocabulary indices of its tokens, or of the pieces of its words.
    keep_from
        Those before this index are read for their effect on the state only.
    first, last
        Place of each kept word's first and last piece, counted from ``keep_from``; ``None`` if tokens are words.
    """

    token_id: NDArray[np.int32]
    keep_from: int = 0
    first: NDArray[np.int64] | None = None
    last: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class ShardStates:
    """What reading a shard gives.

    Parameters
    ----------
    states
        Name to values, dims (time, layer, neuron); NaN where a layer has fewer neurons.
    surprisal
        Bits, dims (time); NaN where a token has no past; ``None`` if not asked for.
    end
        State after the last token of each lane that is handed over, dims (lane, part, layer, neuron), first part h.
    """

    states: Mapping[str, NDArray[np.float32]]
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


def open_reader(path: Path, digest: str, device: str, precision: Precision, kernel: Kernel) -> StreamReader:
    """Return the reader of a model file, loaded once a process; one thread, so that every worker gives the same bytes.

    The table of input products lies beside the file and is mapped into memory: the workers of a machine share it.

    Raises
    ------
    UserError
        If the file is not the model of the run.
    """
    torch.set_num_threads(1)  # each time: OpenMP keeps the number for each thread that calls it
    with _OPENING:
        return _load_reader(path, digest, device, precision, kernel)


@lru_cache(maxsize=2)
def _load_reader(path: Path, digest: str, device: str, precision: Precision, kernel: Kernel) -> StreamReader:
    model = load_model(path)
    if model.digest != digest:
        raise UserError(f"{path} is not the model of this run. Run the same command again: it puts it back.")
    chosen = choose_device(device)
    needed = choose_kernel(kernel, model.to(chosen), precision) != "fused"
    table = open_input_table(model, path.with_name(INPUT_TABLE)).to(chosen) if needed else None
    return StreamReader(model.to(chosen), kernel=kernel, precision=precision, table=table)


def cut_streams(shard: Shard, stream_id: NDArray[np.int64]) -> list[Segment]:
    """Return what is read for a shard whose streams are documents or sentences.

    Parameters
    ----------
    shard
        With one span.
    stream_id
        Stream of each token from ``shard.read_from`` to the shard's end.
    """
    (start, _), *_ = shard.spans
    edges = [0, *(np.flatnonzero(np.diff(stream_id)) + 1), len(stream_id)]
    cuts = [(shard.read_from + int(a), shard.read_from + int(b)) for a, b in pairwise(edges)]
    last = len(cuts) - 1
    return [
        Segment(a, max(a, start), b, 0 if i == last or i == 0 else None, carried=i == 0 and shard.after is not None)
        for i, (a, b) in enumerate(cuts)
        if b > start
    ]


def read_shard(
    reader: StreamReader,
    shard: Shard,
    segments: Sequence[Segment],
    texts: Sequence[Text],
    start: NDArray[np.float32] | None,
    *,
    states: Sequence[str],
    surprisal: bool,
    readout: Literal["last", "first", "mean"] = "last",
    told: Callable[[int], None] | None = None,
) -> ShardStates:
    """Read a shard.

    Parameters
    ----------
    reader
        The model.
    shard
        What to read.
    segments
        Those of the shard, see `Shard.segments` and `cut_streams`.
    texts
        What is read for each segment.
    start
        States that the carried segments begin from, dims (lane, part, layer, neuron).
    states, surprisal
        What to return.
    readout
        How the state of a word is taken from those of its pieces.
    told
        Called while it is read, with the number of ``token_id`` of the texts that were.

    Raises
    ------
    UserError
        If the states become NaN.
    RuntimeError
        If the segments do not fill the shard: a fault in the plan.
    """
    model = reader.model
    n_row = sum(segment.stop - segment.start for segment in segments)
    if n_row != shard.n_token:
        raise RuntimeError(f"shard {shard.index} has {shard.n_token} rows, its segments fill {n_row}: {shard}")
    rows = np.cumsum([0, *(len(text.token_id) - text.keep_from for text in texts)])
    shape = (int(rows[-1]), model.n_layer, model.n_neuron)
    found = {name: np.full(shape, np.nan, np.float32) for name in states}
    bits = np.full(shape[0], np.nan, np.float32) if surprisal else None
    streams = [
        Stream(text.token_id, int(row), text.keep_from, _state(start, segment))
        for text, row, segment in zip(texts, rows[:-1], segments, strict=True)
    ]
    ends = reader.read(streams, found, bits, told)
    if texts[0].first is not None:
        first, last = (_places(texts, rows, name) for name in ("first", "last"))
        found = {name: read_out(values, first, last, readout) for name, values in found.items()}
        bits = None if bits is None else sum_surprisal(bits, first, last)
    check_finite(shard, found["hidden"], model.layer_sizes)
    end = np.zeros((shard.n_lane, *ends[0].shape), np.float32)
    if shard.n_lane and start is not None:
        end[:] = start  # a lane that is at its end stays there
    for segment, state in zip(segments, ends, strict=True):
        if shard.n_lane and segment.lane is not None:
            end[segment.lane] = state
    return ShardStates(found, bits, end)


def _places(texts: Sequence[Text], rows: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Return the row of each word's first or last piece among the pieces of all texts."""
    return np.concatenate([row + getattr(text, name) for row, text in zip(rows[:-1], texts, strict=True)])


def _state(start: NDArray[np.float32] | None, segment: Segment) -> NDArray[np.float32] | None:
    if not segment.carried:
        return None
    assert start is not None
    assert segment.lane is not None
    state: NDArray[np.float32] = start[segment.lane]
    return state


def check_finite(shard: Shard, hidden: NDArray[np.float32], layer_sizes: Sequence[int]) -> None:
    """Refuse h, dims (time, layer, neuron), with a NaN at a neuron that is there."""
    for layer, n_neuron in enumerate(layer_sizes):
        values = hidden[:, layer, :n_neuron]
        if np.isnan(values.min()):  # h lies in (-1, 1), so the minimum is NaN only if a value is
            row = int(np.isnan(values).any(axis=1).argmax())
            time = np.concatenate([np.arange(start, stop) for start, stop in shard.spans])[row]
            raise UserError(
                f"The states become NaN at token {time}: the model's weights are broken or too large, as after a "
                "training that diverged. Check the checkpoint, or train it anew with a smaller learning rate."
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
    if np.isinf(half).any():
        largest = float(np.nanmax(np.abs(values)))
        raise UserError(
            f"A state of {largest:g} is too large for float16 (65,504). Use store: {{activations: float32}}."
        )
    return half
