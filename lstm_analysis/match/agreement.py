"""Which neurons are on over the whole of a run and off beside it."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .bits import SLAB, SLAB_BITS, WORD, Bits, Slab, Words, n_word, transpose_bits

Conjunct = tuple[int, int, int]
"""Side (0 up, 1 down), layer and neuron: what is on or off."""
Positions = NDArray[np.int64]
ALL = np.uint64(2**64 - 1)
MOST_KEPT = 16
"""Slabs of chosen neurons that are kept, of 2 MB for every 64 neurons."""


class Chosen:
    """The bits of a few neurons side by side, as if they were the only ones: one side, one layer.

    Parameters
    ----------
    bits
        Bits of all neurons.
    conjuncts
        The few, in their order.
    """

    n_side = 1

    def __init__(self, bits: Bits, conjuncts: Sequence[Conjunct]) -> None:
        self._bits, self._conjuncts = bits, tuple(conjuncts)
        self.n_time, self.shape = bits.n_time, (1, len(self._conjuncts))
        self.slab = lru_cache(MOST_KEPT)(self._slab)

    def _slab(self, index: int) -> Slab:
        whole = self._bits.slab(index).by_neuron
        by_neuron = np.zeros((n_word(len(self._conjuncts)) * WORD, whole.shape[3]), np.uint64)
        for row, conjunct in enumerate(self._conjuncts):
            by_neuron[row] = whole[conjunct]
        by_time = transpose_bits(by_neuron)[: self.n_time - index * SLAB]
        return Slab(by_time[:, np.newaxis, np.newaxis], by_neuron[np.newaxis, np.newaxis])


def count_agreeing(
    bits: Bits, mask: Words, start: Positions, stop: Positions, left: int, right: int
) -> NDArray[np.int64]:
    """Return how many of some neurons a run selects: on at all its tokens, off at those of its flanks.

    Parameters
    ----------
    bits, mask
        Bits, and which neurons count: dims (side, layer, word), see `mask_of`.
    start, stop
        Runs, half-open, dims (run).
    left, right
        Tokens of the flanks; those outside the corpus do not count.

    Returns
    -------
    Dims (run).
    """
    number = np.zeros(len(start), np.int64)
    low, high = np.maximum(start - left, 0), np.minimum(stop + right, bits.n_time)
    slab = low >> SLAB_BITS
    slab[(high - 1) >> SLAB_BITS != slab] = -1  # runs across the edge of a slab
    order = np.argsort(slab, kind="stable")
    edges = np.append(np.flatnonzero(np.diff(slab[order], prepend=-2)), len(order))
    for first, after in pairwise(edges):
        chosen = order[first:after]
        index = int(slab[chosen[0]])
        if index < 0:
            runs = zip(start[chosen].tolist(), stop[chosen].tolist(), strict=True)
            number[chosen] = [_n_bit(agreeing_words(bits, *run, left, right) & mask) for run in runs]
        else:
            by_time = bits.slab(index).by_time
            rows = by_time.reshape(len(by_time), -1)
            ends = (start[chosen] - index * SLAB, stop[chosen] - index * SLAB)
            number[chosen] = _count_agreeing(rows, mask.reshape(-1), *ends, left, right)
    return number


def agreeing_words(bits: Bits, start: int, stop: int, left: int, right: int) -> Words:
    """Return which neurons a run selects as bits, dims (side, layer, word)."""
    selected: Words = np.bitwise_and.reduce(np.stack(_parts(bits, start, stop, np.bitwise_and)))
    for first, last in ((max(0, start - left), start), (stop, min(bits.n_time, stop + right))):
        for beside in _parts(bits, first, last, np.bitwise_or):
            selected = selected & ~beside
    return selected


def agreeing(bits: Bits, mask: Words, start: int, stop: int, left: int, right: int) -> list[Conjunct]:
    """Return which of some neurons one run selects; parameters as of `count_agreeing`."""
    found = np.ascontiguousarray(agreeing_words(bits, start, stop, left, right) & mask)
    alone = np.unpackbits(found.view(np.uint8), axis=2, bitorder="little")
    return [(int(side), int(layer), int(neuron)) for side, layer, neuron in np.argwhere(alone)]


def mask_of(bits: Bits, conjuncts: Sequence[Conjunct]) -> Words:
    """Return some neurons as bits, dims (side, layer, word)."""
    mask = np.zeros((bits.n_side, bits.shape[0], n_word(bits.shape[1])), np.uint64)
    for side, layer, neuron in conjuncts:
        mask[side, layer, neuron // WORD] |= np.uint64(1 << (neuron % WORD))
    return mask


def mask_of_all(bits: Bits, layer: int | None = None, upwards: bool = False) -> Words:
    """Return all neurons as bits, dims (side, layer, word), or those of one layer, or only their side upwards."""
    mask = np.full((bits.n_side, bits.shape[0], n_word(bits.shape[1])), ALL)
    if layer is not None:
        mask[:, np.arange(bits.shape[0]) != layer] = 0
    if upwards:
        mask[1:] = 0
    return mask


def _parts(bits: Bits, start: int, stop: int, reduce: np.ufunc) -> list[Words]:
    """Return the bits of a few tokens, (side, layer, word), put together slab by slab."""
    found = []
    while start < stop:
        index, row = divmod(start, SLAB)
        end = min(stop, (index + 1) * SLAB)
        found.append(reduce.reduce(bits.slab(index).by_time[row : row + end - start], axis=0))
        start = end
    return found


def _n_bit(words: Words) -> int:
    return int(np.bitwise_count(words).sum())


@compiled
def _count_agreeing(
    by_time: Words, mask: Words, start: Positions, stop: Positions, left: int, right: int
) -> NDArray[np.int64]:
    """Count the neurons of a mask (word) that are on throughout a run and off in its flanks, bits (time, word)."""
    n_time, n_word = by_time.shape
    number = np.zeros(len(start), np.int64)
    found = np.empty_like(mask)
    for i in range(len(start)):
        found[:] = mask
        some = np.uint64(1)
        t = start[i]
        while some and t < stop[i]:
            some = np.uint64(0)
            for word in range(n_word):
                found[word] &= by_time[t, word]
                some |= found[word]
            t += 1
        if not some:
            continue
        for t in range(max(0, start[i] - left), start[i]):
            for word in range(n_word):
                found[word] &= ~by_time[t, word]
        for t in range(stop[i], min(n_time, stop[i] + right)):
            for word in range(n_word):
                found[word] &= ~by_time[t, word]
        total = np.uint64(0)
        for word in range(n_word):
            total += ones(found[word])
        number[i] = np.int64(total)
    return number


@compiled
def ones(word: np.uint64) -> np.uint64:
    """Return how many bits of a word are 1."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)
