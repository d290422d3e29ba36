"""Circular shifts of graded variables: against a loop over tokens, and how often they are wrong."""

import numpy as np
import pytest
import reference_graded as reference
from drifting import document_lengths, drifting_neurons

from lstm_analysis.errors import UserError
from lstm_analysis.statistics.graded_shift import GradedShift
from lstm_analysis.statistics.shift_plan import plan_shifts


def as_grades(column):
    return np.array([np.nan if g is None else g for g in reference.grades(column)], np.float32)


def shift(lengths, values, grade, seed=0, draws=199, parts=1):
    null = GradedShift(plan_shifts(lengths, draws, seed), grade.shape[1], values.shape[1])
    start = np.append(0, np.cumsum(lengths))
    for documents in np.array_split(np.arange(len(lengths)), parts):
        at = slice(start[documents[0]], start[documents[-1] + 1])
        null.add(int(documents[0]), values[at].astype(np.float32), grade[at])
    return null.finish()


@pytest.mark.parametrize("n_document", [6, 132])
def test_equals_a_loop_over_tokens(n_document):
    rng = np.random.default_rng(n_document)
    lengths = rng.integers(1, 9, n_document)
    lengths[0] = 150
    n = int(lengths.sum())
    values = rng.normal(size=(n, 2)).astype(np.float32)
    columns = rng.integers(-1, 90, (n, 2))
    plan = plan_shifts(lengths, 30, 3)
    found = shift(lengths, values, np.stack([as_grades(column) for column in columns.T.tolist()], 1), 3, 30)
    for k in range(2):
        for j in range(2):
            parts = (lengths.tolist(), plan.n_lag.tolist(), plan.shift_group.tolist(), plan.lag.tolist())
            covariance, root = reference.covariances(values[:, j].tolist(), columns[:, k].tolist(), *parts)
            scaled = np.array(covariance) / np.array(root)
            assert found.z_observed[k, j] == pytest.approx(scaled[0] / scaled.std(), abs=2e-3)
            wanted = (sum(abs(scaled[1:]) >= abs(scaled[0]) * (1 - 1e-6)) + 1) / 31
            assert found.p[k, j] == pytest.approx(wanted, abs=1e-12)


def test_the_cut_into_passages_does_not_show():
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 60, 30)
    values, grade = rng.normal(size=(lengths.sum(), 3)), rng.random((lengths.sum(), 2)).astype(np.float32)
    whole, cut = (shift(lengths, values, grade, parts=parts) for parts in (1, 7))
    np.testing.assert_array_equal(whole.p, cut.p)
    np.testing.assert_allclose(whole.z_observed, cut.z_observed, atol=1e-5)


def test_what_is_undefined_is_nan():
    rng = np.random.default_rng(1)
    lengths = np.array([40, 40, 40])
    values = rng.normal(size=(120, 3)).astype(np.float32)
    values[:, 1], values[:, 2] = 0.25, np.nan
    constant, missing, once = np.full(120, 0.5), np.full(120, np.nan), np.full(120, 0.5)
    once[:10] = 0.2
    grade = np.stack([rng.random(120), constant, missing, once], axis=1).astype(np.float32)
    found = shift(lengths, values, grade)
    assert found.n_document.tolist() == [3, 0, 0, 1]
    assert np.isfinite(found.p[0, 0])
    assert np.isnan(found.p[0, 1:]).all()
    assert np.isnan(found.p[1:]).all()


def test_documents_must_come_whole_and_once():
    null = GradedShift(plan_shifts(np.array([5, 5]), 9, 0), 1, 1)
    values, grade = np.zeros((5, 1), np.float32), np.zeros((5, 1), np.float32)
    with pytest.raises(UserError, match="whole documents"):
        null.add(0, values[:3], grade[:3])
    null.add(0, values, grade)
    with pytest.raises(UserError, match="were there before"):
        null.add(0, values, grade)
    with pytest.raises(UserError, match="without document 1"):
        null.finish()


def depths(rng, length):
    """A bracketing: up, down or neither at each token; now and then a token has no depth."""
    steps, depth, found = rng.choice([0, 1, -1], length, p=[0.8, 0.1, 0.1]), 0, []
    for step in steps:
        depth = max(0, depth + step)
        found.append(min(depth, 9))
    return np.where(rng.random(length) < 0.1, np.nan, found)


def columns(rng, length):
    return np.arange(length) % rng.integers(5, 30)


def walks(rng, length):
    return np.cumsum(rng.normal(size=length))


def share_called(variable, n_document, length, rho, n_repeat, alpha=0.05):
    """Share of p, and of p for the largest of 20 neurons, that are at most alpha where no neuron knows the variable."""
    single, largest = [], []
    for repeat in range(n_repeat):
        rng = np.random.default_rng([repeat, n_document, length, round(100 * rho)])
        lengths = document_lengths(rng, n_document, length)
        values = np.tanh(drifting_neurons(rng, lengths, rho, 20))
        grade = np.stack([np.concatenate([variable(rng, n) for n in lengths]) for _ in range(8)], axis=1)
        found = shift(lengths, values, grade.astype(np.float32), repeat)
        most = np.abs(found.z_observed).max(axis=1)
        single.append(found.p.ravel())
        largest.append(((found.z_maximum >= most).sum(axis=0) + 1) / 200)
    return np.mean(np.concatenate(single) <= alpha), np.mean(np.concatenate(largest) <= alpha)


@pytest.mark.parametrize("variable", [depths, columns])
def test_it_holds_its_size_for_neurons_that_drift_and_variables_that_stay(variable):
    single, _ = share_called(variable, 20, 300, 0.99, 4)
    assert 0.03 <= single <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("variable", [depths, columns, walks])
@pytest.mark.parametrize(("n_document", "length", "rho"), [(20, 500, 0.99), (40, 200, 0.9), (300, 40, 0.99)])
def test_it_holds_its_size_over_all_neurons_too(variable, n_document, length, rho):
    single, largest = share_called(variable, n_document, length, rho, 20)
    assert 0.03 <= single <= 0.07
    assert 0.01 <= largest <= 0.1


def test_it_finds_a_neuron_that_follows_the_variable():
    rng = np.random.default_rng(5)
    lengths = document_lengths(rng, 20, 300)
    depth = np.concatenate([depths(rng, n) for n in lengths])
    values = np.tanh(drifting_neurons(rng, lengths, 0.9, 20))
    values[:, 3] += 0.1 * np.nan_to_num(depth)
    found = shift(lengths, values, depth[:, None].astype(np.float32))
    assert found.p[0, 3] == pytest.approx(1 / 200)
    assert (found.z_maximum[:, 0] < abs(found.z_observed[0, 3])).all()
