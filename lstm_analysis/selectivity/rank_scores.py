"""Exact scores from raw values: each neuron is sorted once, then every concept reads its tokens' ranks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError
from ..schema import RESOLUTION
from .radix_sort import ascending_order

NEURONS_AT_ONCE = 8
CONCEPTS_AT_ONCE = 32
_WALK_SHARE = 4
_BASELINE, _LEFT_OUT = 0, -1


class RankScores(NamedTuple):
    """Exact scores of a block of neurons, dims (concept, neuron); NaN where undefined, see `rank_scores`."""

    auroc: NDArray[np.float64]
    average_precision: NDArray[np.float64]


class _Tokens(NamedTuple):
    """Rows of the target and of the sparser one of the two other groups; the labels themselves if these are many."""

    n_baseline: int
    target: NDArray[np.int64]
    other: NDArray[np.int64]
    other_is_baseline: bool
    column: NDArray[np.int8] | None


def rank_scores(values: NDArray[np.float32], label: NDArray[np.int8]) -> RankScores:
    """Return the exact AUROC (ties half) and average precision of each neuron for each concept.

    The time for a concept grows with the tokens of its target and of the sparser of baseline and left-out, never with
    the corpus; only for a concept with many of them the sorted values are walked once. Memory beside the inputs is
    that of some columns of ``time``.

    Parameters
    ----------
    values
        A block of neurons, dims (time, neuron). A neuron that is NaN at every token is absent.
    label
        1 target, 0 baseline, -1 left out, dims (time, concept).

    Returns
    -------
    ``auroc`` and ``average_precision``, each (concept, neuron), equal to scikit-learn's ``roc_auc_score`` and
    ``average_precision_score`` over the tokens that are not left out; NaN for an empty group, a neuron whose values
    span less than `schema.RESOLUTION`, and an absent neuron.

    Raises
    ------
    UserError
        If the arrays differ in length, a neuron is NaN at some tokens only, or a label is not 1, 0 or -1.

    Examples
    --------
    >>> values = np.array([[0.1], [0.4], [0.35], [0.8]], dtype=np.float32)
    >>> rank_scores(values, np.array([[0], [0], [1], [1]], dtype=np.int8)).auroc.tolist()
    [[0.75]]
    """
    if len(values) != len(label):
        raise UserError(f"The values have {len(values)} tokens, the labels {len(label)}; give the same tokens of both.")
    concepts = [tokens for first in range(0, label.shape[1], CONCEPTS_AT_ONCE) for tokens in _tokens(label, first)]
    scores = np.full((2, len(concepts), values.shape[1]), np.nan)
    for first in range(0, values.shape[1], NEURONS_AT_ONCE):
        part = np.ascontiguousarray(values[:, first : first + NEURONS_AT_ONCE].T, dtype=np.float32)
        missing = np.isnan(part)
        if (missing.any(axis=1) & ~missing.all(axis=1)).any():
            raise UserError("The values hold NaN, which has no rank; look for a model that diverged.")
        for j, column in enumerate(part, start=first):
            if len(column) and np.float64(column.max()) - np.float64(column.min()) >= RESOLUTION:
                scores[:, :, j] = _score_neuron(column, concepts)
    return RankScores(scores[0], scores[1])


def _tokens(label: NDArray[np.int8], first: int) -> list[_Tokens]:
    """Return the rows of some concepts, from ``first`` on."""
    found = []
    for column in np.ascontiguousarray(label[:, first : first + CONCEPTS_AT_ONCE].T):
        target, baseline, left_out = (np.flatnonzero(column == value) for value in (1, _BASELINE, _LEFT_OUT))
        if len(target) + len(baseline) + len(left_out) != len(column):
            raise UserError("Labels are 1 (target), 0 (baseline) or -1 (left out); found another value.")
        is_baseline = len(baseline) < len(left_out)
        other = baseline if is_baseline else left_out
        is_dense = (len(target) + len(other)) * _WALK_SHARE > len(column)
        found.append(_Tokens(len(baseline), target, other, is_baseline, column.copy() if is_dense else None))
    return found


def _score_neuron(values: NDArray[np.float32], concepts: list[_Tokens]) -> NDArray[np.float64]:
    """Return AUROC and average precision, dims (score, concept)."""
    ordered, order = ascending_order(values)
    first, stop = _tie_borders(ordered)
    rank = np.empty(len(values), dtype=np.int32)
    rank[order] = first
    scores = np.full((2, len(concepts)), np.nan)
    for k, tokens in enumerate(concepts):
        if len(tokens.target) == 0 or tokens.n_baseline == 0:
            continue
        if tokens.column is not None:
            scores[:, k] = _walk(tokens.column[order], first, len(tokens.target), tokens.n_baseline)
        else:
            target, other = np.sort(rank[tokens.target]), np.sort(rank[tokens.other])
            scores[:, k] = _merge(target, other, tokens.other_is_baseline, stop, tokens.n_baseline)
    return scores


@compiled
def _tie_borders(ordered: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where the run of equal values of each sorted value begins and ends, dims (time) in sorted order."""
    n = len(ordered)
    first, stop = np.empty(n, np.int32), np.empty(n, np.int32)
    for i in range(n):
        first[i] = first[i - 1] if i > 0 and ordered[i] == ordered[i - 1] else i
    for i in range(n - 1, -1, -1):
        stop[i] = stop[i + 1] if i + 1 < n and ordered[i] == ordered[i + 1] else i + 1
    return first, stop


@compiled
def _walk(label: NDArray[np.int8], first: NDArray[np.int32], n_target: int, n_baseline: int) -> tuple[float, float]:
    """Score a concept whose labels are given in the order of the sorted values."""
    n_below, n_reached, twice_wins, precision = 0, 0, 0, 0.0
    tied_target, tied_baseline = 0, 0
    n = len(label)
    for i in range(n):
        tied_target += label[i] == 1
        tied_baseline += label[i] == 0
        if i + 1 == n or first[i + 1] == i + 1:
            if tied_target > 0:
                twice_wins += tied_target * (2 * n_below + tied_baseline)
                still = n_target - n_reached
                precision += tied_target * (still / (still + n_baseline - n_below))
            n_below += tied_baseline
            n_reached += tied_target
            tied_target, tied_baseline = 0, 0
    return twice_wins / (2.0 * n_target * n_baseline), precision / n_target


@compiled
def _merge(
    target: NDArray[np.int32],
    other: NDArray[np.int32],
    other_is_baseline: bool,
    stop: NDArray[np.int32],
    n_baseline: int,
) -> tuple[float, float]:
    """Score a concept from the sorted ranks of its target and of its baseline or its left-out tokens.

    A rank is the number of values below, of all tokens. Where ``other`` is left out, the baseline is what remains.
    """
    n_target = len(target)
    twice_wins, precision = 0, 0.0
    i, j = 0, 0
    while i < n_target:
        rank = target[i]
        tied_target = 1
        while i + tied_target < n_target and target[i + tied_target] == rank:
            tied_target += 1
        while j < len(other) and other[j] < rank:
            j += 1
        tied_other = 0
        while j + tied_other < len(other) and other[j + tied_other] == rank:
            tied_other += 1
        below, tied = j, tied_other
        if not other_is_baseline:
            below, tied = rank - i - j, stop[rank] - rank - tied_target - tied_other
        twice_wins += tied_target * (2 * below + tied)
        still = n_target - i
        precision += tied_target * (still / (still + n_baseline - below))
        i += tied_target
    return twice_wins / (2.0 * n_target * n_baseline), precision / n_target
