"""Which document is shifted by how much in which draw: decided by lengths and a seed, before any neuron is read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError

N_LAG = 128
"""A document has at most as many lags."""
N_SHIFT_GROUP = 128
"""Up to as many documents are each shifted by themselves."""
_FLOAT = 4


@dataclass(frozen=True)
class ShiftPlan:
    """The lags of all documents in all draws.

    Parameters
    ----------
    document_length
        Tokens of each document, dims (document).
    n_lag
        Lags of each document, dims (document): multiples of ``ceil(document_length / n_lag)`` tokens.
    shift_group
        Documents of a group have the same ``n_lag`` and are shifted by the same multiple, dims (document); -1 for a
        document of one token, which has nothing to shift.
    group_n_lag
        Lags of each group, dims (shift_group).
    lag
        Which of its lags a group has in a draw, dims (shift_group, draw). The first draw is the corpus itself: lag 0.
    """

    document_length: NDArray[np.int64]
    n_lag: NDArray[np.int64]
    shift_group: NDArray[np.int64]
    group_n_lag: NDArray[np.int64]
    lag: NDArray[np.int32]

    @property
    def document_start(self) -> NDArray[np.int64]:
        """First token of each document and the number of all tokens, dims (document + 1)."""
        return np.concatenate([[0], np.cumsum(self.document_length)])

    @property
    def n_draw(self) -> int:
        """Random draws, without the corpus itself."""
        return int(self.lag.shape[1]) - 1

    def memory(self, n_concept: int, n_neuron: int) -> int:
        """Return the bytes that a `circular_shift.ShiftNull` holds at most: its draws and its unfinished groups.

        Documents of a group follow one another among those with as many lags, so that of the groups with as many lags
        one is unfinished at a time.
        """
        shared = np.bincount(self.shift_group[self.shift_group >= 0], minlength=len(self.group_n_lag)) > 1
        unfinished = int((np.unique(self.group_n_lag[shared]) + 2).sum())
        return _FLOAT * n_concept * n_neuron * (2 * (self.n_draw + 1) + unfinished + 3 * N_LAG)


def plan_shifts(document_length: NDArray[np.integer], draws: int, seed: int) -> ShiftPlan:
    """Draw the lags of a within-document circular shift, each of a document's lags equally likely, lag 0 too.

    Up to 128 tokens a document has a lag for each token. A longer one has 64 to 128 equally spaced lags, as many as
    leave the smallest rest; it is filled up by that rest (less than a lag's step). Lags on a grid that closes are a
    subgroup of all circular shifts, so a test over them is as exact as one over all, and costs the same for any length.

    With more than 128 documents those that have as many lags share 128 shift groups (at least one for each number of
    lags) in proportion to their tokens; each group takes documents that follow one another. That is a subgroup again,
    and makes the cost of a draw independent of the number of documents.

    Parameters
    ----------
    document_length
        Tokens of each document, at least 1, dims (document).
    draws, seed
        Number of random draws; a draw depends on the seed, its number and the shift group alone.

    References
    ----------
    Harrison, M. T. (2012). Conservative hypothesis tests and confidence intervals using importance sampling.
    Biometrika 99, 57-69. Southworth, L. K., Kim, S. K., Owen, A. B. (2009). Properties of balanced permutations.
    J. Comput. Biol. 16, 625-638 (why the draws must come from a group).

    Examples
    --------
    >>> plan = plan_shifts(np.array([1, 28, 7600]), draws=999, seed=0)
    >>> plan.n_lag.tolist(), plan.shift_group.tolist(), plan.lag.shape
    ([1, 28, 100], [-1, 0, 1], (2, 1000))
    """
    length = np.asarray(document_length, dtype=np.int64)
    if length.size and length.min() < 1:
        raise UserError(f"Document {int(length.argmin())} has no token; give documents of at least one token.")
    distinct, which = np.unique(length, return_inverse=True)
    n_lag = np.array([_n_lag(int(n)) for n in distinct], dtype=np.int64)[which] if length.size else length
    shift_group, group_n_lag = _shift_groups(length, n_lag)
    lag = np.zeros((len(group_n_lag), draws + 1), dtype=np.int32)
    for group, n in enumerate(group_n_lag):
        lag[group, 1:] = np.random.default_rng([seed, group]).integers(0, n, size=draws)
    return ShiftPlan(length, n_lag, shift_group, group_n_lag, lag)


def _n_lag(length: int) -> int:
    """Return the number of lags of a document: of 64 to 128 that with the smallest rest, the largest of equals."""
    if length <= N_LAG:
        return length
    return min(range(N_LAG, N_LAG // 2 - 1, -1), key=lambda n: -length % n)


def _shift_groups(length: NDArray[np.int64], n_lag: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the shift group of each document, and the number of lags of each group."""
    group, group_n_lag = np.full(len(length), -1, dtype=np.int64), list[int]()
    share = N_SHIFT_GROUP / max(1, int(length[n_lag > 1].sum()))
    for n in np.unique(n_lag[n_lag > 1]):
        members = np.flatnonzero(n_lag == n)
        n_group = len(members)
        if len(length) > N_SHIFT_GROUP:
            n_group = min(n_group, max(1, round(share * int(length[members].sum()))))
        end = np.cumsum(length[members])
        part = ((end - length[members] / 2) * n_group / end[-1]).astype(np.int64)
        if n_group == len(members):
            part = np.arange(n_group)
        part = np.unique(part, return_inverse=True)[1]
        group[members] = len(group_n_lag) + part
        group_n_lag += [int(n)] * (int(part.max()) + 1)
    return group, np.array(group_n_lag, dtype=np.int64)
