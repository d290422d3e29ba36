"""Breadth: exact on a planted example, valid where effects are shared by few idioms or have random signs."""

import numpy as np
import pytest
from scipy import stats

from lstm_analysis.statistics.partial_conjunction import breadth_lower_bound, breadth_of_family


def slow_breadth(p, alpha):
    known = sorted(1.0 if np.isnan(x) else x for x in p)
    return max((u for u in range(1, len(known) + 1) if (len(known) - u + 1) * known[u - 1] <= alpha), default=0)


@pytest.mark.parametrize("n_unit", [0, 1, 5, 12])
def test_equals_the_slow_loop(n_unit):
    rng = np.random.default_rng(n_unit)
    p = rng.uniform(size=(n_unit, 300)) ** rng.uniform(1, 6, 300)
    p[rng.random(p.shape) < 0.05] = np.nan
    assert breadth_lower_bound(p, 0.05).tolist() == [slow_breadth(column, 0.05) for column in p.T]


def test_a_planted_example_is_exact():
    """A neuron with an effect at exactly u of 10 idioms has the bound u, whichever u."""
    for u in range(11):
        above = np.full((10, 4), 0.4)
        above[:u, 2] = 1e-9
        found = breadth_of_family(above, 1 - above, 0.05)
        assert found.lower_bound.tolist() == [0, 0, u, 0]
        assert found.direction.tolist() == [0, 0, int(u > 0), 0]


def test_opposite_effects_are_not_added():
    p = np.array([[1e-9], [1e-9], [1e-9], [1 - 1e-9], [1 - 1e-9]])
    found = breadth_of_family(p, 1 - p, 0.05)
    assert (found.lower_bound[0], found.direction[0]) == (3, 1)


def test_neurons_without_p_do_not_cost_others():
    p = np.full((6, 100), np.nan)
    p[:, 0] = 0.02
    assert breadth_of_family(p, 1 - p, 0.05).lower_bound[0] == 6


@pytest.mark.slow
@pytest.mark.parametrize("true_breadth", [0, 1, 3])
def test_too_much_breadth_is_claimed_rarely(true_breadth):
    rng, n_false = np.random.default_rng(true_breadth), 0
    for _ in range(2000):
        z = rng.normal(size=(10, 20))
        z[:true_breadth] += 6
        found = breadth_of_family(stats.norm.sf(z), stats.norm.cdf(z), 0.05)
        n_false += (found.lower_bound > true_breadth).any()
    assert n_false / 2000 < 0.065
