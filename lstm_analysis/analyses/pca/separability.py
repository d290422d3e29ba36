"""Are two sets told apart by a linear classifier at words, or idioms, that it was not trained on?"""

import zlib
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...statistics.discriminant import assign_folds, left_out_accuracies
from ...statistics.multiplicity import max_t_p, permutation_p
from ...statistics.word_sets import FEWEST_WORDS, WordSet, draw_labels

N_DIMENSION = (2, 5, 10, 20)
"""Leading components that the classifier may use; 2 is what a scatter plot shows."""
N_FOLD = 10
PART = 8
"""Words of about the same frequency among which the labels of two concepts are exchanged."""
FEWEST_IDIOMS = 6
_DIMS = ("space", "n_dimension")
NAMES = ("accuracy", "accuracy_null", "accuracy_null_high", "p_value")


def separate_words(score: NDArray[np.float64], words: WordSet, draws: int, seed: int) -> xr.Dataset:
    """Return how well the words of a concept are told from matched words of the same strata.

    Words are left out a tenth at a time. The null exchanges membership among the words of a stratum.

    Parameters
    ----------
    score
        Scores of all words of the table, dims (space, table_type, component).
    words
        The set; one that is not told apart gives NaN.
    draws
        Random sets; 0 for accuracies alone.
    seed
        Of folds and draws, which depend on the concept's name, not on what other concepts there are.

    Returns
    -------
    Dims (space, n_dimension): ``accuracy`` (`left_out_accuracy`), mean and 95th percentile of the null
    ``accuracy_null, accuracy_null_high``, and ``p_value``; ``p_fwer`` for having looked at all spaces and dimensions.
    """
    if words.reason:
        return empty_separability(len(score))
    rng = np.random.default_rng([seed, zlib.crc32(words.name.encode())])
    label = draw_labels(words.matching, draws, rng)
    rows = words.rows
    fold = assign_folds(words.matching.stratum[rows], N_FOLD, rng)
    return _judge(score[:, rows], label, fold)


def separate_pairs(
    score: NDArray[np.float64],
    words: WordSet,
    others: Sequence[WordSet],
    n_token: NDArray[np.integer],
    draws: int,
    seed: int,
) -> list[xr.Dataset]:
    """Return how well the words of a concept are told from those of each other concept; words of both are left out.

    The null exchanges the words of the two among 8 of about the same frequency.

    Parameters
    ----------
    score, words, draws, seed
        As in `separate_words`.
    others
        The other sets.
    n_token
        Tokens of each word of the table, dims (table_type).

    Returns
    -------
    What `separate_words` returns, for each of the others.
    """
    found = []
    for other in others:
        one, two = (part.matching.member for part in (words, other))
        rows = np.flatnonzero(one ^ two)
        if words.reason or other.reason or min((one & ~two).sum(), (two & ~one).sum()) < FEWEST_WORDS:
            found.append(empty_separability(len(score)))
            continue
        rng = np.random.default_rng([seed, zlib.crc32(f"{words.name}\t{other.name}".encode())])
        order = np.argsort(np.argsort(-n_token[rows], kind="stable"), kind="stable")
        stratum = order * max(1, len(rows) // PART) // len(rows)
        label = np.stack([one[rows], *(_exchange(one[rows], stratum, rng) for _ in range(draws))], axis=1)
        found.append(_judge(score[:, rows], label, assign_folds(stratum, N_FOLD, rng)))
    return found


def separate_idioms(
    score: NDArray[np.float64], idiom: NDArray[np.integer], idiomatic: NDArray[np.bool_], draws: int, seed: int
) -> xr.Dataset:
    """Return how well idiomatic and literal uses are told apart at idioms that are left out.

    The unit is the idiom: its vector is the mean of its idiomatic uses minus that of its literal ones, so that neither
    its words nor their number matter, and the classifier has to say which of the two is which. The null turns the sign
    of whole idioms.

    Parameters
    ----------
    score
        Of occurrences, dims (space, occurrence, component).
    idiom
        Which idiom, dims (occurrence).
    idiomatic
        Whether it is used idiomatically, dims (occurrence).
    draws, seed
        As in `separate_words`.

    Returns
    -------
    As of `separate_words`, and ``n_idiom_separated``: idioms with both uses. Fewer than 6 give NaN.
    """
    both = [i for i in np.unique(idiom) if len(np.unique(idiomatic[idiom == i])) == 2]
    if len(both) < FEWEST_IDIOMS:
        return empty_separability(len(score)).assign(n_idiom_separated=len(both))
    half = np.stack(
        [
            score[:, (idiom == i) & idiomatic].mean(axis=1) - score[:, (idiom == i) & ~idiomatic].mean(axis=1)
            for i in both
        ],
        axis=1,
    )
    flip = np.random.default_rng(seed).random((len(both), draws)) < 0.5
    up = np.concatenate([np.ones((len(both), 1), bool), ~flip], axis=1)
    fold = np.tile(np.arange(len(both)), 2)
    # As many units as twice the idioms, but no more independent ones: dimensions are held against the idioms.
    found = _judge(np.concatenate([half, -half], axis=1), np.concatenate([up, ~up]), fold, most=len(both) - 2)
    return found.assign(n_idiom_separated=len(both))


def empty_separability(n_space: int) -> xr.Dataset:
    """Return what is said of sets that are not told apart."""
    shape = (n_space, len(N_DIMENSION))
    found = xr.Dataset({name: (_DIMS, np.full(shape, np.nan)) for name in NAMES}, {"n_dimension": list(N_DIMENSION)})
    return found.assign(p_fwer=np.nan)


def _exchange(label: NDArray[np.bool_], stratum: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return labels exchanged at random inside strata."""
    mixed = np.empty_like(label)
    mixed[np.argsort(stratum, kind="stable")] = label[np.lexsort((rng.random(len(label)), stratum))]
    return mixed


def _judge(
    score: NDArray[np.float64], label: NDArray[np.bool_], fold: NDArray[np.integer], most: int = max(N_DIMENSION)
) -> xr.Dataset:
    """Return accuracy and test of units (space, unit, component) by labelling (unit, 1 + draw), true one first."""
    found = empty_separability(len(score))
    shape, width = found["accuracy"].shape, score.shape[2]
    rank = [int(np.isfinite(one).all(axis=0).sum()) for one in score]  # components past it are NaN
    asked = [(s, k) for s, k in np.ndindex(shape) if N_DIMENSION[k] <= min(rank[s], most)]
    drawn = np.full((label.shape[1], *shape), np.nan)
    if asked:
        x = np.nan_to_num(score.transpose(1, 0, 2).reshape(score.shape[1], -1))
        parts = [slice(s * width, s * width + N_DIMENSION[k]) for s, k in asked]
        for (s, k), accuracy in zip(asked, left_out_accuracies(x, label, fold, parts), strict=True):
            drawn[:, s, k] = accuracy
    null, told = drawn[1:], ~np.isnan(drawn[0])
    found["accuracy"][:] = drawn[0]
    if len(null) and told.any():
        found["accuracy_null"][:] = null.mean(axis=0)
        found["accuracy_null_high"][:] = np.quantile(null, 0.95, axis=0)
        found["p_value"][:] = permutation_p(drawn[0].ravel(), null.reshape(len(null), -1)).reshape(told.shape)
        found["p_fwer"] = float(max_t_p([drawn[0][told].max()], null[:, told].max(axis=1))[0])
    return found
