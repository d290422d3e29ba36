"""Passages that are read with lesions: what the intact model does there, and what lesions put in its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .reader import Stream, StreamReader

Kind = Literal["mean", "zero", "resample"]
"""What replaces h of a neuron: its mean, 0, or what it is at other tokens."""


@dataclass(frozen=True)
class Lesion:
    """Neurons (layer, neuron) that are taken out together.

    Parameters
    ----------
    neurons
        Which.
    values
        What their h is replaced by; ``None``: by what it is at other tokens.
    """

    neurons: tuple[tuple[int, int], ...]
    values: tuple[float, ...] | None

    @property
    def lowest(self) -> int:
        """The lowest layer that it changes."""
        return min(layer for layer, _ in self.neurons)


@dataclass(frozen=True)
class Window:
    """A passage that is read with the lesion from its first token on.

    Parameters
    ----------
    token_id
        Vocabulary indices; the last one is predicted only.
    predicted
        Places in ``token_id``, from 1 on and ascending, whose losses are wanted.
    start
        State of the intact model before the first token, dims (part, layer, neuron); ``None`` for zeros.
    """

    token_id: NDArray[np.int32]
    predicted: NDArray[np.int64]
    start: NDArray[np.floating] | None = None

    @property
    def n_step(self) -> int:
        """Tokens that are read."""
        return len(self.token_id) - 1


class Passages:
    """What the intact model does in some passages.

    Parameters
    ----------
    windows
        The passages, the longest first.
    reader
        The model.

    Attributes
    ----------
    first
        Row of each passage's first token, dims (passage): they are laid end to end.
    hidden
        h of each layer after each token, shape (row, neuron).
    """

    def __init__(self, windows: Sequence[Window], reader: StreamReader) -> None:
        model = reader.model
        self.windows, self._embedding = windows, model.embedding
        self._token_id = np.concatenate([window.token_id[:-1] for window in windows])
        self.first = np.cumsum([0, *(window.n_step for window in windows)])[:-1]
        shape = (len(self._token_id), model.n_layer, model.n_neuron)
        found = torch.empty(shape, dtype=model.embedding.dtype).numpy()
        streams = [
            Stream(window.token_id[:-1], row=int(row), start=window.start)
            for window, row in zip(windows, self.first, strict=True)
        ]
        reader.read(streams, {"hidden": found})
        self.hidden = [
            torch.as_tensor(np.ascontiguousarray(found[:, layer, :width])).to(model.embedding)
            for layer, width in enumerate(model.layer_sizes)
        ]

    def below(self, layer: int, begin: int, end: int) -> Tensor:
        """Return what a layer reads at some rows, shape (row, input)."""
        if layer:
            return self.hidden[layer - 1][begin:end]
        ids = torch.as_tensor(self._token_id[begin:end], dtype=torch.int64, device=self._embedding.device)
        return self._embedding[ids]

    def predictions(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row before each wanted prediction, and the token that is predicted, passage by passage."""
        pairs = list(zip(self.first, self.windows, strict=True))
        rows = [row + window.predicted - 1 for row, window in pairs]
        return np.concatenate(rows), np.concatenate([w.token_id[w.predicted] for w in self.windows]).astype(np.int64)


class Clamp:
    """Writes what lesions put in the place of h.

    Parameters
    ----------
    lesions
        The lesions, read side by side.
    passages
        Where.
    shift
        Lesions without values take h ``shift`` rows further on, in a ring.
    """

    def __init__(self, lesions: Sequence[Lesion], passages: Passages, shift: int) -> None:
        self.n_lesion, self._passages, self._shift = len(lesions), passages, shift
        self._fixed = [_places(lesions, layer, False, like) for layer, like in enumerate(passages.hidden)]
        self._moving = [_places(lesions, layer, True, like) for layer, like in enumerate(passages.hidden)]

    def write(self, hidden: Tensor, layer: int, rows: NDArray[np.int64]) -> None:
        """Write over h of a layer, shape (passage x lesion, neuron); ``rows`` are those of the passages' tokens."""
        by_lesion = hidden.view(len(rows), self.n_lesion, -1)
        which, neuron, value = self._fixed[layer]
        if len(which):
            by_lesion[:, which, neuron] = value
        which, neuron, _ = self._moving[layer]
        if len(which):
            intact = self._passages.hidden[layer]
            other = torch.as_tensor((rows + self._shift) % len(intact), device=intact.device)
            by_lesion[:, which, neuron] = intact[other][:, neuron]


def _places(lesions: Sequence[Lesion], layer: int, moving: bool, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return lesion, neuron and value of what is written over a layer; ``moving``: of lesions without values."""
    which: list[int] = []
    neuron: list[int] = []
    value: list[float] = []
    for i, lesion in enumerate(lesions):
        for k, (of, j) in enumerate(lesion.neurons):
            if of == layer and (lesion.values is None) == moving:
                which.append(i)
                neuron.append(j)
                value.append(0.0 if lesion.values is None else lesion.values[k])
    rows, columns = (torch.tensor(one, dtype=torch.int64, device=like.device) for one in (which, neuron))
    return rows, columns, torch.tensor(value, dtype=like.dtype, device=like.device)
