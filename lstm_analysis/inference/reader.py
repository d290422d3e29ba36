"""The recurrent network that shows its states: many streams read side by side, every layer after every token.

The arithmetic is that of torch's own layers. The input products of the first layer are looked up in a table over the
vocabulary; those of a later layer are one matrix product over a block of steps; only the recurrent product and the
element-wise cell remain to be done step by step. A block is as large as the processor's cache takes.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UsageError, nearest
from ..schema import CELL_STATES
from .cells import CELLS
from .decoders import open_softmax
from .kernels import Kernel, choose_kernel, open_layers
from .model import LanguageModel
from .outputs import DeviceOutputs, HostOutputs, Outputs
from .product import Precision, require_precision

MAX_STREAMS = 256
BLOCK_ROWS = {"cpu": 1024, "cuda": 16_384}


@dataclass(frozen=True)
class Stream:
    """A run of tokens that is read with carried state.

    Parameters
    ----------
    token_id
        Vocabulary indices, dims (time).
    row
        Row of the output in which the first kept token goes.
    keep_from
        Tokens before this index are read for their effect on the state only.
    start
        State before the first token, dims (part, layer, neuron), the parts being h and, where the cell has it, c;
        ``None`` for zeros.
    """

    token_id: NDArray[np.int32]
    row: int = 0
    keep_from: int = 0
    start: NDArray[np.floating] | None = None

    @property
    def n_kept(self) -> int:
        """Number of tokens whose states are kept."""
        return len(self.token_id) - self.keep_from


@dataclass(frozen=True)
class Block:
    """Steps ``[first, stop)`` of the first ``n`` streams of a batch, whose ``lengths`` never grow."""

    streams: Sequence[Stream]
    lengths: NDArray[np.int64]
    first: int
    stop: int
    n: int

    @property
    def active(self) -> list[int]:
        """Streams that take part in each step."""
        steps = np.arange(self.first, self.stop)
        return [int(m) for m in len(self.lengths) - np.searchsorted(self.lengths[::-1], steps, side="right")]

    def tokens(self, shift: int = 0) -> NDArray[np.int64]:
        """Return the vocabulary indices read, or those ``shift`` steps later, dims (step, stream); 0 past the end."""
        ids = np.zeros((self.stop - self.first, self.n), np.int64)
        for b, stream in enumerate(self.streams[: self.n]):
            part = stream.token_id[self.first + shift : self.stop + shift]
            ids[: len(part), b] = part
        return ids

    def rows(self, shift: int = 0) -> NDArray[np.int64]:
        """Return the output row of each token, dims (step, stream); -1 where it is not kept or there is none."""
        step = np.arange(self.first + shift, self.stop + shift)[:, None]
        keep_from = np.array([stream.keep_from for stream in self.streams[: self.n]])
        row = np.array([stream.row for stream in self.streams[: self.n]]) - keep_from
        kept = (step >= keep_from) & (step < self.lengths[: self.n])
        return np.where(kept, step + row, -1)


class StreamReader:
    """Reads streams through a model.

    Parameters
    ----------
    model
        The weights; they decide device and float type.
    kernel
        What runs the recurrence, see `choose_kernel`.
    precision
        Of the products, see `Product`; ``tf32`` on CUDA only.
    table
        What `open_input_table` gave; made anew if left out.

    Attributes
    ----------
    kernel
        The one that runs.
    carried
        Names of the states that go on from token to token: the parts of a stream's start and end.

    Raises
    ------
    UsageError
        If kernel, precision, cell and device do not go together.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        kernel: Kernel = "auto",
        precision: Precision = "float32",
        table: Tensor | None = None,
    ) -> None:
        self.model, self._precision = model, precision
        require_precision(precision, model.embedding.device)
        self.kernel = choose_kernel(kernel, model, precision)
        self._layers = open_layers(model, self.kernel, precision, table)
        self._softmax = None if model.decoder is None else open_softmax(model.decoder, precision)
        self.carried = CELLS[model.cell].carried

    @torch.inference_mode()
    def read(
        self,
        streams: Sequence[Stream],
        states: Mapping[str, NDArray[np.floating]],
        surprisal: NDArray[np.floating] | None = None,
        told: Callable[[int], None] | None = None,
    ) -> list[NDArray[np.floating]]:
        """Read the streams and fill the arrays at each stream's rows.

        Parameters
        ----------
        streams
            What to read; the order and the lengths decide the batches, nothing else does.
        states
            Output by name (see `schema.CELL_STATES`), each with dims (time, layer, neuron); what is not named is left
            out. A layer smaller than the largest fills its first neurons, the rest becomes NaN.
        surprisal
            Output in bits, dims (time); NaN where a token has no past. ``None`` to leave out.
        told
            Called after each block of steps with the number of tokens read in it.

        Returns
        -------
        The state after each stream, dims (part, layer, neuron), 0 where a layer has fewer neurons.

        Raises
        ------
        UsageError
            If the model's cell does not have a state, or the model no decoder to give the surprisal.
        IndexError
            If a token is not in the vocabulary, or a stream does not fit into the outputs.
        """
        self._check(states, surprisal)
        for stream in streams:
            self._check_place(stream, [*states.values(), *([] if surprisal is None else [surprisal])])
        require_precision(self._precision, self.model.embedding.device)
        outputs = open_outputs(states, streams, self.model.embedding)
        ends: list[NDArray[np.floating]] = [np.empty(0)] * len(streams)
        order = sorted(range(len(streams)), key=lambda i: -len(streams[i].token_id))
        for at in range(0, len(order), MAX_STREAMS):
            group = order[at : at + MAX_STREAMS]
            final = self._read_batch([streams[i] for i in group], states, outputs, surprisal, told)
            for b, i in enumerate(group):
                ends[i] = final[:, :, b].copy()
        outputs.finish()
        return ends

    def _check(self, states: Mapping[str, object], surprisal: object) -> None:
        known = CELL_STATES[self.model.cell]
        for name in states:
            if name not in known:
                raise UsageError(f"The cell {self.model.cell} has no state {name!r}; {nearest(name, known)}")
        if surprisal is not None and self._softmax is None:
            raise UsageError(
                "The model's checkpoint has no decoder, so there is no surprisal. Set inference.surprisal to false."
            )

    def _check_place(self, stream: Stream, outputs: Sequence[NDArray[np.floating]]) -> None:
        """Refuse what compiled code would read or write outside of its arrays."""
        ids, n_token = stream.token_id, len(self.model.vocabulary)
        if len(ids) and not 0 <= ids.min() <= ids.max() < n_token:
            raise IndexError(f"token_id goes from {ids.min()} to {ids.max()}, the vocabulary has {n_token:,} tokens")
        if any(not 0 <= stream.row <= len(output) - stream.n_kept for output in outputs):
            lengths = sorted({len(output) for output in outputs})
            raise IndexError(
                f"a stream's {stream.n_kept} tokens from row {stream.row} on leave outputs of {lengths} rows"
            )

    def _read_batch(
        self,
        batch: Sequence[Stream],
        wanted: Collection[str],
        outputs: Outputs,
        surprisal: NDArray[np.floating] | None,
        told: Callable[[int], None] | None,
    ) -> NDArray[np.floating]:
        """Return the states after the streams, dims (part, layer, stream, neuron); lengths never grow."""
        state = self._start(batch)
        if surprisal is not None:
            self._first_surprisal(batch, state, surprisal)
        for block in _blocks(batch, BLOCK_ROWS[state.device.type]):
            found = self._read_block(block, state, wanted)
            outputs.put(found, block.rows())
            if surprisal is not None:
                self._block_surprisal(block, found[-1]["hidden"][1:], surprisal)
            if told is not None:
                told(sum(block.active))
        return state.cpu().numpy()

    def _start(self, batch: Sequence[Stream]) -> Tensor:
        """Return the states before the first tokens, dims (part, layer, stream, neuron)."""
        model = self.model
        state = model.embedding.new_zeros(len(self.carried), model.n_layer, len(batch), model.n_neuron)
        for b, stream in enumerate(batch):
            if stream.start is not None:
                state[:, :, b] = torch.as_tensor(stream.start).to(state)
        return state

    def _read_block(self, block: Block, state: Tensor, wanted: Collection[str]) -> list[dict[str, Tensor]]:
        """Return the states of each layer, see `Cell.run`; ``state`` becomes that after the block."""
        active, ids = block.active, torch.as_tensor(block.tokens(), device=state.device)
        names = list(dict.fromkeys([*self.carried, *wanted]))
        n_step = np.searchsorted(-np.array(active), -np.arange(block.n), side="left")
        ends = torch.as_tensor(n_step, device=state.device), torch.arange(block.n, device=state.device)
        found: list[dict[str, Tensor]] = []
        for i, (layer, width) in enumerate(zip(self._layers, self.model.layer_sizes, strict=True)):
            shape = (len(active) + 1, block.n, width)
            out = {name: state.new_empty(shape) if active[-1] == block.n else state.new_zeros(shape) for name in names}
            for part, name in enumerate(self.carried):
                out[name][0] = state[part, i, : block.n, :width]
            layer.read(ids, found[-1]["hidden"][1:] if found else None, active, out, wanted)
            for part, name in enumerate(self.carried):
                state[part, i, : block.n, :width] = out[name][ends]
            found.append(out)
        return found

    def _block_surprisal(self, block: Block, hidden: Tensor, surprisal: NDArray[np.floating]) -> None:
        """Fill in the surprisal of every kept token whose predecessor is in the block."""
        assert self._softmax is not None
        rows = block.rows(shift=1)
        step, stream = np.nonzero(rows >= 0)
        if len(step):
            past = hidden[torch.as_tensor(step), torch.as_tensor(stream)]
            target = block.tokens(shift=1)[step, stream]
            surprisal[rows[step, stream]] = self._softmax.bits(past, target)

    def _first_surprisal(self, batch: Sequence[Stream], state: Tensor, surprisal: NDArray[np.floating]) -> None:
        assert self._softmax is not None
        width = self.model.layer_sizes[-1]
        for b, stream in enumerate(batch):
            if stream.keep_from == 0 and stream.n_kept:
                first, past = stream.token_id[:1].astype(np.int64), state[0, -1, b : b + 1, :width].contiguous()
                surprisal[stream.row] = np.nan if stream.start is None else self._softmax.bits(past, first)[0]


def open_outputs(states: Mapping[str, NDArray[np.floating]], streams: Sequence[Stream], like: Tensor) -> Outputs:
    """Return what takes the states of streams to their rows in ``states``, from the device of ``like``."""
    if like.is_cuda:
        return DeviceOutputs(states, [(stream.row, stream.row + stream.n_kept) for stream in streams], like)
    return HostOutputs(states)


def _blocks(batch: Sequence[Stream], n_row: int) -> Iterator[Block]:
    """Cut a batch into blocks of about ``n_row`` tokens."""
    lengths = np.array([len(stream.token_id) for stream in batch])
    first = 0
    while first < lengths[0]:
        n = int((lengths > first).sum())
        stop = min(int(lengths[0]), first + max(1, n_row // n))
        yield Block(batch, lengths, first, stop, n)
        first = stop
