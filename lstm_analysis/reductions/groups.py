"""Which tokens of a block to add up for which concept, so that only sparse groups are ever visited."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError

BASELINE, TARGET, LEFT_OUT = 0, 1, 2


@dataclass(frozen=True)
class Groups:
    """Tokens of a block by concept and group; the most frequent group of each concept is not listed.

    Parameters
    ----------
    n_token
        Tokens of each group, dims (concept, group) with the groups baseline, target, left out.
    densest
        The group of each concept that has most tokens, dims (concept).
    """

    n_token: NDArray[np.int64]
    densest: NDArray[np.int64]
    _rows: NDArray[np.int64]
    _stop: NDArray[np.int64]

    def sparse(self, concept: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the two sparser groups of a concept, each with its rows in ascending order."""
        for group in (BASELINE, TARGET, LEFT_OUT):
            if group != self.densest[concept]:
                stop = self._stop[concept, group]
                yield group, self._rows[stop - self.n_token[concept, group] : stop]


def find_groups(label: NDArray[np.int8]) -> Groups:
    """Return the groups of a block of labels.

    Parameters
    ----------
    label
        Dims (time, concept): 1 target, 0 baseline, -1 left out.

    Raises
    ------
    UserError
        If a label is anything else, or no integer.
    """
    if label.ndim != 2 or label.dtype.kind not in "iub":
        raise UserError(
            f"Labels need dims ('time', 'concept') and the type int8, got an array of shape {label.shape} and type "
            f"{label.dtype}; use label.astype('int8')."
        )
    if label.size and (label.min() < -1 or label.max() > 1):
        raise UserError(
            f"Labels are 1 (target), 0 (baseline) or -1 (left out); found values from {label.min()} to {label.max()}."
        )
    n_token = _count(label)
    densest = n_token.argmax(axis=1)
    listed = n_token.copy()
    np.put_along_axis(listed, densest[:, None], 0, axis=1)
    start = np.concatenate([[0], listed.ravel().cumsum()])
    rows = np.empty(start[-1], dtype=np.int64)
    stop = start[:-1].reshape(listed.shape).copy()
    _list_rows(label, densest, stop, rows)
    return Groups(n_token, densest, rows, stop)


@compiled
def _count(label: NDArray[np.int8]) -> NDArray[np.int64]:
    """Count the tokens of each group, dims (concept, group); a label of -1 is the group 2."""
    n_token = np.zeros((label.shape[1], 3), np.int64)
    for t in range(label.shape[0]):
        for k in range(label.shape[1]):
            n_token[k, label[t, k] if label[t, k] >= 0 else LEFT_OUT] += 1
    return n_token


@compiled
def _list_rows(
    label: NDArray[np.int8], densest: NDArray[np.int64], stop: NDArray[np.int64], rows: NDArray[np.int64]
) -> None:
    """Write each token into the list of its group; ``stop`` (concept, group) moves from the starts to the ends."""
    for t in range(label.shape[0]):
        for k in range(label.shape[1]):
            group = label[t, k] if label[t, k] >= 0 else LEFT_OUT
            if group != densest[k]:
                rows[stop[k, group]] = t
                stop[k, group] += 1
