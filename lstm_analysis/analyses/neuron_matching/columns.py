"""What has to be known of a block of neurons before they are multiplied: effects of types and positions, and scales.

A residual is that of the least squares for value = type effect + position effect, over the tokens whose type has a
row. Values and residuals are multiplied as integers, so that no sum depends on the order in which a library adds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ...schema import LAST_POSITION, RESOLUTION
from ...statistics.two_way import two_way_effects

BITS = 20
"""An integer is at most 2**20: a product of 2**13 of them is exact in float64."""
MOST_TOKENS = 1 << 13
"""Tokens that are multiplied at once."""
N_POSITION = LAST_POSITION + 1
MIN_RESIDUAL_SD = RESOLUTION / 10
"""A neuron whose residuals vary less is said by types and positions alone: correlations would be of round-off."""


class BlockSums:
    """Sums of a block of neurons by type and by position, added up passage by passage.

    Parameters
    ----------
    n_type, n_neuron
        Rows of types, and neurons.
    """

    def __init__(self, n_type: int, n_neuron: int) -> None:
        self.n_token = 0
        self.total = np.zeros(n_neuron)
        self.low, self.high = np.full(n_neuron, np.inf), np.full(n_neuron, -np.inf)
        self.by_type = np.zeros((n_type, n_neuron))
        self.by_position = np.zeros((N_POSITION, n_neuron))
        self.n_pair = np.zeros((n_type, N_POSITION), np.int64)

    def add(self, values: NDArray[np.float32], type_row: NDArray[np.int32], position: NDArray[np.int16]) -> None:
        """Add a passage.

        Parameters
        ----------
        values
            Dims (time, neuron).
        type_row, position
            Row of each token's type, -1 for none, and its place in the sentence up to `LAST_POSITION`; dims (time).
        """
        wide = values.astype(np.float64)
        self.n_token += len(wide)
        self.total += wide.sum(axis=0)
        self.low = np.minimum(self.low, wide.min(axis=0, initial=np.inf))
        self.high = np.maximum(self.high, wide.max(axis=0, initial=-np.inf))
        known = type_row >= 0
        wide, row, place = wide[known], type_row[known], position[known]
        _add_by(self.by_type, row, wide)
        _add_by(self.by_position, place, wide)
        codes, n_token = np.unique(row.astype(np.int64) * N_POSITION + place, return_counts=True)
        self.n_pair.reshape(-1)[codes] += n_token


def _add_by(sums: NDArray[np.float64], row: NDArray[np.integer], values: NDArray[np.float64]) -> None:
    """Add values to the rows that they belong to."""
    rows, inverse = np.unique(row, return_inverse=True)
    ones = np.ones(len(row))
    chosen = sparse.csr_array((ones, (inverse, np.arange(len(row)))), shape=(len(rows), len(row)))
    sums[rows] += chosen @ values


@dataclass(frozen=True)
class Quantiser:
    """Makes integers of values and of residuals; value of an integer = ``step`` x integer.

    Parameters
    ----------
    centre, step
        Of the values, dims (neuron); the step is a power of two.
    residual_step
        Of the residuals, dims (neuron).
    type_effect, position_effect
        Dims (type, neuron) and (position, neuron).
    constant
        Whether the neuron's values span less than `RESOLUTION`, dims (neuron).
    """

    centre: NDArray[np.float64]
    step: NDArray[np.float64]
    residual_step: NDArray[np.float64]
    type_effect: NDArray[np.float64]
    position_effect: NDArray[np.float64]
    constant: NDArray[np.bool_]

    def values(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return whole numbers for values, dims (time, neuron)."""
        whole: NDArray[np.float64] = np.rint((values - self.centre) / self.step)
        return whole

    def residuals(
        self, values: NDArray[np.float32], type_row: NDArray[np.int32], position: NDArray[np.int16]
    ) -> NDArray[np.float64]:
        """Return whole numbers for residuals, of the tokens whose type has a row only; dims (row, neuron)."""
        known = type_row >= 0
        expected = self.type_effect[type_row[known]] + self.position_effect[position[known]]
        whole: NDArray[np.float64] = np.rint((values[known] - expected) / self.residual_step)
        return whole


def quantisers(sums: BlockSums) -> Quantiser:
    """Return what makes integers of the values and residuals of a block whose sums are complete."""
    centre = sums.total / max(sums.n_token, 1)
    row, place = np.nonzero(sums.n_pair)
    effects = two_way_effects(sums.by_type, sums.by_position, row, place, sums.n_pair[row, place])
    of_type, of_position = (np.nan_to_num(part) for part in (effects.type_effect, effects.group_effect))
    span = np.maximum(sums.high - centre, centre - sums.low)
    reach = np.abs(of_type - centre).max(axis=0, initial=0) + np.abs(of_position).max(axis=0, initial=0)
    constant = ~(sums.high - sums.low >= RESOLUTION)
    return Quantiser(centre, _step(span), _step(span + reach), of_type, of_position, constant)


def _step(largest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest power of two by which the largest value is at most 2**BITS."""
    _, exponent = np.frexp(np.where(largest > 0, largest, 1.0))
    return np.asarray(np.ldexp(1.0, exponent - BITS), np.float64)
