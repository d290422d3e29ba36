"""The LSTM that shows its states: many streams read side by side, h and c of every layer after every token.

The arithmetic is that of ``torch.nn.LSTM``. The input products of the first layer are looked up in a table over the
vocabulary; those of a later layer are one matrix product over a block of steps; only the recurrent product and the
element-wise cell remain to be done step by step. A block is as large as the processor's cache takes. The code runs
on any torch device and in any float type.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from .model import Decoder, LanguageModel
from .product import Product

MAX_STREAMS = 256
BLOCK_VALUES = 1_500_000
DECODER_LOGITS = 1 << 20


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
        State before the first token, dims (h and c, layer, neuron); ``None`` for zeros.
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
    """What came out of a block of steps, time-major.

    ``hidden`` and ``cell`` have a tensor (step, stream, neuron) a layer; ``first`` is the index of the first step.
    """

    streams: Sequence[Stream]
    lengths: NDArray[np.int64]
    first: int
    ids: Tensor
    hidden: list[Tensor]
    cell: list[Tensor]


class StreamReader:
    """Reads streams through a model.

    Parameters
    ----------
    model
        The weights; they decide device and float type.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self._recurrent = [Product(_double_candidate(layer.weight_recurrent)) for layer in model.layers]
        self._input = [Product(_double_candidate(layer.weight_input)) for layer in model.layers]
        self._bias = [_double_candidate(layer.bias) for layer in model.layers]
        self._table = self._input[0].plus(self._bias[0], model.embedding)
        assert isinstance(model.decoder, Decoder)
        self._decoder, self._decoder_bias = Product(model.decoder.weight), model.decoder.bias

    @torch.inference_mode()
    def read(
        self,
        streams: Sequence[Stream],
        states: Mapping[str, NDArray[np.floating]],
        surprisal: NDArray[np.floating] | None = None,
    ) -> list[NDArray[np.floating]]:
        """Read the streams and fill the arrays at each stream's rows.

        Parameters
        ----------
        streams
            What to read; the order and the lengths decide the batches, nothing else does.
        states
            Output by name (``hidden``, ``cell``), each with dims (time, layer, neuron); what is not named is left out.
        surprisal
            Output in bits, dims (time); NaN where a token has no past. ``None`` to leave out.

        Returns
        -------
        The state after each stream, dims (h and c, layer, neuron).
        """
        ends: list[NDArray[np.floating]] = [np.empty(0)] * len(streams)
        order = sorted(range(len(streams)), key=lambda i: -len(streams[i].token_id))
        for at in range(0, len(order), MAX_STREAMS):
            group = order[at : at + MAX_STREAMS]
            batch = [streams[i] for i in group]
            state = self._start(batch)
            if surprisal is not None:
                self._first_surprisal(batch, state, surprisal)
            for block in self._blocks(batch, state):
                for name, output in states.items():
                    _store(block, {"hidden": block.hidden, "cell": block.cell}[name], output)
                if surprisal is not None:
                    self._block_surprisal(block, surprisal)
            final = state.cpu().numpy()
            for b, i in enumerate(group):
                ends[i] = final[:, :, b].copy()
        return ends

    def _start(self, batch: Sequence[Stream]) -> Tensor:
        """Return the states before the first tokens, dims (h and c, layer, stream, neuron)."""
        model = self.model
        state = model.embedding.new_zeros(2, model.n_layer, len(batch), model.n_neuron)
        for b, stream in enumerate(batch):
            if stream.start is not None:
                state[:, :, b] = torch.as_tensor(stream.start).to(state)
        return state

    def _blocks(self, batch: Sequence[Stream], state: Tensor) -> Iterator[Block]:
        lengths = np.array([len(stream.token_id) for stream in batch])
        rows = BLOCK_VALUES // self.model.n_neuron
        step = 0
        while step < lengths[0]:
            n = int((lengths > step).sum())
            stop = min(int(lengths[0]), step + max(1, rows // n))
            ids = np.zeros((stop - step, n), np.int64)
            for b in range(n):
                part = batch[b].token_id[step:stop]
                ids[: len(part), b] = part
            yield self._read_block(batch, lengths, step, torch.as_tensor(ids, device=state.device), state)
            step = stop

    def _read_block(
        self, batch: Sequence[Stream], lengths: NDArray[np.int64], step: int, ids: Tensor, state: Tensor
    ) -> Block:
        n_step, n = ids.shape
        active = [int((lengths > t).sum()) for t in range(step, step + n_step)]
        projected = self._table[ids.view(-1)].view(n_step, n, -1)
        hidden: list[Tensor] = []
        cell: list[Tensor] = []
        for i in range(self.model.n_layer):
            if i:
                flat = self._input[i].plus(self._bias[i], hidden[-1].view(n_step * n, -1))
                projected = flat.view(n_step, n, -1)
            h, c = _run_layer(projected, self._recurrent[i], state[0, i], state[1, i], active)
            hidden.append(h)
            cell.append(c)
        return Block(batch, lengths, step, ids, hidden, cell)

    def _block_surprisal(self, block: Block, surprisal: NDArray[np.floating]) -> None:
        """Fill in the surprisal of every kept token whose predecessor is in the block."""
        n_step, n = block.ids.shape
        step = np.arange(block.first + 1, block.first + n_step + 1)[:, None]
        keep_from = np.array([stream.keep_from for stream in block.streams[:n]])
        wanted = (step < block.lengths[:n]) & (step >= keep_from)
        t, b = np.nonzero(wanted)
        if len(t):
            columns = [block.streams[i].token_id[block.first + 1 : block.first + n_step + 1] for i in range(n)]
            target = np.zeros((n_step, n), np.int64)
            for i, column in enumerate(columns):
                target[: len(column), i] = column
            row = np.array([stream.row for stream in block.streams[:n]]) - keep_from
            past = block.hidden[-1][torch.as_tensor(t), torch.as_tensor(b)]
            surprisal[step[t, 0] + row[b]] = self._decode(past, target[t, b])

    def _first_surprisal(self, batch: Sequence[Stream], state: Tensor, surprisal: NDArray[np.floating]) -> None:
        for b, stream in enumerate(batch):
            if stream.keep_from == 0 and stream.n_kept:
                past = state[0, -1, b : b + 1]
                first = np.array([stream.token_id[0]], np.int64)
                surprisal[stream.row] = np.nan if stream.start is None else self._decode(past, first)[0]

    def _decode(self, past: Tensor, target: NDArray[np.int64]) -> NDArray[np.floating]:
        """Return -log2 p of the targets given the top layer's h before them, dims (time)."""
        rows, bits = max(1, DECODER_LOGITS // len(self.model.vocabulary)), []
        for at in range(0, len(target), rows):
            logits = self._decoder.plus(self._decoder_bias, past[at : at + rows])
            chosen = torch.as_tensor(target[at : at + rows], device=logits.device)
            nats = cross_entropy(logits, chosen, reduction="none")
            bits.append((nats / math.log(2)).cpu().numpy())
        return np.concatenate(bits)


def _double_candidate(weight: Tensor) -> Tensor:
    """Return the rows with those of the candidate doubled.

    ``tanh(x) = 2 sigmoid(2 x) - 1``: one sigmoid over all gates costs a third of a sigmoid and a tanh; doubling is
    exact.
    """
    i, f, g, o = weight.chunk(4)
    return torch.cat([i, f, 2 * g, o])


def _run_layer(
    projected: Tensor, recurrent: Product, h: Tensor, c: Tensor, active: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Step a layer through a block; ``h`` and ``c`` (stream, neuron) are the state before and become that after.

    ``projected`` holds the input products (step, stream, 4 neuron); stream ``b`` takes part while ``b < active[step]``.
    """
    n_step, n, width = projected.shape
    hidden, cell = (projected.new_zeros(n_step, n, width // 4) for _ in range(2))
    past_h, past_c = h, c
    for t, m in enumerate(active):
        gates = recurrent.plus(projected[t, :m], past_h[:m]).sigmoid_()
        i, f, g, o = gates.chunk(4, 1)
        now_h, now_c = hidden[t], cell[t]
        torch.mul(past_c[:m], f, out=now_c[:m]).addcmul_(i, g.mul_(2).sub_(1))
        torch.tanh(now_c[:m], out=now_h[:m]).mul_(o)
        past_h, past_c = now_h, now_c
    last = torch.as_tensor(np.searchsorted(-np.array(active), -np.arange(n)) - 1)
    stream = torch.arange(n)
    h[:n], c[:n] = hidden[last, stream], cell[last, stream]
    return hidden, cell


def _store(block: Block, layers: Sequence[Tensor], output: NDArray[np.floating]) -> None:
    """Copy a block's states to the rows of its streams."""
    n_step = block.ids.shape[0]
    for i, layer in enumerate(layers):
        states = layer.cpu().numpy()
        for b in range(states.shape[1]):
            stream = block.streams[b]
            first = max(block.first, stream.keep_from)
            stop = min(block.first + n_step, int(block.lengths[b]))
            if first < stop:
                row = stream.row - stream.keep_from
                output[row + first : row + stop, i] = states[first - block.first : stop - block.first, b]
