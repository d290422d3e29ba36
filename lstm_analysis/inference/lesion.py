"""What a model loses without some neurons: many lesions of the same passages, read side by side.

A lesion replaces h of its neurons for whoever reads it: the recurrent matrix, the next layer's input matrix, the
decoder. With a fixed value mu that is the model whose biases are b + W[:, j] mu and whose columns W[:, j] are 0. It is
done by writing mu over h after every step, so one product with the unchanged weights serves all lesions, and a decoder
of any kind sees it, too. What carries the neuron itself (c of an LSTM) goes on by its own gates, which read the
replaced values.

Layers below the lowest lesioned one do what they do in the intact model, and so do the input products of that layer:
both are worked out once for all lesions.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UsageError
from .cells import CELLS, Cell
from .decoders import open_softmax
from .lesion_passages import Clamp, Lesion, Passages, Window
from .product import Precision
from .reader import StreamReader

MAX_ROWS = {"cpu": 1024, "cuda": 32_768}
"""Streams that are read side by side: passages times lesions."""
MAX_LESIONS = 256
"""Lesions that are read side by side."""


@dataclass(frozen=True)
class Losses:
    """Losses in nats, of the intact model (prediction) and of the lesions (lesion, prediction), and their seconds."""

    intact: NDArray[np.float64]
    lesioned: NDArray[np.float64]
    intact_seconds: float
    lesioned_seconds: float


class LesionReader:
    """Reads passages with many lesions.

    Parameters
    ----------
    reader
        The intact model.
    precision
        Of the products.

    Raises
    ------
    UsageError
        If the model has no decoder, hence no loss.
    """

    def __init__(self, reader: StreamReader, precision: Precision = "float32") -> None:
        model = reader.model
        if model.decoder is None:
            raise UsageError("The model's checkpoint has no decoder, so it predicts nothing that it could lose.")
        self.reader, self.model = reader, model
        self._cells: list[Cell] = [CELLS[layer.cell](layer, precision) for layer in model.layers]
        self._softmax = open_softmax(model.decoder, precision)

    @torch.inference_mode()
    def losses(self, windows: Sequence[Window], lesions: Sequence[Lesion], shift: int = 0) -> Losses:
        """Return what each prediction costs with each lesion.

        Parameters
        ----------
        windows
            The passages; the predictions of one after those of the other are those of the result.
        lesions
            Those without values take, at each token, the neuron's h in the intact model ``shift`` tokens further on,
            the passages being laid end to end in a ring.
        shift
            See there.
        """
        began = time.perf_counter()
        order = sorted(range(len(windows)), key=lambda i: -windows[i].n_step)
        passages = Passages([windows[i] for i in order], self.reader)
        first = np.cumsum([0, *(len(window.predicted) for window in windows)])
        places = [first[i] + np.arange(len(windows[i].predicted)) for i in order]
        intact = np.empty(first[-1])
        rows, target = passages.predictions()
        if len(rows):
            intact[np.concatenate(places)] = self._softmax.nats(passages.hidden[-1][torch.as_tensor(rows)], target)
        between = time.perf_counter()
        lesioned = np.empty((len(lesions), first[-1]))
        for lowest, chosen in _groups(lesions):
            part = np.empty((len(chosen), first[-1]))
            clamp = Clamp([lesions[i] for i in chosen], passages, shift)
            n_beside = max(1, MAX_ROWS[self.model.embedding.device.type] // len(chosen))
            for at in range(0, len(windows), n_beside):
                self._read(passages, slice(at, at + n_beside), lowest, clamp, places[at : at + n_beside], part)
            lesioned[chosen] = part
        return Losses(intact, lesioned, between - began, time.perf_counter() - between)

    def _read(
        self,
        passages: Passages,
        which: slice,
        lowest: int,
        clamp: Clamp,
        places: Sequence[NDArray[np.int64]],
        found: NDArray[np.float64],
    ) -> None:
        """Fill in the losses of some passages with the lesions of a clamp, dims (lesion, prediction).

        Streams are passages, the longest first, times lesions.
        """
        windows, first, n = passages.windows[which], passages.first[which], clamp.n_lesion
        states = self._start(windows, lowest, n)
        for layer, state in enumerate(states, lowest):
            clamp.write(state["hidden"][0], layer, first - 1)
        begin, end = int(first[0]), int(first[-1]) + windows[-1].n_step
        source, asked = self._cells[lowest].input_product(passages.below(lowest, begin, end)), _asked(windows, places)
        for t in range(windows[0].n_step):
            m = sum(window.n_step > t for window in windows)
            rows = torch.as_tensor(first[:m] - begin + t, device=source.device).repeat_interleave(n)
            given = source
            for layer, state in enumerate(states, lowest):
                self._cells[layer].run(given, rows[None], [m * n], state)
                hidden = state["hidden"][1, : m * n]
                clamp.write(hidden, layer, first[:m] + t)
                if layer + 1 < self.model.n_layer:
                    given, rows = (
                        self._cells[layer + 1].input_product(hidden),
                        torch.arange(m * n, device=hidden.device),
                    )
            if t + 1 in asked:
                self._predict(hidden.view(m, n, -1), windows, t + 1, asked[t + 1], found)
            for state in states:
                for values in state.values():
                    values[0, : m * n] = values[1, : m * n]

    def _start(self, windows: Sequence[Window], lowest: int, n: int) -> list[dict[str, Tensor]]:
        """Return room for two steps of the states of each layer from ``lowest`` on, the first one filled in."""
        states = []
        for layer in range(lowest, self.model.n_layer):
            width, state = self.model.layer_sizes[layer], {}
            for part, name in enumerate(self.reader.carried):
                values = self.model.embedding.new_zeros(2, len(windows), width)
                for b, window in enumerate(windows):
                    if window.start is not None:
                        values[0, b] = torch.as_tensor(window.start[part, layer, :width]).to(values)
                state[name] = values.repeat_interleave(n, dim=1)
            states.append(state)
        return states

    def _predict(
        self, hidden: Tensor, windows: Sequence[Window], at: int, asked: "Asked", found: NDArray[np.float64]
    ) -> None:
        """Fill in what the tokens at place ``at`` of some passages cost; h has the dims (passage, lesion, neuron)."""
        chosen, places = zip(*asked, strict=True)
        past = hidden[torch.as_tensor(chosen, device=hidden.device)].flatten(0, 1)
        target = np.repeat([int(windows[b].token_id[at]) for b in chosen], len(found))
        found[:, list(places)] = self._softmax.nats(past, target).reshape(len(chosen), len(found)).T


Asked = list[tuple[int, int]]
"""Passages, and where the loss of a prediction in it goes."""


def _asked(windows: Sequence[Window], places: Sequence[NDArray[np.int64]]) -> dict[int, Asked]:
    """Return what is asked for at each place of the passages."""
    found: dict[int, Asked] = {}
    for b, (window, where) in enumerate(zip(windows, places, strict=True)):
        for at, place in zip(window.predicted.tolist(), where.tolist(), strict=True):
            found.setdefault(at, []).append((b, place))
    return found


def _groups(lesions: Sequence[Lesion]) -> Iterator[tuple[int, list[int]]]:
    """Yield the lowest layer of some lesions, and which they are."""
    for layer in sorted({lesion.lowest for lesion in lesions}):
        group = [i for i, lesion in enumerate(lesions) if lesion.lowest == layer]
        for at in range(0, len(group), MAX_LESIONS):
            yield layer, group[at : at + MAX_LESIONS]
