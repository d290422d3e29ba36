"""Exact moments: sums of values in [-1, 1] kept as integers, so that neither order nor cutting can change a bit.

A value counts as ``q = round(value * 2**30)``. ``value_sum`` adds up q. The square ``q * q`` has up to 60 bits; its
upper bits (``q * q >> 32``) go to ``square_sum_high`` and its lower 32 bits to ``square_sum_low``, whose overflow past
32 bits is carried to the high part. Each triple of sums therefore has one representation only, and nothing overflows
before 2**33 = 8.6e9 tokens. A mean is off by at most 2**-31; a variance is that of the rounded values, rounded once.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

SCALE = 2**30
LOW_BITS = 32
LOW_MASK = (1 << LOW_BITS) - 1
GRAM_SCALE = 2**18
"""Of the values whose products are summed (`reductions.gram`)."""


def carry(high: Any, low: Any) -> tuple[Any, Any]:
    """Return the two parts of a sum of squares with the low part brought back to 32 bits.

    >>> carry(1, 2**32 + 5)
    (2, 5)
    >>> carry(1, -1)
    (0, 4294967295)
    """
    return high + (low >> LOW_BITS), low & LOW_MASK


def mean(summary: xr.Dataset, prefix: str = "") -> xr.DataArray:
    """Return the mean value where there is a token, NaN elsewhere.

    Parameters
    ----------
    summary
        Needs ``n_token`` and ``value_sum``, each with the prefix before its name.
    prefix
        ``""`` for the groups of the concepts, ``"position_"`` for the positions in the sentence.

    Returns
    -------
    Dims of ``value_sum``, float64.
    """
    n_token = summary[f"{prefix}n_token"]
    return (summary[f"{prefix}value_sum"] / SCALE) / n_token.where(n_token > 0)


def square_deviation(summary: xr.Dataset, prefix: str = "") -> xr.DataArray:
    """Return the sum over tokens of (value - mean)**2, rounded once from the exact fraction; 0 without tokens.

    Parameters
    ----------
    summary
        Needs ``n_token, value_sum, square_sum_high, square_sum_low``, each with the prefix before its name.
    prefix
        As in `mean`.

    Returns
    -------
    Dims of ``value_sum``, float64.
    """
    names = ("value_sum", "square_sum_high", "square_sum_low", "n_token")
    result: xr.DataArray = xr.apply_ufunc(
        _square_deviation,
        *(summary[prefix + name] for name in names),
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return result


def variance(summary: xr.Dataset, prefix: str = "") -> xr.DataArray:
    """Return the sample variance (divisor n - 1) where there are two tokens or more, NaN elsewhere.

    Parameters and dims are those of `square_deviation`.
    """
    n_token = summary[f"{prefix}n_token"]
    return square_deviation(summary, prefix) / (n_token - 1).where(n_token > 1)


def covariance(summary: xr.Dataset) -> NDArray[np.float64]:
    """Return the covariance of every two neurons (divisor n - 1) from their Gram, rounded once from the exact fraction.

    It is that of the values rounded to 2**-18.

    Parameters
    ----------
    summary
        Needs ``gram_n_token, gram_value_sum, gram_high, gram_low``.

    Returns
    -------
    Dims (state_neuron, state_neuron), layers one after the other; an absent or constant neuron has 0. NaN with fewer
    than two tokens.
    """
    n = int(summary["gram_n_token"].item())
    sums = summary["gram_value_sum"].values.ravel().astype(object)
    high, low = (summary[name].values.reshape(len(sums), -1) for name in ("gram_high", "gram_low"))
    found = np.full((len(sums), len(sums)), np.nan)
    if n < 2:
        return found
    scale = n * (n - 1) * GRAM_SCALE**2
    for i in range(len(sums)):
        products = high[i, i:].astype(object) * (1 << LOW_BITS) + low[i, i:].astype(object)
        found[i, i:] = found[i:, i] = (n * products - sums[i] * sums[i:]) / scale
    return found


def _square_deviation(
    value_sum: NDArray[np.int64], high: NDArray[np.int64], low: NDArray[np.int64], n_token: NDArray[np.int64]
) -> NDArray[np.float64]:
    # Python's integers: n * sum(q**2) - sum(q)**2 takes up to 130 bits, and a difference of floats would lose the
    # variance of a saturated neuron.
    value_sum, high, low = value_sum.astype(object), high.astype(object), low.astype(object)
    count = np.maximum(n_token, 1).astype(object)
    excess = count * (high * (1 << LOW_BITS) + low) - value_sum * value_sum
    return np.asarray(excess / (count * SCALE**2), dtype=np.float64)
