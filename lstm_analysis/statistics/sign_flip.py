"""Sign flips over units (idioms): does a neuron's effect keep its sign from unit to unit?

Where a neuron knows nothing of what the units share, the effect at each unit comes from what is peculiar to it (the
word before, the topic), and its sign is as likely to be the opposite. Flipping the signs of whole units is then a
permutation that leaves the joint distribution over neurons as it is, however extreme the single effects are.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ALL_FLIPS_UP_TO = 12
"""With so many units or fewer all flips are gone through; with more they are drawn."""
_FLIPS_AT_ONCE = 256
_SAME = 1e-9


class SignFlip(NamedTuple):
    """Outcome of a sign-flip test, dims (neuron); NaN for a neuron that has no effect at some unit.

    Parameters
    ----------
    p_value
        Two-sided p of each neuron by itself.
    p_fwer
        Two-sided p against the largest statistic over all neurons (max-T).
    n_flip
        Flips that the p rest on: their floor is 1 / n_flip where they are drawn, 2 / n_flip where all are gone through.
    """

    p_value: NDArray[np.float64]
    p_fwer: NDArray[np.float64]
    n_flip: int


def fewest_units(alpha: float) -> int:
    """Return how many units a two-sided sign flip needs before any outcome can have p <= alpha.

    With I units there are 2**I flips, and the observed one and its mirror image always count: p >= 2**(1 - I).

    >>> fewest_units(0.05)
    6
    """
    return math.ceil(1 - math.log2(alpha) - 1e-12)


def draw_flips(n_unit: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Return signs, dims (flip, unit), the first flip being none: all of them for few units, else ``draws`` drawn.

    Of a flip and its mirror image, which give the same two-sided statistic, all flips hold one.
    """
    if n_unit <= ALL_FLIPS_UP_TO:
        number = np.arange(2 ** max(n_unit - 1, 0))
        return np.where((number[:, np.newaxis] >> np.arange(n_unit)) & 1, -1.0, 1.0)
    drawn = np.random.default_rng([seed, n_unit]).integers(0, 2, (draws, n_unit), dtype=np.int8)
    return np.concatenate([np.ones((1, n_unit)), 1.0 - 2.0 * drawn])


def sign_flip(effects: NDArray[np.float64], *, draws: int = 9999, seed: int = 0) -> SignFlip:
    """Test whether each neuron's effects have a mean other than 0, with the same flips for all neurons.

    The statistic is the sum of the effects over the root of the sum of their squares, in size: a monotone function
    of Student's t, so that a neuron with large effects of random sign does not hide one with small steady effects.
    Flips leave the sum of squares as it is. Under 0 < n_unit <= 12 units the test is exact, with more it is exact up
    to the drawing, p = (b + 1) / (draws + 1). Memory beside the effects: 256 flips of all neurons.

    Parameters
    ----------
    effects
        For instance AUROC - .5, dims (unit, neuron). A neuron that is 0 at every unit has p = 1.
    draws
        Flips to draw where there are more than `ALL_FLIPS_UP_TO` units.
    seed
        Of the drawing.

    References
    ----------
    Westfall & Young, Resampling-Based Multiple Testing, 1993 (max-T); Winkler et al., NeuroImage 92, 2014 (sign flips).

    Examples
    --------
    >>> steady, random = np.full(6, 0.2), np.array([0.4, -0.4, 0.4, -0.4, 0.4, -0.4])
    >>> sign_flip(np.stack([steady, random], axis=1)).p_value.tolist()
    [0.03125, 1.0]
    """
    n_unit = len(effects)
    flips = draw_flips(n_unit, draws, seed)
    there = ~np.isnan(effects).any(axis=0) & (n_unit > 0)
    scaled = _over_root_sum_of_squares(effects[:, there])
    observed = abs(scaled.sum(axis=0))
    as_large, as_large_anywhere = np.zeros(observed.size, np.int64), np.zeros(observed.size, np.int64)
    for first in range(0, len(flips), _FLIPS_AT_ONCE):
        flipped = abs(flips[first : first + _FLIPS_AT_ONCE] @ scaled)
        as_large += (flipped >= observed - _SAME).sum(axis=0)
        largest = np.sort(flipped.max(axis=1, initial=0))
        as_large_anywhere += len(largest) - np.searchsorted(largest, observed - _SAME)
    p_value, p_fwer = np.full(there.size, np.nan), np.full(there.size, np.nan)
    p_value[there], p_fwer[there] = as_large / len(flips), as_large_anywhere / len(flips)
    mirrored = 2 if 0 < n_unit <= ALL_FLIPS_UP_TO else 1
    return SignFlip(p_value, p_fwer, mirrored * len(flips))


def _over_root_sum_of_squares(effects: NDArray[np.float64]) -> NDArray[np.float64]:
    root = np.sqrt((effects**2).sum(axis=0))
    scaled: NDArray[np.float64] = effects / np.where(root > 0, root, 1)
    return scaled
