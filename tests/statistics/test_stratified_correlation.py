"""Correlations and their stratified test against slow loops and scipy; size and power."""

import numpy as np
import pytest
from scipy import stats

from lstm_analysis.statistics.stratified_correlation import (
    correlation,
    correlation_interval,
    partial_correlation,
    stratified_test,
)


def loop_partial(x, y, stratum):
    """Slow reference: deviations from the mean of the stratum, row by row."""
    dx, dy = [], []
    for i in range(len(x)):
        same = [j for j in range(len(x)) if stratum[j] == stratum[i]]
        dx.append(x[i] - sum(x[j] for j in same) / len(same))
        dy.append(y[i] - sum(y[j] for j in same) / len(same))
    sxy = sum(a * b for a, b in zip(dx, dy, strict=True))
    return sxy / (sum(a * a for a in dx) * sum(b * b for b in dy)) ** 0.5


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    stratum = rng.integers(0, 12, 60)
    x = stratum + rng.integers(1, 30, 60).astype(float)
    return x, 0.2 * x[:, None] + 3 * rng.normal(size=(60, 4)) - stratum[:, None], stratum


def test_correlations_equal_loops_and_scipy(rows):
    x, y, stratum = rows
    np.testing.assert_allclose(correlation(x, y), [stats.pearsonr(x, column).statistic for column in y.T])
    wanted = [loop_partial(x, column, stratum) for column in y.T]
    np.testing.assert_allclose(partial_correlation(x, y, stratum), wanted)
    found = stratified_test(x, y, stratum, 0, n_draw=9)
    np.testing.assert_allclose(found.r, wanted)
    assert found.n_used == sum(np.bincount(stratum)[np.bincount(stratum) > 1])


def test_draws_are_permutations_within_strata_with_the_stated_deviation(rows):
    x, y, stratum = rows
    found = stratified_test(x, y, stratum, 1, n_draw=4000)
    np.testing.assert_allclose(found.z_draw.std(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(found.z_draw.mean(axis=0), 0, atol=0.06)
    b = (np.abs(found.z_draw) >= np.abs(found.z) * (1 - 1e-9)).sum(axis=0)
    np.testing.assert_allclose(found.p, (b + 1) / 4001)


def test_two_rows_a_stratum_are_swapped_half_the_time():
    x, y = np.array([0.0, 1, 5, 7]), np.array([[0.0], [2], [1], [4]])
    found = stratified_test(x, y, np.array([0, 0, 1, 1]), 3, n_draw=4000)
    values, counts = np.unique(found.z_draw.round(9), return_counts=True)
    assert len(values) == 4
    np.testing.assert_allclose(counts / 4000, 0.25, atol=0.03)
    assert found.p[0] == pytest.approx(0.5, abs=0.03)


def test_neither_the_neurons_beside_nor_the_order_of_draws_matters(rows):
    x, y, stratum = rows
    whole = stratified_test(x, y, stratum, 5, n_draw=99)
    for n in range(y.shape[1]):
        alone = stratified_test(x, y[:, n : n + 1], stratum, 5, n_draw=99)
        np.testing.assert_allclose(alone.z_draw[:, 0], whole.z_draw[:, n], rtol=1e-9)
        assert alone.p[0] == whole.p[n]


def test_undefined_is_nan(rows):
    x, y, stratum = rows
    y = np.stack([y[:, 0], np.ones(60), stratum.astype(float), np.full(60, np.nan)], axis=1)
    found = stratified_test(x, y, stratum, 0, n_draw=19)
    assert np.isfinite(found.p).tolist() == [True, False, False, False]
    assert np.isfinite(found.r).tolist() == [True, False, False, False]
    assert np.isfinite(correlation(x, y)).tolist() == [True, False, True, False]
    assert np.isnan(stratified_test(x, y, np.arange(60), 0, n_draw=9).p).all()
    assert stratified_test(x[:0], y[:0], stratum[:0], 0, n_draw=9).n_used == 0
    assert np.isnan(correlation(x[:0], y[:0])).all()
    assert np.isnan(correlation_interval(x, y, np.zeros(60, int))[0]).all()


def test_the_interval_is_the_jackknife_of_fishers_z(rows):
    x, y, _ = rows
    block = np.repeat(np.arange(10), 6)
    low, high = correlation_interval(x, y, block)
    for n in range(4):
        rest = [np.arctanh(stats.pearsonr(x[block != b], y[block != b, n]).statistic) for b in range(10)]
        error = (0.9 * sum((value - np.mean(rest)) ** 2 for value in rest)) ** 0.5
        centre = np.arctanh(stats.pearsonr(x, y[:, n]).statistic)
        wanted = np.tanh([centre - stats.t.ppf(0.975, 9) * error, centre + stats.t.ppf(0.975, 9) * error])
        np.testing.assert_allclose((low[n], high[n]), wanted)


def clustered(rng, slope, n_neuron):
    """Rows in 30 blocks; blocks differ in both variables' means (uncorrelated), and lengths differ by stratum."""
    block = np.repeat(np.arange(30), 20)
    x = rng.normal(size=(30, 1))[block][:, 0] + rng.normal(size=600)
    y = slope * x[:, None] + rng.normal(size=(30, n_neuron))[block] + rng.normal(size=(600, n_neuron))
    return x, y, block


def test_size_and_power_of_the_test_and_coverage_of_the_interval():
    rng = np.random.default_rng(4)
    x, y, block = clustered(rng, 0.0, 1000)
    assert 0.03 <= (stratified_test(x, y, block, 0, n_draw=199).p <= 0.05).mean() <= 0.07
    assert (stats.pearsonr(x[:, None], y, axis=0).pvalue <= 0.05).mean() > 0.3
    x, y, block = clustered(rng, 0.15, 200)
    assert (stratified_test(x, y, block, 0, n_draw=199).p <= 0.05).mean() > 0.8
    inside = []
    for _ in range(40):
        x, y, block = clustered(rng, 0.4, 25)
        truth = 0.4 * 2 / (2 * (0.16 * 2 + 2)) ** 0.5
        low, high = correlation_interval(x, y, block)
        inside.append((low <= truth) & (truth <= high))
    assert 0.9 <= np.mean(inside) <= 0.97
