"""Random categories: members drawn anew within strata, and the difference each of them makes at every neuron.

For a category with m members, m_s of them among the n_s types of stratum s (u_s others), the difference between members
and matched types is a weighted sum over members,

    D = sum over s of m_s / m (mean of the members - mean of the others) = sum over members of n_s / (m u_s) e(type),

with effects e centred in each stratum. Over all ways to choose m_s of n_s types its mean is 0 and its variance is

    var D = sum over s of n_s m_s / (m^2 u_s) var_s(e),    var_s with divisor n_s - 1.

A draw is a list of types, so its cost is the number of members, not of types; the same list serves all neurons. Where
members are the larger part of a stratum the others are drawn instead, with the sign turned round. Types are added up in
their order in the table, in float32, so that a draw that is the category itself gives the same bits, and no neuron
depends on which others are computed beside it.

References
----------
Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, theorems 2.2 and 5.3 (sampling without replacement).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .strata import Matching

NEURON_BLOCK = 64
"""Neurons summed side by side: the effects of a block stay in a core's cache."""
ROUND_OFF = 1e-12
"""Effects that differ by less than this share of the largest one are equal."""


@dataclass(frozen=True)
class Layout:
    """The matched types of a category in the order of their strata.

    Parameters
    ----------
    row
        The type in each place, dims (place), strata one after the other, the order of the table within.
    start, n_type, n_member
        First place, types and members of each stratum, dims (stratum).
    n_drawn
        The smaller one of members and others, dims (stratum).
    weight
        What a drawn type counts, dims (column); negative where the others are drawn.
    chosen
        Places of the drawn side of the category itself, dims (column).
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    n_type: NDArray[np.int64]
    n_member: NDArray[np.int64]
    n_drawn: NDArray[np.int64]
    weight: NDArray[np.float64]
    chosen: NDArray[np.int64]


def lay_out(matching: Matching) -> Layout:
    """Return the matched types of a category in the order of their strata."""
    row = np.flatnonzero(matching.stratum >= 0)
    row = row[np.argsort(matching.stratum[row], kind="stable")]
    stratum, member = matching.stratum[row], matching.member[row]
    n_type, n_member = np.bincount(stratum), np.bincount(stratum[member])
    n_other = n_type - n_member
    by_member = n_member <= n_other
    n_drawn = np.minimum(n_member, n_other)
    weight = np.where(by_member, 1.0, -1.0) * n_type / (n_member.sum() * n_other)
    chosen = np.flatnonzero(member == by_member[stratum])
    start = np.concatenate([[0], n_type.cumsum()[:-1]])
    return Layout(row, start, n_type, n_member, n_drawn, np.repeat(weight, n_drawn), chosen)


def draw_categories(layout: Layout, draws: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return random categories as places, dims (draw, column): ascending, with the strata of the category itself."""
    pool = np.arange(len(layout.row), dtype=np.int32)
    drawn = np.empty((draws, len(layout.chosen)), dtype=np.int32)
    step = max(1, 2**20 // max(1, len(layout.chosen)))
    for first in range(0, draws, step):
        part = drawn[first : first + step]
        _choose(layout.start, layout.n_type, layout.n_drawn, rng.random(part.shape), pool, part)
        part.sort(axis=1)
    return drawn


def studentised(
    effect: NDArray[np.float64], layout: Layout, drawn: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """Return the permutation standard deviation of D, z = D / sd of the category and of each draw.

    Parameters
    ----------
    effect
        Dims (type, neuron), finite.
    layout
        A result of `lay_out`.
    drawn
        A result of `draw_categories`.

    Returns
    -------
    Dims (neuron), (neuron) and (draw, neuron). All of it is NaN where sd is 0: effects that are alike within strata.
    The draws take 4 bytes x draws x neurons, the rest 4 bytes x types x `NEURON_BLOCK`.
    """
    n_neuron = effect.shape[1]
    sd = np.empty(n_neuron)
    observed = np.empty((1, n_neuron), dtype=np.float32)
    z = np.empty((len(drawn), n_neuron), dtype=np.float32)
    for first in range(0, n_neuron, NEURON_BLOCK):
        block = slice(first, first + NEURON_BLOCK)
        centred, sd[block] = _centre(effect[:, block], layout)
        weight = layout.weight.astype(np.float32)
        scale = np.full(centred.shape[1], np.nan)
        np.divide(1.0, sd[block], out=scale, where=sd[block] > 0)
        _add_up(centred, layout.chosen[None].astype(np.int32), weight, scale.astype(np.float32), observed[:, block])
        _add_up(centred, drawn, weight, scale.astype(np.float32), z[:, block])
    return np.where(sd > 0, sd, np.nan), observed[0], z


def _centre(effect: NDArray[np.float64], layout: Layout) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the effects (place, neuron) minus the mean of their stratum, and the permutation sd of D (neuron)."""
    centred = np.empty((len(layout.row), effect.shape[1]), dtype=np.float32)
    n_other = layout.n_type - layout.n_member
    factor = layout.n_type * layout.n_member / (layout.n_member.sum() ** 2 * n_other * (layout.n_type - 1))
    variance = np.zeros(effect.shape[1])
    size = np.zeros(effect.shape[1])
    _centre_strata(effect, layout.row, layout.start, layout.n_type, factor, centred, variance, size)
    # What is left of equal effects is round-off, and a studentised round-off would look like any other value.
    least = ROUND_OFF * size * np.sqrt(factor.min(initial=np.inf))
    sd = np.sqrt(variance)
    return centred, np.where(sd > least, sd, 0.0)


@compiled
def _centre_strata(
    effect: NDArray[np.float64],
    row: NDArray[np.int64],
    start: NDArray[np.int64],
    n_type: NDArray[np.int64],
    factor: NDArray[np.float64],
    centred: NDArray[np.float32],
    variance: NDArray[np.float64],
    size: NDArray[np.float64],
) -> None:
    """Fill ``centred`` (place, neuron), ``variance`` and ``size``, the largest absolute effect (neuron)."""
    mean, square = np.empty(effect.shape[1]), np.empty(effect.shape[1])
    for s in range(len(start)):
        mean[:] = 0
        square[:] = 0
        for i in range(start[s], start[s] + n_type[s]):
            for j in range(len(mean)):
                mean[j] += effect[row[i], j]
                size[j] = max(size[j], abs(effect[row[i], j]))
        for j in range(len(mean)):
            mean[j] /= n_type[s]
        for i in range(start[s], start[s] + n_type[s]):
            for j in range(len(mean)):
                rest = effect[row[i], j] - mean[j]
                square[j] += rest * rest
                centred[i, j] = rest
        for j in range(len(mean)):
            variance[j] += factor[s] * square[j]


@compiled
def _choose(
    start: NDArray[np.int64],
    n_type: NDArray[np.int64],
    n_drawn: NDArray[np.int64],
    uniform: NDArray[np.float64],
    pool: NDArray[np.int32],
    drawn: NDArray[np.int32],
) -> None:
    """Fill each row of ``drawn`` with places, without replacement; ``pool`` holds the places, strata apart."""
    for r in range(drawn.shape[0]):
        column = 0
        for s in range(len(start)):
            for k in range(n_drawn[s]):
                here = start[s] + k
                there = here + min(int(uniform[r, column] * (n_type[s] - k)), n_type[s] - k - 1)
                pool[here], pool[there] = pool[there], pool[here]
                drawn[r, column] = pool[here]
                column += 1


@compiled
def _add_up(
    effect: NDArray[np.float32],
    drawn: NDArray[np.int32],
    weight: NDArray[np.float32],
    scale: NDArray[np.float32],
    z: NDArray[np.float32],
) -> None:
    """Write scale x the weighted sum of the drawn effects into ``z`` (draw, neuron)."""
    total = np.empty(effect.shape[1], np.float32)
    for r in range(drawn.shape[0]):
        total[:] = 0
        for k in range(drawn.shape[1]):
            row = effect[drawn[r, k]]
            for j in range(len(total)):
                total[j] += weight[k] * row[j]
        for j in range(len(total)):
            z[r, j] = total[j] * scale[j]
