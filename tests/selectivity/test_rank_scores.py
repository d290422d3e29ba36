"""Exact scores against scikit-learn, the slow loop and their laws."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from neurons import realistic_neurons
from sklearn import metrics

from lstm_analysis.errors import UserError
from lstm_analysis.selectivity import rank_scores
from lstm_analysis.selectivity.radix_sort import ascending_order

LABELS = hnp.arrays(np.int8, st.tuples(st.integers(2, 40), st.just(3)), elements=st.sampled_from([-1, 0, 1]))


def densities(n_token, rng):
    """Labels of every density: each way of counting is taken."""
    shares = [
        (0, 0.99, 0.01),
        (0.02, 0.96, 0.02),
        (0.97, 0.02, 0.01),
        (0.3, 0.4, 0.3),
        (0, 0.1, 0.9),
        (0.9, 0.01, 0.09),
    ]
    return np.stack([rng.choice([-1, 0, 1], n_token, p=share) for share in shares], axis=1).astype(np.int8)


def assert_equals_scikit_learn(values, label):
    scores = rank_scores(values, label)
    for k in range(label.shape[1]):
        known = label[:, k] >= 0
        for j in range(values.shape[1]):
            truth, value = label[known, k], values[known, j]
            assert scores.auroc[k, j] == pytest.approx(metrics.roc_auc_score(truth, value), abs=1e-12)
            precision = metrics.average_precision_score(truth, value)
            assert scores.average_precision[k, j] == pytest.approx(precision, abs=1e-12)


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_equals_scikit_learn_with_ties_and_left_out_tokens(decimals):
    rng = np.random.default_rng(decimals)
    values = np.round(np.tanh(rng.standard_normal((3_000, 10))), decimals).astype(np.float32)
    assert_equals_scikit_learn(values, densities(3_000, rng))


def test_equals_scikit_learn_on_realistic_neurons():
    assert_equals_scikit_learn(*realistic_neurons(n_token=5_000, seed=1))


@settings(max_examples=60)
@given(LABELS, st.integers(0, 1000))
def test_equals_the_loop(label, seed):
    values = np.random.default_rng(seed).choice(np.linspace(-1, 1, 7), (len(label), 1)).astype(np.float32)
    values[:2, 0] = -1, 1
    scores = rank_scores(values, label)
    for k in range(3):
        expected = reference.auroc(values[:, 0], label[:, k]), reference.average_precision(values[:, 0], label[:, k])
        np.testing.assert_allclose((scores.auroc[k, 0], scores.average_precision[k, 0]), expected, atol=1e-12)


@given(st.integers(0, 1000))
def test_monotone_transforms_change_nothing(seed):
    rng = np.random.default_rng(seed)
    steps = rng.integers(-20, 21, (80, 2))
    label = rng.integers(-1, 2, (80, 3)).astype(np.int8)
    a, b = (rank_scores(x.astype(np.float32), label) for x in (steps / 20, steps**3))
    np.testing.assert_array_equal(a.auroc, b.auroc)
    np.testing.assert_array_equal(a.average_precision, b.average_precision)


def test_swap_and_left_out_tokens():
    values, label = realistic_neurons(n_token=3_000)
    scores = rank_scores(values, label)
    swapped = rank_scores(values, np.where(label < 0, label, 1 - label).astype(np.int8))
    np.testing.assert_allclose(scores.auroc, 1 - swapped.auroc, atol=1e-12)
    kept = label[:, 0] >= 0
    np.testing.assert_array_equal(rank_scores(values[kept], label[kept, :1]).auroc[0], scores.auroc[0])


def test_undefined_is_nan():
    label = np.array([[1, 0, 1], [1, 0, 0], [1, 0, -1], [1, 0, -1]], np.int8)
    values = np.array([[0, 1e-9, 0], [1, 2e-9, 9e-6], [0, 0, 0], [0, 0, 0]], np.float32)
    scores = rank_scores(values, label)
    for score in scores:
        assert np.isnan(score).tolist() == [[True] * 3, [True] * 3, [False, True, True]]
    assert scores.auroc[2, 0] == 0
    assert np.isnan(rank_scores(values[:0], label[:0]).auroc).all()


@given(hnp.arrays(np.float32, st.integers(0, 60), elements=st.floats(allow_nan=False, width=32)))
def test_radix_sort_is_numpys_stable_sort(values):
    ordered, order = ascending_order(values)
    np.testing.assert_array_equal(order, np.argsort(values, kind="stable"))
    np.testing.assert_array_equal(ordered, values[order])


def test_inputs_are_not_changed():
    values, label = realistic_neurons(n_token=500)
    before = values.copy(), label.copy()
    rank_scores(values, label)
    np.testing.assert_array_equal(values, before[0])
    np.testing.assert_array_equal(label, before[1])


@pytest.mark.parametrize(
    ("values", "label", "text"),
    [
        (np.zeros((3, 1)), np.zeros((2, 1)), "3 tokens, the labels 2"),
        (np.array([[0.5], [np.nan]]), np.zeros((2, 1)), "NaN"),
        (np.zeros((2, 1)), np.full((2, 1), 3), "found another value"),
    ],
)
def test_errors_say_what_is_wrong(values, label, text):
    with pytest.raises(UserError, match=text):
        rank_scores(values.astype(np.float32), label.astype(np.int8))
