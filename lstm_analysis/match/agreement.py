"""How many neurons are on over the whole of a run and off beside it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .bits import Bits, Words
from .counting import Positions

Conjunct = tuple[int, int]
"""A side (0 up, 1 down) and a column of bits."""


def all_conjuncts(bits: Bits, layer: int | None = None) -> list[Conjunct]:
    """Return every side of every neuron, or of those of one layer."""
    n_layer, n_neuron = bits.shape
    first, stop = (0, n_layer * n_neuron) if layer is None else (layer * n_neuron, (layer + 1) * n_neuron)
    return [(side, column) for side in range(bits.n_side) for column in range(first, stop)]


def count_agreeing(
    bits: Bits, conjuncts: Iterable[Conjunct], start: Positions, stop: Positions, left: int, right: int
) -> NDArray[np.int64]:
    """Return how many of some neurons a run selects: on at all its tokens, off at those of its flanks.

    Parameters
    ----------
    bits, conjuncts
        The neurons.
    start, stop
        Runs, half-open, dims (run); quickest if they ascend.
    left, right
        Tokens of the flanks; those outside the corpus do not count.

    Returns
    -------
    Dims (run).
    """
    number = np.zeros(len(start), np.int64)
    for side, column in conjuncts:
        _add_agreeing(bits.words(side, column), start, stop, left, right, bits.n_time, number)
    return number


def agreeing(bits: Bits, conjuncts: Iterable[Conjunct], start: int, stop: int, left: int, right: int) -> list[Conjunct]:
    """Return which of some neurons one run selects; parameters as of `count_agreeing`."""
    run = np.array([start]), np.array([stop])
    return [one for one in conjuncts if count_agreeing(bits, [one], *run, left, right)[0]]


@compiled
def _add_agreeing(
    words: Words, start: Positions, stop: Positions, left: int, right: int, n_time: int, number: NDArray[np.int64]
) -> None:
    """Add 1 for each run (run) at which the neuron is on throughout and off in the flanks."""
    one = np.uint64(1)
    for i in range(len(start)):
        agrees = True
        for t in range(start[i], stop[i]):
            if not (words[t // 64] >> np.uint64(t % 64)) & one:
                agrees = False
                break
        if agrees:
            for t in range(max(0, start[i] - left), start[i]):
                if (words[t // 64] >> np.uint64(t % 64)) & one:
                    agrees = False
            for t in range(stop[i], min(n_time, stop[i] + right)):
                if (words[t // 64] >> np.uint64(t % 64)) & one:
                    agrees = False
        if agrees:
            number[i] += 1
