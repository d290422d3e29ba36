"""Sparse probes of words: chosen and fitted on some words, scored on the others, and the same with random labels."""

import zlib
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...statistics.discriminant import assign_folds
from ...statistics.multiplicity import permutation_p
from ...statistics.word_sets import WordSet, draw_labels
from .selection import choose_neurons

N_NEURON = (1, 2, 4, 8)
MOST_CHOSEN = max(N_NEURON)
N_CONTROL = 20
"""Control tasks of a concept: random sets of words of the same strata."""
N_FOLD = 5
SCORES = ("probe_auroc", "probe_accuracy")


class _Judged(NamedTuple):
    """AUROC and balanced accuracy at words left out, dims (n_neuron); the neurons of each fold, dims (fold, rank)."""

    auroc: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    chosen: NDArray[np.int64]


def probe_words(effect: NDArray[np.floating], words: WordSet, seed: int, n_control: int = N_CONTROL) -> xr.Dataset:
    """Return how well 1, 2, 4 and 8 neurons tell the words of a concept from matched words.

    In each of five folds over words the neurons are chosen (`choose_neurons`) and a logistic regression (L2, equal
    weight of both sets) is fitted on four fifths of the words, and scored on the rest. Control tasks do all of it again
    with random sets of words of the same strata: what a probe can make of labels that mean nothing.

    Parameters
    ----------
    effect
        Effects of the words of the set (`WordSet.rows`) in standard deviations, dims (unit, neuron).
    words
        The set; one that is not told apart gives NaN.
    seed
        Of folds and control tasks, which depend on the concept's name.
    n_control
        Control tasks.

    Returns
    -------
    Dims (n_neuron): ``probe_auroc, probe_accuracy`` (balanced), the means of the control tasks ``control_auroc,
    control_accuracy``, ``probe_selectivity``, the accuracy minus that of the control, and ``probe_p``, the share of
    control tasks with an AUROC as large. ``chosen`` (n_neuron, rank): places of the neurons chosen on all words, -1 for
    no more, and ``chosen_share``, the share of folds that chose each of them.

    References
    ----------
    Gurnee, W. et al. (2023). Finding neurons in a haystack: case studies with sparse probing. TMLR.
    Hewitt, J., Liang, P. (2019). Designing and interpreting probes with control tasks. EMNLP, 2733-2743.
    """
    found = empty_probe()
    if words.reason:
        return found
    rng = np.random.default_rng([seed, zlib.crc32(words.name.encode())])
    label = draw_labels(words.matching, n_control, rng)
    x = np.asarray(effect, dtype=np.float64)
    fold = assign_folds(words.matching.stratum[words.rows], N_FOLD, rng)
    judged = [_judge(x, label[:, draw], fold) for draw in range(label.shape[1])]
    for name in ("auroc", "accuracy"):
        values = np.stack([getattr(one, name) for one in judged])
        found[f"probe_{name}"][:] = values[0]
        if n_control:
            found[f"control_{name}"][:] = values[1:].mean(axis=0)
    found["probe_selectivity"][:] = found["probe_accuracy"] - found["control_accuracy"]
    if n_control:
        found["probe_p"][:] = permutation_p(judged[0].auroc, np.stack([one.auroc for one in judged[1:]]))
    _note_chosen(found, choose_neurons(x, label[:, 0], MOST_CHOSEN), judged[0].chosen)
    return found


def empty_probe() -> xr.Dataset:
    """Return what is said of a concept that is not probed."""
    names = (*SCORES, "control_auroc", "control_accuracy", "probe_selectivity", "probe_p")
    found = xr.Dataset({name: ("n_neuron", np.full(len(N_NEURON), np.nan)) for name in names})
    dims, shape = ("n_neuron", "rank"), (len(N_NEURON), MOST_CHOSEN)
    found["chosen"] = (dims, np.full(shape, -1))
    found["chosen_share"] = (dims, np.full(shape, np.nan))
    return found.assign_coords(n_neuron=list(N_NEURON))


def _judge(x: NDArray[np.float64], label: NDArray[np.bool_], fold: NDArray[np.integer]) -> _Judged:
    from sklearn.linear_model import LogisticRegression  # loaded where it is used: see `selection`
    from sklearn.metrics import roc_auc_score

    value = np.zeros((len(N_NEURON), len(x)))  # 0 decides for neither, where there is nothing to learn from
    folds = np.unique(fold)
    chosen = np.full((len(folds), MOST_CHOSEN), -1)
    for f, left in enumerate(folds):
        known, new = fold != left, fold == left
        if not label[known].any() or label[known].all():
            continue
        best = choose_neurons(x[known], label[known], MOST_CHOSEN)
        chosen[f, : len(best)] = best
        for i, n in enumerate(N_NEURON if len(best) else ()):
            few = best[:n]
            model = LogisticRegression(class_weight="balanced", solver="newton-cholesky").fit(
                x[np.ix_(known, few)], label[known]
            )
            value[i, new] = model.decision_function(x[np.ix_(new, few)])
    accuracy = ((value[:, label] > 0).mean(axis=1) + (value[:, ~label] <= 0).mean(axis=1)) / 2
    return _Judged(np.array([roc_auc_score(label, one) for one in value]), accuracy, chosen)


def _note_chosen(found: xr.Dataset, best: NDArray[np.int64], by_fold: NDArray[np.int64]) -> None:
    """Write down the neurons chosen on all words, and how many folds chose each of them as well."""
    for i, n in enumerate(N_NEURON):
        few = best[:n]
        found["chosen"][i, : len(few)] = few
        found["chosen_share"][i, : len(few)] = [(by_fold[:, :n] == neuron).any(axis=1).mean() for neuron in few]
