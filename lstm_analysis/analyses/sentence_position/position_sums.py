"""Streaming sums by jackknife block and position in the sentence, of h and of arctanh(h)."""

import math

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from ...errors import UserError
from ...schema import LAST_POSITION

Floats = NDArray[np.float64]
CLIP = 1 - 2.0**-24
"""Largest |h| whose arctanh (9.01) is taken: the largest float32 below 1. Beyond, h counts as this."""
H, H_SQUARE, ARCTANH, ARCTANH_SQUARE = range(4)


class PositionSums:
    """Counts and sums of a block of neurons; tokens are added span by span, in the order of the corpus.

    Every sum is taken in float64 token by token, so the bytes are the same however the corpus is cut into spans and
    the neurons into blocks.

    Parameters
    ----------
    n_block
        Jackknife blocks.
    n_neuron
        Neurons.

    Attributes
    ----------
    n_token
        Tokens, dims (block, sentence_position), int64.
    sums
        Sums of h, h**2, arctanh(h), arctanh(h)**2, dims (statistic, block, sentence_position, neuron).
    n_clipped
        Tokens with |h| above `CLIP`, dims (neuron).

    Examples
    --------
    >>> sums = PositionSums(n_block=1, n_neuron=1)
    >>> sums.add(np.zeros(3, int), np.array([[0.5], [0.25], [0.75]], np.float32), np.array([0, 1, 1]))
    >>> sums.n_token[0, :3].tolist(), sums.sums[H, 0, :3, 0].tolist()
    ([1, 2, 0], [0.5, 1.0, 0.0])
    """

    def __init__(self, n_block: int, n_neuron: int) -> None:
        self.n_token = np.zeros((n_block, LAST_POSITION + 1), dtype=np.int64)
        self.sums = np.zeros((4, n_block, LAST_POSITION + 1, n_neuron))
        self.n_clipped = np.zeros(n_neuron, dtype=np.int64)

    def add(
        self, block: NDArray[np.integer], values: NDArray[np.float32], sentence_position: NDArray[np.integer]
    ) -> None:
        """Add a span of tokens.

        Parameters
        ----------
        block
            Jackknife block of each token, dims (time).
        values
            Hidden states, dims (time, neuron), within [-1, 1]; a neuron that is NaN at every token is absent.
        sentence_position
            Place of each token in its sentence, dims (time); 60 and later are one row.

        Raises
        ------
        UserError
            If the arrays are not of the same tokens, or not of the neurons that the sums are for.
        """
        if not len(block) == len(values) == len(sentence_position):
            raise UserError(
                f"A span has {len(values)} states, {len(block)} blocks and {len(sentence_position)} positions; give "
                "the same tokens of all."
            )
        if values.shape[1:] != self.n_clipped.shape:
            raise UserError(f"The sums are for {len(self.n_clipped)} neurons, the states have {values.shape[1]}.")
        row = np.minimum(sentence_position, LAST_POSITION).astype(np.int64)
        states = np.ascontiguousarray(values, dtype=np.float32)
        _add(np.asarray(block, dtype=np.int64), states, row, self.n_token, self.sums, self.n_clipped)


@compiled
def _add(
    block: NDArray[np.int64],
    values: NDArray[np.float32],
    row: NDArray[np.int64],
    n_token: NDArray[np.int64],
    sums: Floats,
    n_clipped: NDArray[np.int64],
) -> None:
    for t in range(len(values)):
        b, p = block[t], row[t]
        n_token[b, p] += 1
        for n in range(values.shape[1]):
            h = np.float64(values[t, n])  # the compiler keeps float(...) of a float32 in float32
            if abs(h) > CLIP:
                n_clipped[n] += 1
            inside = min(max(h, -CLIP), CLIP)
            level = 0.5 * math.log((1 + inside) / (1 - inside))
            sums[H, b, p, n] += h
            sums[H_SQUARE, b, p, n] += h * h
            sums[ARCTANH, b, p, n] += level
            sums[ARCTANH_SQUARE, b, p, n] += level * level
