"""Sorting float32 by radix: three passes over keys of 32 bits."""

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

_BITS = 11
_N_DIGIT = 1 << _BITS
_N_PASS = 3


def ascending_order(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the values in ascending order and the place each came from; equal values keep their order.

    Parameters
    ----------
    values
        No NaN, dims (time), fewer than 2**31. Minus zero counts as zero.

    Examples
    --------
    >>> ordered, order = ascending_order(np.array([0.5, -1.0, 0.0, -1.0], dtype=np.float32))
    >>> ordered.tolist(), order.tolist()
    ([-1.0, -1.0, 0.0, 0.5], [1, 3, 2, 0])
    """
    bits = (values + np.float32(0)).view(np.uint32)
    # Ascending as integers: negative floats reversed and below the positive ones.
    negative = (bits >> np.uint32(31)).astype(bool)
    keys = np.where(negative, ~bits, bits | np.uint32(1 << 31))
    order = _sort(keys)
    return values[order], order


@compiled
def _sort(keys: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Return the stable ascending order of the keys, dims (time)."""
    n = len(keys)
    count = np.zeros((_N_PASS, _N_DIGIT), np.int64)
    for i in range(n):
        for p in range(_N_PASS):
            count[p, (keys[i] >> np.uint32(_BITS * p)) & np.uint32(_N_DIGIT - 1)] += 1
    order, key = np.arange(n).astype(np.int32), keys.copy()
    next_order, next_key = np.empty_like(order), np.empty_like(key)
    for p in range(_N_PASS):
        place = np.cumsum(count[p]) - count[p]
        for i in range(n):
            digit = (key[i] >> np.uint32(_BITS * p)) & np.uint32(_N_DIGIT - 1)
            next_order[place[digit]], next_key[place[digit]] = order[i], key[i]
            place[digit] += 1
        order, next_order = next_order, order
        key, next_key = next_key, key
    return order
