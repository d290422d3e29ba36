"""The temporal null: its arithmetic, its laws, and what it cannot say."""

from itertools import pairwise

import numpy as np
import pytest
import reference_shift
from drifting import bursty_labels, drifting_neurons, group_sizes

from lstm_analysis.errors import UserError
from lstm_analysis.statistics.circular_shift import ShiftNull
from lstm_analysis.statistics.mid_rank import rank_values
from lstm_analysis.statistics.shift_labels import LONG_RUN, why_no_shift
from lstm_analysis.statistics.shift_plan import plan_shifts
from lstm_analysis.statistics.z_counts import count_z, counted_p


def shift(lengths, values, label, draws=99, seed=0, spans=1):
    """Add the documents in some spans, last span first."""
    plan = plan_shifts(np.asarray(lengths), draws, seed)
    null = ShiftNull(plan, group_sizes(label), values.shape[1])
    edges = np.unique(np.linspace(0, len(lengths), spans + 1).astype(int))
    for first, stop in reversed(list(pairwise(edges))):
        rows = slice(plan.document_start[first], plan.document_start[stop])
        null.add(int(first), values[rows].astype(np.float32), label[rows])
    return null.finish()


def corpus(lengths, n_neuron=4, n_concept=3, run=3, seed=0):
    rng = np.random.default_rng(seed)
    label = bursty_labels(rng, lengths, run, n_concept, share=0.3)
    label[rng.random(label.shape) < 0.6 / run**2] = -1
    return np.tanh(drifting_neurons(rng, lengths, 0.9, n_neuron)).astype(np.float32), label


@pytest.mark.parametrize(
    ("lengths", "run"),
    [([30, 1, 200, 150, 57, 12], 2), ([40, 50, 140, 60, 45, 33, 39], 20), ([9] * 100 + [11] * 60 + [2], 1)],
)
def test_it_equals_a_slow_loop_over_tokens(lengths, run):
    values, label = corpus(lengths, n_neuron=2, run=run)
    draws = 19 if len(lengths) > 100 else 40
    plan, result = plan_shifts(np.array(lengths), draws, 0), shift(lengths, values, label, draws, spans=3)
    assert (result.run_share >= LONG_RUN).all() == (run > 2)
    group, n_lag, lag = plan.shift_group.tolist(), plan.n_lag.tolist(), plan.lag.tolist()
    for k in range(3):
        for j in range(2):
            column = values[:, j].astype(float).tolist()
            found, root = reference_shift.shifted_statistics(column, label[:, k].tolist(), lengths, n_lag, group, lag)
            if result.run_share[k] >= LONG_RUN:
                found = [x / y for x, y in zip(found, root, strict=True)]
            assert result.p[k, j] == reference_shift.two_sided_p(found)
            assert result.z_observed[k, j] == pytest.approx(found[0] / np.std(found), rel=1e-4)


