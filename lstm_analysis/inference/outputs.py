"""The way of a block's states to their rows in the outputs."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cells.activation import vectorised

Arrays = Mapping[str, NDArray[np.floating]]
"""States by name, dims (time, layer, neuron)."""


class Outputs(ABC):
    """Arrays that are filled a block at a time."""

    @abstractmethod
    def put(self, layers: Sequence[Mapping[str, Tensor]], rows: NDArray[np.int64]) -> None:
        """Take over the states of a block.

        Parameters
        ----------
        layers
            Of each layer the states by name, shape (step + 1, stream, neuron), the first row being before the block.
        rows
            Output row of each token, dims (step, stream); -1 for none.
        """

    @abstractmethod
    def finish(self) -> None:
        """See to it that the arrays hold what was put."""


class HostOutputs(Outputs):
    """For states that a processor made: they are put in their places while they are in its cache."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def put(self, layers: Sequence[Mapping[str, Tensor]], rows: NDArray[np.int64]) -> None:
        """See `Outputs.put`."""
        for name, array in self._arrays.items():
            for i, layer in enumerate(layers):
                scatter(layer[name][1:].numpy(), rows, array[:, i])

    def finish(self) -> None:
        """Nothing is left to do."""


class DeviceOutputs(Outputs):
    """For states that a GPU made: it puts them in their places in its own memory and hands them over in long pieces.

    Parameters
    ----------
    arrays
        What is to be filled.
    spans
        The rows that will be, half-open, in any order.
    like
        A tensor of the device and the type of the states.
    """

    def __init__(self, arrays: Arrays, spans: Sequence[tuple[int, int]], like: Tensor) -> None:
        self._arrays, self._spans = arrays, list(joined(spans))
        self._held = {name: like.new_full(array.shape, torch.nan) for name, array in arrays.items()}
        self._device = like.device

    def put(self, layers: Sequence[Mapping[str, Tensor]], rows: NDArray[np.int64]) -> None:
        """See `Outputs.put`."""
        kept = np.flatnonzero(rows >= 0)
        where, which = (torch.as_tensor(index, device=self._device) for index in (rows.flat[kept], kept))
        for name, held in self._held.items():
            for i, layer in enumerate(layers):
                values = layer[name][1:].flatten(0, 1)
                held[where, i, : values.shape[1]] = values[which]

    def finish(self) -> None:
        """See `Outputs.finish`."""
        for name, array in self._arrays.items():
            for start, stop in self._spans:
                torch.from_numpy(array[start:stop]).copy_(self._held[name][start:stop])


def joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield half-open spans in ascending order, those that touch as one.

    >>> list(joined([(7, 9), (0, 3), (3, 5), (9, 9)]))
    [(0, 5), (7, 9)]
    """
    start = stop = 0
    for a, b in sorted(spans):
        if a > stop:
            if start < stop:
                yield start, stop
            start = a
        stop = max(stop, b)
    if start < stop:
        yield start, stop


@vectorised
def scatter(values: NDArray[np.floating], rows: NDArray[np.int64], output: NDArray[np.floating]) -> None:
    """Copy states (step, stream, neuron) to their output rows (time, neuron), NaN behind them; row -1 is left out."""
    for t in range(values.shape[0]):
        for b in range(values.shape[1]):
            if rows[t, b] >= 0:
                row = output[rows[t, b]]
                row[: values.shape[2]] = values[t, b]
                row[values.shape[2] :] = np.nan
