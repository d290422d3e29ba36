"""How well a linear classifier tells two sets apart that it was not trained on, for many labellings of the same units.

A set of 40 points in 1,300 dimensions is told from another one without an error whatever it means, so what counts is
the share right among units that were left out; and a unit is a word, not an occurrence of it, for the others of its
occurrences would give it away.

References
----------
Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. Annals of Eugenics 7, 179-188.
Ojala, M., Garriga, G. C. (2010). Permutation tests for studying classifier performance. JMLR 11, 1833-1863.
"""

from collections.abc import Sequence

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
    """Return the balanced accuracy at units left out of a classifier that uses all features, dims (draw).

    Parameters and undefined values are those of `left_out_accuracies`.
    """
    (found,) = left_out_accuracies(x, label, fold, [slice(None)])
    accuracy: NDArray[np.float64] = found
    return accuracy


def left_out_accuracies(
    x: NDArray[np.float64], label: NDArray[np.bool_], fold: NDArray[np.integer], features: Sequence[slice]
) -> NDArray[np.float64]:
    r"""Return the balanced accuracy at units left out: the mean of the shares right of the two sets.

    For each fold Fisher's discriminant is fitted to the units of the others: with means m1, m0 of the two sets and the
    scatter S of all, w = S^-1 (m1 - m0), and a unit left out belongs to set 1 if w (x - (m1 + m0) / 2) > 0. It is
    linear discriminant analysis with equal priors. Neutral .5, with few units a little less, because what is left out
    is missing from its own set. S is the same for all labellings, and their means for all sets of features, so that
    many of both cost a few products of matrices.

    Parameters
    ----------
    x
        Dims (unit, feature).
    label
        Which units are of set 1, dims (unit, draw): a labelling a draw.
    fold
        Dims (unit).
    features
        Which features a classifier uses, for each classifier.

    Returns
    -------
    Dims (classifier, draw). NaN where a set is empty, and where a fold leaves no more units than features + 1, so that
    anything could be told apart.
    """
    folds, n_held = np.unique(fold, return_counts=True)
    accuracy = np.full((len(features), label.shape[1]), np.nan)
    n_trained = len(x) - int(n_held.max(initial=0)) if len(folds) > 1 else 0
    possible = [i for i, part in enumerate(features) if n_trained > x[:, part].shape[1] + 1]
    used = [features[i] for i in possible]
    for first in range(0, label.shape[1] if used else 0, DRAWS_AT_ONCE):
        some = label[:, first : first + DRAWS_AT_ONCE]
        right = np.zeros((2, len(used), some.shape[1]))
        for f in folds:
            said = _tell(x[fold != f], some[fold != f], x[fold == f], used)
            of_one = some[fold == f]
            right += [(said & of_one).sum(axis=1), (~said & ~of_one).sum(axis=1)]
        n_one = some.sum(axis=0)
        n_unit = np.stack([n_one, len(x) - n_one])[:, np.newaxis]
        share = np.divide(right, n_unit, out=np.full(right.shape, np.nan), where=n_unit > 0)
        accuracy[possible, first : first + DRAWS_AT_ONCE] = share.mean(axis=0)
    return accuracy


def _tell(
    x: NDArray[np.float64], label: NDArray[np.bool_], left_out: NDArray[np.float64], features: Sequence[slice]
) -> NDArray[np.bool_]:
    """Return which of the units left out each classifier tells to be of set 1, dims (classifier, unit, draw)."""
    centre = x.mean(axis=0)
    x, left_out = x - centre, left_out - centre
    one = label.astype(np.float64)
    n_one = one.sum(axis=0)
    total = x.T @ one
    mean_1, mean_0 = total / np.maximum(n_one, 1), -total / np.maximum(len(x) - n_one, 1)
    told = np.empty((len(features), len(left_out), label.shape[1]), dtype=bool)
    for i, part in enumerate(features):
        direction = scipy.linalg.pinvh(x[:, part].T @ x[:, part]) @ (mean_1[part] - mean_0[part])
        threshold = (direction * (mean_1[part] + mean_0[part])).sum(axis=0) / 2
        told[i] = left_out[:, part] @ direction > threshold
    return told
