"""What categories share: neurons that are in the sets of both."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def category_overlap(in_set: NDArray[np.bool_], sign: NDArray[np.int8], tested: NDArray[np.bool_]) -> xr.Dataset:
    """Return the overlap of the sets of neurons of every two categories.

    Parameters
    ----------
    in_set
        Dims (concept, neuron).
    sign
        1 where the neuron goes up for the category, -1 where down; dims (concept, neuron).
    tested
        Neurons that could have been in the set, dims (concept, neuron).

    Returns
    -------
    Dims (concept, concept_other), symmetric:

    - ``overlap_n``: neurons in both sets, and ``overlap_n_same_sign``, those that go the same way for both
    - ``overlap_jaccard``: ``overlap_n`` over the neurons in one or both; NaN where both sets are empty
    - ``overlap_lift``: ``overlap_n`` over what two sets of these sizes drawn independently from the neurons tested for
      both would share; neutral 1, NaN where one is empty. It is a description, not a test: a neuron that answers to
      words of any kind is in many sets, and raises all lifts.

    and ``set_size`` (concept).

    References
    ----------
    Jaccard, P. (1912). The distribution of the flora in the alpine zone. New Phytologist 11, 37-50.
    """
    member, pool = in_set.astype(np.int64), tested.astype(np.int64)
    up, down = member * (sign > 0), member * (sign < 0)
    size, n_both, n_tested = member.sum(axis=1), member @ member.T, pool @ pool.T
    n_either = size[:, None] + size[None, :] - n_both
    # Of each set only the neurons that are tested for the other concept, too, can be shared.
    chances = (member @ pool.T) * (pool @ member.T)
    pair = ("concept", "concept_other")
    return xr.Dataset(
        {
            "overlap_n": (pair, n_both),
            "overlap_n_same_sign": (pair, up @ up.T + down @ down.T),
            "overlap_jaccard": (pair, _ratio(n_both, n_either)),
            "overlap_lift": (pair, _ratio(n_both * n_tested, chances)),
            "set_size": (("concept",), size),
        }
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the ratio, NaN where the divisor is 0."""
    ratio = np.full(part.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
