"""The stored states of a few neurons over the whole corpus, a few documents at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from ..errors import UserError
from .job import Job

MOST_TOKENS = 1 << 16
"""Tokens that are held at once, unless a document is longer."""


class Documents(NamedTuple):
    """Documents that follow one another.

    Parameters
    ----------
    first, stop
        Of the documents.
    start, end
        Their tokens, half-open.
    """

    first: int
    stop: int
    start: int
    end: int


class Passages(Protocol):
    """The values and labels of a few neurons, passage by passage."""

    @property
    def document_start(self) -> NDArray[np.int64]:
        """First token of each document, and the number of tokens, dims (document + 1)."""

    def passages(self) -> Iterator[Documents]:
        """Yield all documents in order."""

    def values(self, start: int, end: int) -> NDArray[np.float32]:
        """Return the values of a passage, dims (time, neuron)."""

    def label(self, start: int, end: int) -> NDArray[np.int8]:
        """Return the labels of a passage, dims (time, concept)."""


def passages(document_start: NDArray[np.int64], most: int = MOST_TOKENS) -> Iterator[Documents]:
    """Yield all documents in order, as many at a time as have at most ``most`` tokens, at least one.

    >>> [tuple(found) for found in passages(np.array([0, 4, 6, 20, 21]), most=6)]
    [(0, 2, 0, 6), (2, 3, 6, 20), (3, 4, 20, 21)]
    """
    first = 0
    while first < len(document_start) - 1:
        stop = int(np.searchsorted(document_start, document_start[first] + most, side="right")) - 1
        stop = max(first + 1, stop)
        yield Documents(first, stop, int(document_start[first]), int(document_start[stop]))
        first = stop


@dataclass(frozen=True)
class Columns:
    """The values of a block of neurons of a layer.

    Parameters
    ----------
    job
        Says which run.
    layer
        The layer.
    neurons
        Its neurons.
    """

    job: Job
    layer: int
    neurons: slice

    @cached_property
    def document_start(self) -> NDArray[np.int64]:
        """First token of each document, and the number of tokens, dims (document + 1)."""
        starts = np.asarray(zarr.open_group(self.job.run / "corpus.zarr", mode="r")["document_start"][:])  # type: ignore[index]
        return np.append(starts, self.n_token).astype(np.int64)

    @property
    def n_neuron(self) -> int:
        """Neurons of the block."""
        return len(range(*self.neurons.indices(self._array("hidden_state").shape[2])))

    @property
    def n_token(self) -> int:
        """Tokens of the corpus."""
        return int(self._array("hidden_state").shape[0])

    @cached_property
    def _n_there(self) -> int:
        """Neurons of the block that the layer has; past them the store is NaN."""
        sizes = cast(list[int], zarr.open_group(self.job.activations, mode="r").attrs["layer_sizes"])
        here: int = sizes[self.layer] - self.neurons.start
        return max(0, min(here, self.n_neuron))

    def passages(self) -> Iterator[Documents]:
        """Yield all documents in order, some at a time."""
        return passages(self.document_start)

    def values(self, start: int, end: int, name: str = "hidden_state") -> NDArray[np.float32]:
        """Return the values of a passage, dims (time, neuron).

        Raises
        ------
        UserError
            If rows are missing: every row was there when the states were summarised.
        """
        found = np.asarray(self._array(name)[start:end, self.layer, self.neurons]).astype(np.float32, copy=False)
        there = found[:, : self._n_there]
        if there.size and np.isnan(there.min()):  # none is ever committed
            row = start + int(np.isnan(there).any(axis=1).argmax())
            raise UserError(
                f"The stored states were damaged after they were summarised: they are missing from token {row} on. "
                f"Remove {self.job.run / 'summary.zarr'} and run again: damaged shards are then found and read anew."
            )
        return found

    def rows(self, time: NDArray[np.int64], name: str = "hidden_state") -> NDArray[np.float32]:
        """Return the values at some tokens, dims (row, neuron), reading the corpus once in passages.

        Parameters
        ----------
        time
            Tokens in any order, repeats allowed.
        name
            ``hidden_state`` or ``cell_state``.
        """
        found = np.empty((len(time), self.n_neuron), np.float32)
        order = np.argsort(time, kind="stable")
        ordered = time[order]
        for start in range(0, self.n_token, MOST_TOKENS):
            first, stop = np.searchsorted(ordered, [start, start + MOST_TOKENS])
            if first < stop:
                low, high = int(ordered[first]), int(ordered[stop - 1]) + 1
                found[order[first:stop]] = self.values(low, high, name)[ordered[first:stop] - low]
        return found

    def label(self, start: int, end: int) -> NDArray[np.int8]:
        """Return the labels of a passage, dims (time, concept)."""
        label: NDArray[np.int8] = self.job.column("labels.zarr", "label", (start, end))
        return label

    def _array(self, name: str) -> "zarr.Array[zarr.core.metadata.ArrayV3Metadata]":
        array = zarr.open_group(self.job.activations, mode="r")[name]
        assert isinstance(array, zarr.Array)
        return array
