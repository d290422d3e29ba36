"""How many tokens of a type lie in a document, or group of documents, counted from the first token to the last."""

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int32]
"""Dims (pair, 3): type row, group, tokens."""


class PairCounter:
    """Counts pairs of a type and a group along a corpus whose groups never fall.

    What is handed over is never touched again, so that its memory is that of one piece and one group.
    """

    def __init__(self) -> None:
        self._open: Pairs = np.zeros((0, 3), np.int32)

    def add(self, row: NDArray[np.integer], group: NDArray[np.integer]) -> Pairs:
        """Count tokens, and return the pairs of all groups that are over, ascending by group, then by row.

        Parameters
        ----------
        row, group
            Row of the type and group of each token, dims (time); groups go on where those before have ended.
        """
        if not len(row):
            return self._open[:0]
        n_row = int(max(row.max(), self._open[:, 0].max(initial=0))) + 1
        key, n_token = np.unique(group.astype(np.int64) * n_row + row, return_counts=True)
        before = self._open[:, 1].astype(np.int64) * n_row + self._open[:, 0]
        key, place = np.unique(np.concatenate([before, key]), return_inverse=True)
        n_token = np.bincount(place, np.concatenate([self._open[:, 2], n_token]), len(key))
        pairs = np.stack([key % n_row, key // n_row, n_token], axis=1).astype(np.int32)
        over = int(np.searchsorted(pairs[:, 1], pairs[-1, 1]))
        self._open = pairs[over:].copy()
        return pairs[:over]

    def close(self) -> Pairs:
        """Return the pairs of the last group."""
        last, self._open = self._open, self._open[:0]
        return last
