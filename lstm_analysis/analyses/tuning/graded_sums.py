"""Streaming sums by jackknife block and value of graded variables, and their products with neurons inside documents."""

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from ...errors import UserError
from ...schema import N_VALUE_ROW

Floats = NDArray[np.float64]


class GradedSums:
    """Counts and sums of a block of neurons; whole documents are added, in the order of the corpus.

    Every sum is taken in float64 token by token, so the bytes are the same however the corpus is cut into passages and
    the neurons into blocks.

    Parameters
    ----------
    grade
        Grade of each row of each variable, dims (variable, row), NaN for none.
    n_block
        Jackknife blocks.
    n_neuron
        Neurons.

    Attributes
    ----------
    n_token
        Tokens, dims (variable, block, row), int64.
    value_sum
        Sum of h, dims (variable, block, row, neuron).
    square_sum
        Sum of h**2 at tokens with a value, dims (variable, block, neuron).
    cross, value_square, grade_square
        Sums over documents of the products of h and grade, both less their document's mean over the tokens with a
        value, dims (variable, block, neuron), and of their squares, the last one dims (variable, block).
    """

    def __init__(self, grade: NDArray[np.floating], n_block: int, n_neuron: int) -> None:
        self._grade = np.asarray(grade, np.float64)
        n = len(self._grade)
        self.n_token = np.zeros((n, n_block, N_VALUE_ROW), np.int64)
        self.value_sum = np.zeros((n, n_block, N_VALUE_ROW, n_neuron))
        self.square_sum, self.cross, self.value_square = (np.zeros((n, n_block, n_neuron)) for _ in range(3))
        self.grade_square = np.zeros((n, n_block))

    def add(
        self,
        block: NDArray[np.integer],
        start: NDArray[np.integer],
        values: NDArray[np.float32],
        row: NDArray[np.int64],
    ) -> None:
        """Add whole documents.

        Parameters
        ----------
        block
            Jackknife block of each document, dims (document).
        start
            First token of each document and the end, dims (document + 1), counted from the first of them.
        values
            Dims (time, neuron); a neuron that is NaN at every token is absent.
        row
            Row of each token's value, dims (variable, time), 0 for none.

        Raises
        ------
        UserError
            If the arrays are not of the same tokens, or not of the neurons that the sums are for.
        """
        if not start[-1] == len(values) == row.shape[1]:
            raise UserError(
                f"The documents have {start[-1]} tokens, there are {len(values)} states and {row.shape[1]} values of "
                "graded variables; give the same tokens of all."
            )
        if values.shape[1] != self.cross.shape[2]:
            raise UserError(f"The sums are for {self.cross.shape[2]} neurons, the states have {values.shape[1]}.")
        states = np.ascontiguousarray(values, np.float32)
        for i in range(len(row)):
            _add_by_row(
                np.asarray(block, np.int64), np.asarray(start, np.int64), states, row[i], self.n_token[i],
                self.value_sum[i], self.square_sum[i],
            )  # fmt: skip
            _add_products(
                np.asarray(block, np.int64), np.asarray(start, np.int64), states, row[i], self._grade[i],
                self.cross[i], self.value_square[i], self.grade_square[i],
            )  # fmt: skip


@compiled
def _add_by_row(
    block: NDArray[np.int64],
    start: NDArray[np.int64],
    values: NDArray[np.float32],
    row: NDArray[np.int64],
    n_token: NDArray[np.int64],
    value_sum: Floats,
    square_sum: Floats,
) -> None:
    for d in range(len(block)):
        b = block[d]
        for t in range(start[d], start[d + 1]):
            r = row[t]
            n_token[b, r] += 1
            if r > 0:
                for j in range(values.shape[1]):
                    h = np.float64(values[t, j])
                    value_sum[b, r, j] += h
                    square_sum[b, j] += h * h


@compiled
def _add_products(
    block: NDArray[np.int64],
    start: NDArray[np.int64],
    values: NDArray[np.float32],
    row: NDArray[np.int64],
    grade: Floats,
    cross: Floats,
    value_square: Floats,
    grade_square: Floats,
) -> None:
    n_neuron = values.shape[1]
    mean = np.empty(n_neuron, np.float64)
    for d in range(len(block)):
        n, total = 0, 0.0
        mean[:] = 0.0
        for t in range(start[d], start[d + 1]):
            if row[t] > 0:
                n += 1
                total += grade[row[t]]
                for j in range(n_neuron):
                    mean[j] += np.float64(values[t, j])
        if n > 0:
            total /= n
            mean /= n
            b = block[d]
            for t in range(start[d], start[d + 1]):
                if row[t] > 0:
                    g = grade[row[t]] - total
                    grade_square[b] += g * g
                    for j in range(n_neuron):
                        h = np.float64(values[t, j]) - mean[j]
                        cross[b, j] += g * h
                        value_square[b, j] += h * h
