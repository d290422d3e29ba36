"""Which neuron is on at which token, one bit each, slab by slab: by token, and by neuron."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from .states import Transform, rows
from .threshold import Sides

Words = NDArray[np.uint64]
WORD = 64
"""Bits of a word: neurons of a layer in order, or tokens in order, the first one in its lowest bit."""
SLAB_BITS = 18
SLAB = 1 << SLAB_BITS
"""Tokens of a slab."""
PIECE = 1 << 13
"""Tokens of all neurons whose states are in memory at once while bits are made."""


class Slab(NamedTuple):
    """The bits of `SLAB` tokens, or of the last ones, twice.

    Parameters
    ----------
    by_time
        Dims (time, side, layer, word): a word has 64 neurons of a layer. For what all neurons do at few tokens.
    by_neuron
        Dims (side, layer, neuron, word): a word has 64 tokens. For what few neurons do at all tokens. Neurons, and
        tokens, are filled up to whole words with bits that are 0.
    """

    by_time: Words
    by_neuron: Words


class Bits(Protocol):
    """Bits of the neurons of some layers."""

    @property
    def n_time(self) -> int:
        """Tokens."""

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and neurons of each."""

    @property
    def n_side(self) -> int:
        """1 where a neuron is on or off; 2 where it can be on upwards (side 0) and downwards (side 1)."""

    def slab(self, index: int) -> Slab:
        """Return a slab; slab i begins at token ``i * SLAB``."""


@dataclass(frozen=True)
class PackedBits:
    """Bits in memory.

    Parameters
    ----------
    slabs
        All of them.
    n_time
        Tokens.
    shape
        Layers, and neurons of each.
    """

    slabs: Sequence[Slab]
    n_time: int
    shape: tuple[int, int]

    @property
    def n_side(self) -> int:
        """Sides on which a neuron can be on."""
        return int(self.slabs[0].by_time.shape[1])

    def slab(self, index: int) -> Slab:
        """Return a slab."""
        return self.slabs[index]


def n_slab(n_time: int) -> int:
    """Return the slabs of a corpus."""
    return -(-n_time // SLAB)


def n_word(n: int) -> int:
    """Return the words that hold so many bits.

    >>> n_word(64), n_word(65)
    (1, 2)
    """
    return -(-n // WORD)


def pack_states(
    states: xr.DataArray, cutoff: NDArray[np.float64], sides: Sides, transform: Transform = "none"
) -> PackedBits:
    """Return the bits of states, which are read a piece of tokens at a time.

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
    n_time, shape = states.sizes["time"], (states.sizes.get("layer", 1), states.sizes["neuron"])
    level = np.broadcast_to(cutoff, shape)
    piece = max(PIECE, n_word(max(states.chunksizes.get("time", (0,)), default=0)) * WORD)
    slabs = []
    for first in range(0, n_time, SLAB):
        by_time = new_by_time(min(SLAB, n_time - first), shape, sides)
        for start in range(first, first + len(by_time), piece):
            stop = min(start + piece, first + len(by_time))
            values = rows(states, start, stop, transform).reshape(-1, *shape)
            set_bits(values, level, sides, by_time[start - first : stop - first])
        slabs.append(Slab(by_time, transposed(by_time)))
    return PackedBits(slabs, n_time, shape)


def new_by_time(n_time: int, shape: tuple[int, int], sides: Sides) -> Words:
    """Return bits that are all 0, dims (time, side, layer, word)."""
    return np.zeros((n_time, 2 if sides == "both" else 1, shape[0], n_word(shape[1])), np.uint64)


def set_bits(values: NDArray[np.floating[Any]], cutoff: NDArray[np.float64], sides: Sides, by_time: Words) -> None:
    """Set the bits (time, side, layer, word) of values (time, layer, neuron) that reach a cutoff (layer, neuron)."""
    level = cutoff.astype(values.dtype)
    level = np.where(level < cutoff, np.nextafter(level, values.dtype.type(np.inf)), level)
    _set_bits(np.abs(values) if sides == "absolute" else values, level, sides == "both", by_time)


def transposed(by_time: Words) -> Words:
    """Return bits given by token by neuron: dims (side, layer, neuron, word) from (time, side, layer, word)."""
    n_time, n_side, n_layer, width = by_time.shape
    return transpose_bits(by_time.reshape(n_time, -1)).reshape(n_side, n_layer, width * WORD, -1)


def transpose_bits(rows: Words) -> Words:
    """Return bits transposed: bit b of word w of row r becomes bit r % 64 of word r // 64 of row 64 w + b."""
    turned = np.zeros((rows.shape[1] * WORD, n_word(len(rows))), np.uint64)
    _transpose(rows, turned)
    return turned


@compiled
def _set_bits(values: NDArray[np.floating[Any]], level: NDArray[np.floating[Any]], both: bool, by_time: Words) -> None:
    """Set the bits of values that reach the level upwards, and downwards where ``both``."""
    n_time, n_layer, n_neuron = values.shape
    for t in range(n_time):
        for layer in range(n_layer):
            for j in range(n_neuron):
                bit = np.uint64(1) << np.uint64(j % 64)
                if values[t, layer, j] >= level[layer, j]:
                    by_time[t, 0, layer, j // 64] |= bit
                elif both and -values[t, layer, j] >= level[layer, j]:
                    by_time[t, 1, layer, j // 64] |= bit


@compiled
def _transpose(rows: Words, turned: Words) -> None:
    """Transpose bits 64 x 64 at a time, exchanging halves of halves."""
    n_row, width = rows.shape
    block = np.empty(64, np.uint64)
    for word in range(width):
        for first in range(0, n_row, 64):
            for i in range(64):
                block[i] = rows[first + i, word] if first + i < n_row else np.uint64(0)  # a plain 0 makes it a float
            size, mask = 32, np.uint64(0x00000000FFFFFFFF)
            while size:
                shift = np.uint64(size)
                for base in range(0, 64, 2 * size):
                    for i in range(base, base + size):
                        exchanged = ((block[i] >> shift) ^ block[i + size]) & mask
                        block[i] ^= exchanged << shift
                        block[i + size] ^= exchanged
                size >>= 1
                mask ^= mask << np.uint64(size)
            for i in range(64):
                turned[word * 64 + i, first // 64] = block[i]
