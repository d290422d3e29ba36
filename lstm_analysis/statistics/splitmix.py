"""Random numbers that belong to whole numbers: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""

import numpy as np
from numpy.typing import NDArray

GOLDEN = 0x9E3779B97F4A7C15
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix_bits(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return well-mixed 64 bits for each number; different numbers give different ones.

    >>> mix_bits(np.array([0, 1], np.uint64)).tolist()
    [0, 6238072747940578789]
    """
    for shift, factor in zip((30, 27), FACTORS, strict=True):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))
