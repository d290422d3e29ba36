"""Means over units against scipy, the variance between units against its equation, coverage of the interval."""

import numpy as np
import pytest
from scipy import optimize, stats
from simulated_idioms import effects

from lstm_analysis.statistics.random_effects import mean_over_units, variance_between


def test_interval_and_p_are_those_of_scipy():
    values = np.random.default_rng(0).normal(0.1, 1, (9, 5))
    found, wanted = mean_over_units(values, alpha=0.1), stats.ttest_1samp(values, 0)
    np.testing.assert_allclose(found.p_value, wanted.pvalue)
    interval = wanted.confidence_interval(0.9)
    np.testing.assert_allclose([found.low, found.high], [interval.low, interval.high])


def test_few_units_are_described():
    assert np.isnan(mean_over_units(np.empty((0, 2))).mean).all()
    alone = mean_over_units(np.array([[0.2, np.nan]]))
    assert alone.mean[0] == 0.2
    assert np.isnan([alone.low[0], alone.p_value[0], alone.mean[1]]).all()
    assert np.isnan(variance_between(np.array([[0.2]]), np.array([[0.01]]))).all()


def test_equal_estimates_are_not_infinitely_sure():
    found = mean_over_units(np.full((6, 2), [0.5, 0.0]), smallest_variance=1e-4)
    assert 0 < found.p_value[0] < 1e-9
    assert found.p_value[1] == 1
    assert found.low[0] < 0.5 < found.high[0]
    assert mean_over_units(np.full((6, 1), 0.5)).p_value[0] == 0


def test_variance_between_solves_its_equation():
    rng = np.random.default_rng(1)
    values, variance = rng.normal(0, 0.3, (8, 20)), rng.uniform(0.001, 0.05, (8, 20))
    found = variance_between(values, variance)

    def excess(tau2, n):
        weight = 1 / (variance[:, n] + tau2)
        mean = (weight * values[:, n]).sum() / weight.sum()
        return (weight * (values[:, n] - mean) ** 2).sum() - 7

    for n in range(20):
        wanted = optimize.brentq(excess, 0, 10, args=(n,), xtol=1e-14) if excess(0, n) > 0 else 0
        assert found[n] == pytest.approx(wanted, abs=1e-12)
    assert (found > 0).any()
    assert (variance_between(values * 1e-3, variance) == 0).all()


def test_variance_between_is_found_on_average():
    rng = np.random.default_rng(2)
    variance = np.repeat(rng.uniform(0.002, 0.02, (30, 1)), 3000, axis=1)
    values = rng.normal(0, np.sqrt(variance + 0.01))
    assert variance_between(values, variance).mean() == pytest.approx(0.01, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("n_idiom", [6, 20])
def test_coverage_over_idioms(n_idiom):
    values = effects(np.random.default_rng(n_idiom), n_idiom, 3000, 3000, 0.7)
    truth = effects(np.random.default_rng(99), 400, 200, 200, 0.7).mean()
    found = mean_over_units(values)
    assert truth == pytest.approx(0.2, abs=0.01)
    assert 0.93 < ((found.low <= truth) & (truth <= found.high)).mean() < 0.97
