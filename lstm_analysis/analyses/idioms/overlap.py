"""Do the neurons of one idiom belong to another one too, more often than they are on anyway?"""

import numpy as np
from numpy.typing import NDArray

_DIMS = ("idiom", "idiom_other")
Overlaps = dict[str, tuple[tuple[str, ...], NDArray[np.generic]]]


def overlaps(member: NDArray[np.bool_], base_rate: NDArray[np.floating], kind: str) -> Overlaps:
    """Return `n_<kind>_both`, `<kind>_jaccard` and `<kind>_lift`, dims (idiom, idiom_other).

    The lift is the size of the overlap over its expectation where each neuron belongs to either set by itself at its
    own base rate: neurons that are on at nearly everything overlap everywhere and say nothing. Jaccard is NaN for two
    empty sets, the lift where nothing is expected.

    Parameters
    ----------
    member
        Whether the neuron is in the idiom's set, dims (idiom, neuron).
    base_rate
        How often it is in the set of a phrase like this idiom, dims (idiom, neuron); NaN makes the lift NaN.
    kind
        ``active`` or ``selective``.
    """
    one = member.astype(np.float64)
    both, size = one @ one.T, one.sum(axis=1)
    either = size[:, np.newaxis] + size - both
    expected = base_rate.astype(np.float64) @ base_rate.T.astype(np.float64)
    return {
        f"n_{kind}_both": (_DIMS, both.astype(np.int32)),
        f"{kind}_jaccard": (_DIMS, _over(both, either)),
        f"{kind}_lift": (_DIMS, _over(both, expected)),
    }


def rate_elsewhere(member: NDArray[np.bool_], tested: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return in what share of the other tested idioms each neuron is in the set, dims (idiom, neuron); NaN if none."""
    n_other = int(tested.sum()) - tested.astype(int)
    others = member[tested].sum(axis=0) - np.where(tested[:, np.newaxis], member, False)
    return _over(others.astype(np.float64), np.broadcast_to(n_other[:, np.newaxis], others.shape).astype(np.float64))


def _over(value: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(by > 0, value / np.where(by > 0, by, 1), np.nan)
