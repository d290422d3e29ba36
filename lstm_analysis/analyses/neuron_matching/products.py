"""Products of two blocks of neurons summed over tokens, and the correlations they give."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class ProductSums:
    """Sums of whole numbers, of their squares and of their products.

    The sum over a passage is exact as long as it stays below 2**53, so it does not depend on the order in which a
    library multiplies; passages are added in the order in which they come.

    Parameters
    ----------
    n_mine, n_other
        Neurons of the two blocks.
    """

    def __init__(self, n_mine: int, n_other: int) -> None:
        self.n_row = 0
        self.mine, self.other = np.zeros(n_mine), np.zeros(n_other)
        self.mine_square, self.other_square = np.zeros(n_mine), np.zeros(n_other)
        self.product = np.zeros((n_mine, n_other))

    def add(self, mine: Floats, other: Floats) -> None:
        """Add whole numbers of a passage, dims (row, neuron) each."""
        self.n_row += len(mine)
        self.mine += mine.sum(axis=0)
        self.other += other.sum(axis=0)
        self.mine_square += (mine * mine).sum(axis=0)
        self.other_square += (other * other).sum(axis=0)
        self.product += mine.T @ other

    def sd(self) -> tuple[Floats, Floats]:
        """Return the standard deviations (divisor n) of both blocks, in whole numbers; NaN without rows."""
        return _sd(self.mine, self.mine_square, self.n_row), _sd(self.other, self.other_square, self.n_row)

    def correlation(self, mine_undefined: NDArray[np.bool_], other_undefined: NDArray[np.bool_]) -> Floats:
        """Return Pearson's r of every neuron of one block with every one of the other, dims (mine, other).

        Parameters
        ----------
        mine_undefined, other_undefined
            Neurons whose r is NaN, as is that of neurons whose numbers are all the same.
        """
        mine_sd, other_sd = self.sd()
        n = max(self.n_row, 1)
        covariance = self.product / n - np.outer(self.mine / n, self.other / n)
        scale = np.outer(mine_sd, other_sd)
        found = np.divide(covariance, scale, out=np.full(scale.shape, np.nan), where=scale > 0)
        found[mine_undefined] = np.nan
        found[:, other_undefined] = np.nan
        return np.asarray(np.clip(found, -1, 1), np.float64)


def _sd(total: Floats, square: Floats, n_row: int) -> Floats:
    if not n_row:
        return np.full(len(total), np.nan)
    variance: Floats = square / n_row - (total / n_row) ** 2
    return np.sqrt(np.maximum(variance, 0))
