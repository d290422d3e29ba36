"""Kernels that add tokens to exact moments and to histograms. NaN, the value of an absent neuron, adds 0."""

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..fixed_point import LOW_BITS, LOW_MASK, SCALE

_SCALE, _ZERO = np.float32(SCALE), np.float32(0)


@compiled
def add_moments(
    values: NDArray[np.float32],
    rows: NDArray[np.int64],
    value_sum: NDArray[np.int64],
    square_sum_high: NDArray[np.int64],
    square_sum_low: NDArray[np.int64],
) -> None:
    """Add the chosen rows of ``values`` (time, neuron) to the sums (neuron)."""
    for t in rows:
        for j in range(values.shape[1]):
            value = values[t, j] if values[t, j] == values[t, j] else _ZERO
            # Exact in float32: scaling by a power of two, and every float32 above 2**23 is whole.
            q = np.int64(np.int32(np.rint(value * _SCALE)))
            square = q * q
            value_sum[j] += q
            square_sum_high[j] += square >> LOW_BITS
            square_sum_low[j] += square & LOW_MASK


@compiled
def add_histogram(
    bins: NDArray[np.unsignedinteger], rows: NDArray[np.int64], histogram: NDArray[np.signedinteger]
) -> None:
    """Count the chosen rows of ``bins`` (time, neuron) in ``histogram`` (neuron, bin)."""
    for t in rows:
        for j in range(bins.shape[1]):
            histogram[j, bins[t, j]] += 1


@compiled
def add_moments_by(
    values: NDArray[np.float32],
    index: NDArray[np.int64],
    n_token: NDArray[np.int64],
    value_sum: NDArray[np.int64],
    square_sum_high: NDArray[np.int64],
    square_sum_low: NDArray[np.int64],
) -> None:
    """Add each row of ``values`` (time, neuron) to the sums (index, neuron) at its ``index`` (time)."""
    for t in range(values.shape[0]):
        i = index[t]
        n_token[i] += 1
        for j in range(values.shape[1]):
            value = values[t, j] if values[t, j] == values[t, j] else _ZERO
            q = np.int64(np.int32(np.rint(value * _SCALE)))
            square = q * q
            value_sum[i, j] += q
            square_sum_high[i, j] += square >> LOW_BITS
            square_sum_low[i, j] += square & LOW_MASK
