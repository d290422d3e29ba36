"""How well a linear classifier tells two sets apart that it was not trained on, for many labellings of the same units.

A set of 40 points in 1,300 dimensions is told from another one without an error whatever it means, so what counts is
the share right among units that were left out; and a unit is a word, not an occurrence of it, for the others of its
occurrences would give it away.

References
----------
Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. Annals of Eugenics 7, 179-188.
Ojala, M., Garriga, G. C. (2010). Permutation tests for studying classifier performance. JMLR 11, 1833-1863.
"""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

DRAWS_AT_ONCE = 256


def assign_folds(stratum: NDArray[np.integer], n_fold: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each unit: those of a stratum are dealt out evenly, at random; labels are not looked at.

    Parameters
    ----------
    stratum
        Dims (unit).
    n_fold
        Folds; no more than there are units are used.
    rng
        Where the order of units comes from.

    Examples
    --------
    >>> found = assign_folds(np.array([0, 0, 0, 1, 1, 1]), 3, np.random.default_rng(0))
    >>> sorted(found[:3].tolist()), sorted(found[3:].tolist())
    ([0, 1, 2], [0, 1, 2])
    """
    order = np.lexsort((rng.random(len(stratum)), stratum))
    fold = np.empty(len(stratum), dtype=np.int64)
    fold[order] = np.arange(len(stratum)) % max(1, min(n_fold, len(stratum)))
    return fold


def left_out_accuracy(
    x: NDArray[np.float64], label: NDArray[np.bool_], fold: NDArray[np.integer]
) -> NDArray[np.float64]:
    r"""Return the balanced accuracy at units left out, dims (draw): mean of the shares right of the two sets.

    For each fold Fisher's discriminant is fitted to the units of the others: with means m1, m0 of the two sets and the
    scatter S of all, w = S^-1 (m1 - m0), and a unit left out belongs to set 1 if w (x - (m1 + m0) / 2) > 0. It is
    linear discriminant analysis with equal priors. Neutral .5, with few units a little less, because what is left out
    is missing from its own set. S is the same for all labellings, so that many of them cost one product of matrices.

    Parameters
    ----------
    x
        Dims (unit, feature).
    label
        Which units are of set 1, dims (unit, draw): a labelling a draw.
    fold
        Dims (unit).

    Returns
    -------
    NaN where a set is empty, and everywhere if a fold leaves no more units than features + 1, so that anything could
    be told apart.
    """
    accuracy = np.full(label.shape[1], np.nan)
    folds, n_held = np.unique(fold, return_counts=True)
    if len(folds) < 2 or len(x) - n_held.max() <= x.shape[1] + 1:
        return accuracy
    for first in range(0, label.shape[1], DRAWS_AT_ONCE):
        some = label[:, first : first + DRAWS_AT_ONCE]
        right = np.zeros((2, some.shape[1]))
        for f in folds:
            said = _tell(x[fold != f], some[fold != f], x[fold == f])
            of_one = some[fold == f]
            right += [(said & of_one).sum(axis=0), (~said & ~of_one).sum(axis=0)]
        n_one = some.sum(axis=0)
        n_unit = np.stack([n_one, len(x) - n_one])
        share = np.divide(right, n_unit, out=np.full(right.shape, np.nan), where=n_unit > 0)
        accuracy[first : first + DRAWS_AT_ONCE] = share.mean(axis=0)
    return accuracy


def _tell(x: NDArray[np.float64], label: NDArray[np.bool_], left_out: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of the units left out are told to be of set 1, dims (unit, draw)."""
    centre = x.mean(axis=0)
    x = x - centre
    one = label.astype(np.float64)
    n_one = one.sum(axis=0)
    total = x.T @ one
    mean_1, mean_0 = total / np.maximum(n_one, 1), -total / np.maximum(len(x) - n_one, 1)
    direction = scipy.linalg.pinvh(x.T @ x) @ (mean_1 - mean_0)
    threshold = (direction * (mean_1 + mean_0)).sum(axis=0) / 2
    told: NDArray[np.bool_] = (left_out - centre) @ direction > threshold
    return told
