"""How members of a category rank among the types they are matched with: AUROC and breadth, in one walk a neuron.

The types are put in order once for all categories; a category is then one pass over that order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .strata import Matching

BEYOND = 0.95
"""A member stands out where at least this share of the matched types lies below it (or above, for a fall)."""
_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class TypeOrder:
    """The types of each neuron from the lowest effect to the highest.

    Parameters
    ----------
    row
        Types in ascending order, dims (neuron, place). 4 bytes a value, in memory for all neurons.
    is_new
        Whether the effect is above that of the place before, dims (neuron, place).
    """

    row: NDArray[np.int32]
    is_new: NDArray[np.bool_]


def order_types(effect: NDArray[np.float64], resolution: NDArray[np.float64]) -> TypeOrder:
    """Return the order of the types by their effects.

    Parameters
    ----------
    effect
        Dims (type, neuron), finite.
    resolution
        Effects closer than this are not told apart, dims (neuron), in the unit of the effects, above 0: they are
        compared as whole multiples of it.
    """
    row = np.empty(effect.shape[::-1], dtype=np.int32)
    is_new = np.ones(effect.shape[::-1], dtype=np.bool_)
    for j in range(effect.shape[1]):
        level = np.rint(effect[:, j] / resolution[j])
        row[j] = np.argsort(level, kind="stable")
        is_new[j, 1:] = np.diff(level[row[j]]) > 0
    return TypeOrder(row, is_new)


def rank_members(order: TypeOrder, matching: Matching) -> tuple[NDArray[np.float64], ...]:
    """Return AUROC, and the shares of members above and below nearly all matched types.

    Parameters
    ----------
    order
        A result of `order_types`.
    matching
        Strata and members of the category, at least one.

    Returns
    -------
    auroc
        Dims (neuron): for each member the share of the other types *of its stratum* that lie below, ties half; the
        mean over members. So it is the AUROC within strata, weighted by members, and frequency or part of speech
        add nothing to it. Neutral .5.
    above, below
        Dims (neuron): share of members with at least 95 % of the matched types strictly below (above) them. The
        matched types of all strata are taken together here, each with the weight members / others of its stratum,
        so that they are distributed over the strata as the members are.
    """
    stratum, member = matching.stratum, matching.member
    n_other = np.bincount(stratum[(stratum >= 0) & ~member])
    n_member = np.bincount(stratum[member], minlength=len(n_other))
    code = np.where(stratum >= 0, 2 * stratum + member, -1).astype(np.int32)
    result = np.empty((len(order.row), 3))
    _walk(order.row, order.is_new, code, float(n_member.sum()), 1 / n_other, n_member / n_other, result)
    return tuple((result / n_member.sum()).T)


@compiled
def _walk(
    row: NDArray[np.int32],
    is_new: NDArray[np.bool_],
    code: NDArray[np.int32],
    total: float,
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    result: NDArray[np.float64],
) -> None:
    """Add up wins within strata, members above and members below nearly all others; dims (neuron, 3).

    ``code`` is 2 x stratum, plus 1 for a member; below 0 for a type that is not used. Another type is the ``share`` of
    its stratum's others, and weighs members / others, so that all of them together weigh as much as there are members.
    """
    n = row.shape[1]
    enough = BEYOND * total - _ROUND_OFF * total
    below, tied = np.empty(len(weight)), np.zeros(len(weight))
    for j in range(row.shape[0]):
        below[:] = 0
        wins, n_above, n_below, weight_below = 0.0, 0, 0, 0.0
        first = 0
        while first < n:
            stop = first + 1
            while stop < n and not is_new[j, stop]:
                stop += 1
            if stop == first + 1 and (code[row[j, first]] < 0 or code[row[j, first]] % 2 == 0):
                # Most places: a type that is no member and tied with none.
                here = code[row[j, first]]
                if here >= 0:
                    below[here >> 1] += share[here >> 1]
                    weight_below += weight[here >> 1]
                first = stop
                continue
            weight_tied = 0.0
            for i in range(first, stop):
                here = code[row[j, i]]
                if here >= 0 and here % 2 == 0:
                    tied[here >> 1] += share[here >> 1]
                    weight_tied += weight[here >> 1]
            for i in range(first, stop):
                here = code[row[j, i]]
                if here >= 0 and here % 2 == 1:
                    wins += below[here >> 1] + 0.5 * tied[here >> 1]
                    n_above += weight_below >= enough
                    n_below += total - weight_below - weight_tied >= enough
            if weight_tied > 0:
                for i in range(first, stop):
                    here = code[row[j, i]]
                    if here >= 0:
                        below[here >> 1] += tied[here >> 1]
                        tied[here >> 1] = 0
                weight_below += weight_tied
            first = stop
        result[j, 0], result[j, 1], result[j, 2] = wins, n_above, n_below
