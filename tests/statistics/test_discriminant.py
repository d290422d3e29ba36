"""The classifier against scikit-learn's, unit by unit; and why units are words that were left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.svm import SVC

from lstm_analysis.statistics import discriminant
from lstm_analysis.statistics.discriminant import assign_folds, left_out_accuracies, left_out_accuracy


def reference(x, label, fold):
    """Balanced accuracy of scikit-learn's discriminant with equal priors, one labelling and one fold at a time."""
    right = {True: [], False: []}
    for f in set(fold):
        model = LinearDiscriminantAnalysis(priors=[0.5, 0.5]).fit(x[fold != f], label[fold != f])
        for unit in np.flatnonzero(fold == f):
            right[bool(label[unit])].append(model.predict(x[unit : unit + 1])[0] == label[unit])
    return (np.mean(right[True]) + np.mean(right[False])) / 2


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_accuracy_is_scikit_learn_s(shift):
    rng = np.random.default_rng(0)
    x, label = rng.standard_normal((37, 4)) * [1, 5, 0.1, 2], rng.random((37, 3)) < 0.35
    x[label[:, 0], 1] += 20 * shift
    fold = assign_folds(np.zeros(37, int), 5, rng)
    found = left_out_accuracy(x, label, fold)
    assert found == pytest.approx([reference(x, label[:, k], fold) for k in range(3)], abs=1e-12)
    assert (found[0] > 0.8) == bool(shift)


def test_labellings_do_not_depend_on_which_are_judged_together(monkeypatch):
    rng = np.random.default_rng(1)
    x, label, fold = rng.standard_normal((30, 3)), rng.random((30, 7)) < 0.5, np.arange(30) % 4
    whole = left_out_accuracy(x, label, fold)
    monkeypatch.setattr(discriminant, "DRAWS_AT_ONCE", 2)
    np.testing.assert_array_equal(left_out_accuracy(x, label, fold), whole)


def test_classifiers_of_some_features_are_as_if_alone():
    rng = np.random.default_rng(1)
    x, label, fold = rng.standard_normal((24, 22)), rng.random((24, 7)) < 0.5, np.arange(24) % 4
    parts = [slice(0, 2), slice(1, 6), slice(0, 22), slice(3, 4)]
    found = left_out_accuracies(x, label, fold, parts)
    for part, accuracy in zip(parts, found, strict=True):
        np.testing.assert_allclose(accuracy, left_out_accuracy(x[:, part], label, fold))
    assert np.isnan(found[2]).all()
    assert np.isfinite(found[[0, 1, 3]]).all()


def test_scale_and_offset_of_the_features_do_not_matter():
    rng = np.random.default_rng(2)
    x, label, fold = rng.standard_normal((40, 3)), rng.random((40, 5)) < 0.4, np.arange(40) % 10
    moved = x * [10.0, 0.01, -3.0] + [5.0, -2.0, 100.0]
    np.testing.assert_allclose(left_out_accuracy(moved, label, fold), left_out_accuracy(x, label, fold))


@pytest.mark.parametrize(
    ("x", "label", "fold"),
    [
        (np.zeros((9, 2)), np.ones((9, 1), bool), np.arange(9) % 3),  # one set is empty
        (np.eye(9), np.arange(9)[:, None] % 2 == 0, np.arange(9) % 3),  # as many features as units
        (np.zeros((9, 2)), np.arange(9)[:, None] % 2 == 0, np.zeros(9, int)),  # nothing to be trained on
    ],
)
def test_what_cannot_be_judged_is_undefined(x, label, fold):
    assert np.isnan(left_out_accuracy(x, label, fold)).all()


def test_a_fold_that_holds_a_whole_set_is_told_wrong():
    label = np.arange(12)[:, None] < 2
    x = np.random.default_rng(0).standard_normal((12, 2))
    assert left_out_accuracy(x, label, np.where(label[:, 0], 0, 1 + np.arange(12) % 2)) == pytest.approx(0.5, abs=0.35)


def test_constant_features_tell_nothing_apart():
    label = np.arange(20)[:, None] % 2 == 0
    assert left_out_accuracy(np.ones((20, 2)), label, np.arange(20) % 5) == pytest.approx(0.5)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), n_fold=st.integers(1, 6), seed=st.integers(0, 99))
def test_folds_deal_each_stratum_out_evenly(sizes, n_fold, seed):
    stratum = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    fold = assign_folds(stratum, n_fold, np.random.default_rng(seed))
    n_used = min(n_fold, len(stratum))
    for part in (fold, *(fold[stratum == s] for s in range(len(sizes)))):
        counts = np.bincount(part, minlength=n_used)
        assert len(counts) == n_used
        assert counts.max() - counts.min() <= 1


def test_with_no_signal_only_words_left_out_say_so():
    """In 1,300 dimensions labels of 40 words that mean nothing are learnt by heart, and occurrences give words away."""
    rng = np.random.default_rng(0)
    n_word, n_each, n_neuron = 40, 5, 1300
    trained, by_occurrence, by_word, ours = [], [], [], []
    for _ in range(6):
        word = np.repeat(np.arange(n_word), n_each)
        x = rng.standard_normal((n_word, n_neuron))[word] + 0.3 * rng.standard_normal((len(word), n_neuron))
        of_word = rng.permutation(n_word) < n_word // 2
        label, model, kernel = of_word[word], SVC(kernel="precomputed"), x @ x.T
        trained.append(model.fit(kernel, label).score(kernel, label))
        by_occurrence.append(cross_val_score(model, kernel, label, cv=KFold(10, shuffle=True, random_state=0)).mean())
        by_word.append(cross_val_score(model, kernel, label, groups=word, cv=GroupKFold(10)).mean())
        means = np.stack([x[word == w].mean(axis=0) for w in range(n_word)])[:, :20]
        ours.append(left_out_accuracy(means, of_word[:, None], np.arange(n_word) % 10)[0])
    assert np.mean(trained) == 1
    assert np.mean(by_occurrence) > 0.99
    assert np.mean(by_word) == pytest.approx(0.49, abs=0.08)
    assert np.mean(ours) == pytest.approx(0.49, abs=0.08)
