"""Two-way effects: what a word type adds to a neuron's value once what its documents add is taken out.

Least squares for value = type effect + document-group effect, over all tokens, from one-pass sums alone:

    n(type) a(type) + sum over groups of n(type, group) b(group) = S(type)
    n(group) b(group) + sum over types of n(type, group) a(type) = S(group)

The types are eliminated exactly (a Schur complement), which leaves one dense system of the size of the groups for all
neurons at once. It takes 8 bytes x groups^2 (134 MB for 4,096 groups), two arrays of the size of the sums, and 32 MB.

A type and a group that share no chain of tokens cannot be compared. Within each connected part the group effects are
set to a token-weighted mean of 0, so that with one group, or one group a part, type effects are plain means.

References
----------
Searle, S. R. (1971). Linear Models. Wiley, chapter 7 (the two-way cross-classification without interaction).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from ..errors import UserError

TOLERANCE = 1e-9
"""Largest misfit of a group's mean that is accepted, as a share of the neuron's largest type mean."""
_BLOCK = 2**22
_DENSE_FROM = 1 / 16


@dataclass(frozen=True)
class TwoWay:
    """Effects of types and of document groups.

    Parameters
    ----------
    type_effect
        Dims (type, neuron), in the unit of the values; NaN for a type without tokens.
    group_effect
        Dims (group, neuron); NaN for a group without tokens.
    n_component
        Parts that share no chain of types and groups; effects of types in different parts are plain means to each
        other, with no document taken out between them.
    """

    type_effect: NDArray[np.float64]
    group_effect: NDArray[np.float64]
    n_component: int


def two_way_effects(
    type_sum: NDArray[np.float64],
    group_sum: NDArray[np.float64],
    pair_type: NDArray[np.integer],
    pair_group: NDArray[np.integer],
    pair_n_token: NDArray[np.integer],
) -> TwoWay:
    """Return the least-squares effects of types and document groups.

    Parameters
    ----------
    type_sum
        Sum of the values of each type, dims (type, neuron).
    group_sum
        Sum of the values of each group over the same tokens, dims (group, neuron).
    pair_type, pair_group, pair_n_token
        How many tokens of a type lie in a group, dims (pair); each pair at most once.

    Raises
    ------
    UserError
        If the effects do not reproduce each group's mean within `TOLERANCE`: the sums are not those of the same
        tokens, or not finite.
    """
    shape = (len(type_sum), len(group_sum))
    count = sparse.csr_array((pair_n_token.astype(np.float64), (pair_type, pair_group)), shape=shape)
    n_type, n_group = _present(count.sum(axis=1)), _present(count.sum(axis=0))
    type_mean = type_sum / n_type[:, None]
    n_component, system = _group_system(count, n_type, n_group)
    try:
        group_effect = linalg.cho_solve(
            linalg.cho_factor(system, overwrite_a=True), group_sum - count.T @ type_mean, overwrite_b=True
        )
    except (linalg.LinAlgError, ValueError) as error:
        raise UserError(
            f"The effects of types and documents have no solution ({error}): the sums are not finite, or the counts "
            "of types by document are not those of the same tokens. Make the summary again."
        ) from error
    type_effect = type_mean
    type_effect -= (count @ group_effect) / n_type[:, None]
    _check(group_sum - count.T @ type_effect - n_group[:, None] * group_effect, n_group, type_sum / n_type[:, None])
    type_effect[count.sum(axis=1) == 0] = np.nan
    group_effect[count.sum(axis=0) == 0] = np.nan
    return TwoWay(type_effect, group_effect, n_component)


def _present(n_token: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the counts with 1 for 0, so that empty rows stay solvable."""
    return np.maximum(np.asarray(n_token), 1.0)


def _group_system(
    count: sparse.csr_array, n_type: NDArray[np.float64], n_group: NDArray[np.float64]
) -> tuple[int, NDArray[np.float64]]:
    """Return the number of connected parts and the matrix of the group effects, dims (group, group).

    One rank-one term for each part asks for a weighted mean of 0, which makes the matrix positive definite.
    """
    system = np.diag(n_group)
    step = max(1, _BLOCK // count.shape[1])
    for start in range(0, count.shape[0], step):
        part = slice(start, start + step)
        rows = sparse.csr_array(sparse.diags_array(n_type[part] ** -0.5) @ count[part])
        frequent = np.diff(rows.indptr) > _DENSE_FROM * count.shape[1]
        common, rare = rows[frequent].toarray(), rows[~frequent]
        system -= common.T @ common
        system -= (rare.T @ rare).toarray()
    group_part = _parts(count)
    for label in np.unique(group_part):
        inside = np.flatnonzero(group_part == label)
        weight = n_group[inside]
        system[np.ix_(inside, inside)] += np.outer(weight, weight) / weight.sum()
    filled = np.asarray(count.sum(axis=0)) > 0
    return len(np.unique(group_part[filled])), system


def _parts(count: sparse.csr_array) -> NDArray[np.int32]:
    """Return for each group a number of the connected part that it is in."""
    n_type, n_group = count.shape
    ends = np.concatenate([count.indptr, np.full(n_group, count.indptr[-1])])
    links = sparse.csr_array((count.data, count.indices + n_type, ends), shape=(n_type + n_group, n_type + n_group))
    part: NDArray[np.int32] = connected_components(links, directed=False)[1][n_type:]
    return part


def _check(misfit: NDArray[np.float64], n_group: NDArray[np.float64], type_mean: NDArray[np.float64]) -> None:
    largest = np.abs(misfit / n_group[:, None]).max(axis=0, initial=0.0)
    allowed = TOLERANCE * np.abs(type_mean).max(axis=0, initial=0.0)
    if not (largest <= np.maximum(allowed, 1e-300)).all():
        worst = int(np.argmax(np.where(np.isnan(largest), np.inf, largest - allowed)))
        raise UserError(
            f"The effects of types and documents did not converge: for neuron {worst} a document group's mean is off "
            f"by {largest[worst]:.3g}, {allowed[worst]:.3g} is allowed. The sums by type and by document are not "
            "those of the same tokens; make the summary again."
        )