def test_neurons_do_not_depend_on_their_block_nor_on_spans():
    lengths = np.array([40, 41, 300, 90, 40] * 30)
    values, label = corpus(lengths, n_neuron=12)
    whole = shift(lengths, values, label)
    parts = [shift(lengths, values[:, s], label, spans=n) for s, n in ((slice(0, 5), 7), (slice(5, 12), 150))]
    np.testing.assert_array_equal(whole.p, np.concatenate([part.p for part in parts], axis=1))
    observed = np.concatenate([part.z_observed for part in parts], axis=1)
    np.testing.assert_allclose(whole.z_observed, observed, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(whole.z_maximum, np.maximum(*[part.z_maximum for part in parts]), rtol=1e-3)
    assert np.abs(whole.z_count - sum(part.z_count for part in parts)).sum() <= 0.01 * whole.z_count.sum()


def test_concepts_do_not_depend_on_one_another():
    lengths = np.array([40, 41, 300, 90, 40])
    values, label = corpus(lengths)
    np.testing.assert_array_equal(shift(lengths, values, label).p[2:], shift(lengths, values, label[:, 2:]).p)


def test_swapping_target_and_baseline_turns_the_sign():
    lengths = [150] * 6
    values, label = corpus(lengths)
    there, back = (shift(lengths, values, each) for each in (label, np.where(label >= 0, 1 - label, label)))
    np.testing.assert_allclose(there.z_observed, -back.z_observed, rtol=1e-4)
    np.testing.assert_array_equal(there.p, back.p)


def test_a_level_of_each_document_changes_nothing_and_inputs_stay():
    lengths = [150] * 6
    values, label = corpus(lengths)
    before = values.copy(), label.copy()
    lifted = values + np.repeat(np.arange(6), 150)[:, None].astype(np.float32)
    np.testing.assert_array_equal(shift(lengths, values, label).p, shift(lengths, lifted, label).p)
    np.testing.assert_array_equal(values, before[0])
    np.testing.assert_array_equal(label, before[1])


def test_what_cannot_be_shifted_is_undefined_and_says_why():
    lengths = [100, 120, 140]
    values, label = corpus(lengths, n_concept=6)
    label[:, 0] = 1
    label[:, 1] = 0
    label[:, 2] = np.repeat([1, 0, 1], lengths)
    label[100:, 3] = 0
    label[:, 4] = -1
    result, sizes = shift(lengths, values, label), group_sizes(label)
    assert np.isnan(result.p[:5]).all()
    assert np.isnan(result.z_observed[:5]).all()
    assert (result.z_maximum[:, :5] == 0).all()
    assert np.isfinite(result.p[5]).all()
    reasons = why_no_shift(sizes, result.n_document, 3)
    expected = ["no token is baseline", "no token is target", "no document holds both", "only one document holds both"]
    assert all(reason.startswith(text) for reason, text in zip(reasons, expected, strict=False))
    assert reasons[4:] == ["no token is target", ""]


def test_one_document_says_so():
    values, label = corpus([300])
    result = shift([300], values, label)
    assert np.isnan(result.p).all()
    (reason, *_) = why_no_shift(group_sizes(label), result.n_document, 1)
    assert reason.startswith("the corpus is one document")


def test_constant_and_absent_neurons_are_undefined():
    lengths = [100, 120]
    values, label = corpus(lengths)
    values[:, 0], values[:, 1] = 0.7, np.nan
    values[:, 2] = 1e-9 * values[:, 3]
    result = shift(lengths, values, label)
    assert np.isnan(result.p[:, :3]).all()
    assert np.isfinite(result.p[:, 3]).all()
    np.testing.assert_allclose(result.z_maximum, shift(lengths, values[:, 3:], label).z_maximum, atol=1e-5)
    assert result.z_count.sum() == 3 * 99


def test_a_neuron_that_moves_only_where_the_label_is_absent_is_undefined():
    lengths = [60, 60, 60]
    values, label = corpus(lengths, n_neuron=1, n_concept=1)
    values[:120], label[120:] = 0.25, 0
    assert np.isnan(shift(lengths, values, label).p).all()


def test_equal_arrangements_count_as_reaching():
    values, label = np.array([[0.1], [0.9], [0.1], [0.9]]), np.array([[0], [1], [0], [1]], dtype=np.int8)
    p = shift([2, 2], values, label, draws=999).p
    assert p == pytest.approx(0.5, abs=0.05)


def test_documents_come_once_and_whole():
    plan = plan_shifts(np.array([5, 6]), 9, seed=0)
    null = ShiftNull(plan, np.array([[5, 6]]), 1)
    with pytest.raises(UserError, match="not whole documents"):
        null.add(0, np.zeros((7, 1), np.float32), np.zeros((7, 1), np.int8))
    with pytest.raises(UserError, match="not whole documents"):
        null.add(1, np.zeros((7, 1), np.float32), np.zeros((7, 1), np.int8))
    null.add(0, np.zeros((5, 1), np.float32), np.zeros((5, 1), np.int8))
    with pytest.raises(UserError, match="were there before"):
        null.add(0, np.zeros((5, 1), np.float32), np.zeros((5, 1), np.int8))
    with pytest.raises(UserError, match="without document 1"):
        null.finish()


def test_mid_ranks_are_those_of_all_tokens():
    rng = np.random.default_rng(0)
    bins = rng.integers(0, 6, (500, 3)).astype(np.uint8)
    histogram = np.stack([np.bincount(column, minlength=7) for column in bins.T])
    expected = np.stack([[((c < x).sum() + (c == x).sum() / 2) / 500 for x in c[:40]] for c in bins.T], axis=1)
    np.testing.assert_allclose(rank_values(bins[:40], histogram), expected, rtol=1e-6)
    assert np.isnan(rank_values(bins[:2], np.zeros((3, 7), np.int64))).all()


def test_pooled_p_counts_the_draws_of_all_neurons():
    rng = np.random.default_rng(0)
    draws, observed = rng.standard_t(5, size=(4000, 2)), np.array([[0.0, 1.0, -2.5, 40.0, np.nan]] * 2)
    p = counted_p(observed, np.stack([count_z(column) for column in draws.T]))
    for k in range(2):
        exact = [((np.abs(draws[:, k]) >= abs(z)).sum() + 1) / 4001 for z in observed[k, :4]]
        np.testing.assert_allclose(p[k, :4], exact, rtol=0.03)
        assert (p[k, :4] >= exact).all()
    assert np.isnan(p[:, 4]).all()
