"""Which neuron is on at which token, one bit each, neuron by neuron."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from .states import Transform, rows
from .threshold import Sides

Words = NDArray[np.uint64]
WORD = 64
"""Tokens of a word of bits, the first one in its lowest bit."""
SLAB = 1 << 14
"""Tokens of all neurons that are in memory at once while bits are made."""


class Bits(Protocol):
    """Bits of the neurons of some layers: *columns*, layer by layer."""

    @property
    def n_time(self) -> int:
        """Tokens."""

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and neurons of each."""

    @property
    def n_side(self) -> int:
        """1 where a neuron is on or off; 2 where it can be on upwards (side 0) and downwards (side 1)."""

    def words(self, side: int, column: int) -> Words:
        """Return a neuron's bits on one side, dims (word); bits past the last token are 0."""


@dataclass(frozen=True)
class PackedBits:
    """Bits in memory.

    Parameters
    ----------
    packed
        Dims (side, layer, neuron, word).
    n_time
        Tokens.
    """

    packed: Words
    n_time: int

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and neurons of each."""
        return self.packed.shape[1], self.packed.shape[2]

    @property
    def n_side(self) -> int:
        """Sides on which a neuron can be on."""
        return self.packed.shape[0]

    def words(self, side: int, column: int) -> Words:
        """Return a neuron's bits on one side, dims (word)."""
        found: Words = self.packed[side].reshape(-1, self.packed.shape[3])[column]
        return found


def n_word(n_time: int) -> int:
    """Return the words that hold a bit for each token."""
    return -(-n_time // WORD)


def pack_states(
    states: xr.DataArray, cutoff: NDArray[np.float64], sides: Sides, transform: Transform = "none"
) -> PackedBits:
    """Return the bits of states, read a slab of tokens at a time.

    Parameters
    ----------
    states
        Dims (time, neuron) or (time, layer, neuron), in memory or lazy.
    cutoff
        The smallest value that is on, one number, or dims (neuron) or (layer, neuron).
    sides
        See `Sides`.
    transform
        What is done with states before they are compared.
    """
    n_time, n_layer = states.sizes["time"], states.sizes.get("layer", 1)
    shape = (n_layer, states.sizes["neuron"])
    level = np.broadcast_to(cutoff, shape).reshape(-1)
    packed = np.zeros((2 if sides == "both" else 1, shape[0] * shape[1], n_word(n_time)), np.uint64)
    slab = max(SLAB, n_word(max(states.chunksizes.get("time", (0,)), default=0)) * WORD)
    for start in range(0, n_time, slab):
        values = rows(states, start, start + slab, transform).reshape(-1, shape[0] * shape[1])
        set_bits(values, level, sides, packed, start)
    return PackedBits(packed.reshape(len(packed), *shape, -1), n_time)


def set_bits(
    values: NDArray[np.floating[Any]], cutoff: NDArray[np.float64], sides: Sides, packed: Words, start: int
) -> None:
    """Set the bits (side, neuron, word) of a slab of values (time, neuron) that begins at a whole word."""
    level = cutoff.astype(values.dtype)
    level = np.where(level < cutoff, np.nextafter(level, values.dtype.type(np.inf)), level)
    _set_bits(np.abs(values) if sides == "absolute" else values, level, packed[0], start, False)
    if sides == "both":
        _set_bits(values, level, packed[1], start, True)


@compiled
def _set_bits(
    values: NDArray[np.floating[Any]], level: NDArray[np.floating[Any]], words: Words, start: int, down: bool
) -> None:
    """Set the bits (neuron, word) of values that reach the level (neuron), or whose negatives do."""
    n_time, n_neuron = values.shape
    for t in range(n_time):
        word, bit = (start + t) // 64, np.uint64(1) << np.uint64((start + t) % 64)
        for j in range(n_neuron):
            if (-values[t, j] if down else values[t, j]) >= level[j]:
                words[j, word] |= bit


@dataclass(frozen=True)
class Upwards:
    """Bits of which only the side upwards counts.

    Parameters
    ----------
    bits
        Bits of one side or both.
    """

    bits: Bits
    n_side: int = 1

    @property
    def n_time(self) -> int:
        """Tokens."""
        return self.bits.n_time

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and neurons of each."""
        return self.bits.shape

    def words(self, side: int, column: int) -> Words:
        """Return a neuron's bits, dims (word)."""
        return self.bits.words(0, column)
