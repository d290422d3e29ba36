"""Is a neuron selective for a category of words? Membership is permuted among types, within strata.

What is drawn anew is which words belong to the category, so the test speaks of the category and not of the tokens it
happens to consist of: a neuron that knows the words apart, but nothing of the category, is what the null describes.
The same permutation serves all neurons, so the largest |z| over neurons carries their dependence (max-T).

References
----------
Westfall, P. H., Young, S. S. (1993). Resampling-Based Multiple Testing. Wiley.
Winkler, A. M. et al. (2014). Permutation inference for the general linear model. NeuroImage 92, 381-397 (strata as
exchangeability blocks).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .multiplicity import max_t_p, permutation_p, pooled_p
from .strata import Matching
from .type_draws import draw_categories, lay_out, studentised
from .type_order import TypeOrder, rank_members


@dataclass(frozen=True)
class TypeDescription:
    """What distinguishes the members of a category from matched types; each dims (neuron).

    Parameters
    ----------
    smd
        Mean effect of the members minus that of the matched types, which are weighted so that they are distributed
        over the strata as the members are. Unit of the effects. Neutral 0.
    smd_odd, smd_even
        The same for the members of odd and of even rank by frequency: halves to choose on and to report.
    auroc
        Within strata, see `rank_members`. Neutral .5.
    breadth
        Share of members beyond the 95th percentile of the matched types, or, where ``smd`` is negative, below the
        5th. About .05 for a neuron that knows nothing. NaN where ``smd`` is exactly 0.
    """

    smd: NDArray[np.float64]
    smd_odd: NDArray[np.float64]
    smd_even: NDArray[np.float64]
    auroc: NDArray[np.float64]
    breadth: NDArray[np.float64]


@dataclass(frozen=True)
class TypeTest:
    """What random categories say of a category; each dims (neuron), NaN where effects are alike within strata.

    Parameters
    ----------
    p
        Two-sided, for this neuron alone: from 1 / (draws + 1).
    p_fwer
        Corrected for all neurons at once (max-T).
    p_pooled
        Against the draws of all neurons: from 1 / (draws x neurons + 1), made for `benjamini_hochberg` over categories.
        Never below b / (draws + 1), b being the neuron's own draws that reach its value: a neuron that knows a single
        word has a z of 15 whenever that word is drawn, which is rare among the draws of all neurons but not among its
        own.
    control
        Mean of |smd| over the random categories, unit of the effects.
    """

    p: NDArray[np.float64]
    p_fwer: NDArray[np.float64]
    p_pooled: NDArray[np.float64]
    control: NDArray[np.float64]


def describe_category(
    effect: NDArray[np.float64], order: TypeOrder, matching: Matching, n_token: NDArray[np.int64]
) -> TypeDescription:
    """Return how the members of a category differ from matched types.

    Parameters
    ----------
    effect
        Dims (type, neuron), finite.
    order
        The types by effect, a result of `order_types`.
    matching
        A result of `match_types` with at least one member.
    n_token
        Tokens of each type, dims (type): they rank the members for the split.
    """
    member = np.flatnonzero(matching.member)
    ranked = member[np.argsort(-n_token[member], kind="stable")]
    smd, odd, even = (_contrast(matching, part) @ effect for part in (member, ranked[::2], ranked[1::2]))
    auroc, above, below = rank_members(order, matching)
    breadth = np.select([smd > 0, smd < 0], [above, below], np.nan)
    return TypeDescription(smd, odd, even, auroc, breadth)


def permute_category(effect: NDArray[np.float64], matching: Matching, draws: int, rng: np.random.Generator) -> TypeTest:
    """Return the tests of a category against random categories of the same strata.

    Parameters
    ----------
    effect
        Dims (type, neuron), finite.
    matching
        A result of `match_types` with at least one member.
    draws
        Random categories; 2,000 to 10,000.
    rng
        Where the categories come from. They depend on the strata alone, not on the neurons.

    Returns
    -------
    The p-values. Working memory: 12 bytes x draws x neurons, 4 bytes x draws x members.
    """
    layout = lay_out(matching)
    sd, observed, z = studentised(effect, layout, draw_categories(layout, draws, rng))
    observed, z = np.abs(observed), np.abs(z, out=z)
    alive = np.isfinite(sd)
    p = np.full((3, len(sd)), np.nan)
    if alive.any():
        p[0] = permutation_p(observed, z)
        p[1] = max_t_p(observed, z[:, alive].max(axis=1))
        p[2] = np.maximum(pooled_p(observed, z), p[0] - 1 / (draws + 1))
    return TypeTest(p[0], p[1], p[2], control=z.mean(axis=0, dtype=np.float64) * sd)


def _contrast(matching: Matching, member: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what each type counts in the difference between some members and the others of their strata, dims (type).

    NaN if there is no member.
    """
    if len(member) == 0:
        return np.full(len(matching.stratum), np.nan)
    other = np.flatnonzero((matching.stratum >= 0) & ~matching.member)
    n_other = np.bincount(matching.stratum[other])
    n_member = np.bincount(matching.stratum[member], minlength=len(n_other))
    weight = np.zeros(len(matching.stratum))
    weight[member] = 1 / len(member)
    weight[other] = -(n_member / n_other / len(member))[matching.stratum[other]]
    return weight
