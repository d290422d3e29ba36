"""The Gram of the states: products of every two neurons summed over tokens, the same bits for any cutting.

A value counts as q = round(value * 2**18), which moves it by 1.9e-6 at most. The product of two such integers is at
most 2**36, so a product of matrices over 2**16 tokens or fewer adds up to 2**52 at most and is exact in float64, in
whatever order the library adds. Sums are kept in two parts, the lower 32 bits and the rest, like those of squares in
`fixed_point`: nothing overflows before 2**59 tokens, and each sum has one representation only.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..fixed_point import GRAM_SCALE, LOW_BITS, LOW_MASK, carry
from .states import by_neuron

MOST_TOKENS = 1 << 12
"""Tokens multiplied at once; up to 2**16 would be exact, but these stay small beside the sums."""
GRAM: dict[str, tuple[str, ...]] = {
    "gram_n_token": (),
    "gram_value_sum": ("layer", "neuron"),
    "gram_high": ("layer", "neuron", "layer_other", "neuron_other"),
    "gram_low": ("layer", "neuron", "layer_other", "neuron_other"),
}
"""The sums and their dims."""


def add_products(values: NDArray[np.float32]) -> xr.Dataset:
    """Return the Gram of a block of tokens, to be merged and read by `fixed_point.covariance`.

    Parameters
    ----------
    values
        `bounded` values, dims (time, layer, neuron). NaN, the value of an absent neuron, adds 0.

    Returns
    -------
    The variables of `GRAM`, int64. Memory: 40 bytes x neurons^2, all layers counted, and 12 bytes x neurons x
    `MOST_TOKENS`.
    """
    flat, shape = by_neuron(values), values.shape[1:]
    n_neuron = flat.shape[1]
    value_sum = np.zeros(n_neuron, np.int64)
    high, low = (np.zeros((n_neuron, n_neuron), np.int64) for _ in range(2))
    for start in range(0, len(flat), MOST_TOKENS):
        whole = quantise(flat[start : start + MOST_TOKENS])
        value_sum += whole.sum(axis=0).astype(np.int64)
        products = (whole.T @ whole).astype(np.int64)
        low += products & LOW_MASK
        products >>= LOW_BITS
        high += products
    high, low = carry(high, low)
    parts = {
        "gram_n_token": np.int64(len(flat)),
        "gram_value_sum": value_sum.reshape(shape),
        "gram_high": high.reshape(*shape, *shape),
        "gram_low": low.reshape(*shape, *shape),
    }
    return xr.Dataset({name: (dims, parts[name]) for name, dims in GRAM.items()})


def quantise(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return round(value * 2**18) as float64, of a neuron that is NaN at every token 0; dims (time, neuron)."""
    # Exact in float32: scaling by a power of two, and whole numbers up to 2**24.
    whole: NDArray[np.float64] = np.rint(values * np.float32(GRAM_SCALE)).astype(np.float64)
    whole[:, np.isnan(values[:1]).any(axis=0)] = 0
    return whole
