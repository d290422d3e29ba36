"""P-values from draws, max-T and the false discovery rate: loops, scipy, and what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from lstm_analysis.statistics.multiplicity import benjamini_hochberg, max_t_p, permutation_p, pooled_p

P_VALUES = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1))
SMALL = st.integers(-3, 3).map(float)


@given(P_VALUES)
def test_benjamini_hochberg_equals_scipy(p):
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p), rel=1e-12)


@given(P_VALUES, st.data())
def test_what_was_not_tested_does_not_count(p, data):
    place = data.draw(st.integers(0, len(p)))
    q = benjamini_hochberg(np.insert(p, place, np.nan))
    assert np.isnan(q[place])
    assert np.delete(q, place) == pytest.approx(benjamini_hochberg(p))


def test_the_whole_array_is_one_family():
    p = np.random.default_rng(0).random((3, 4, 5))
    expected = stats.false_discovery_control(p.ravel()).reshape(p.shape)
    assert benjamini_hochberg(p) == pytest.approx(expected)
    assert benjamini_hochberg(np.full((2, 3), np.nan)).shape == (2, 3)
    assert benjamini_hochberg([]).shape == (0,)


@given(hnp.arrays(np.float64, (6, 3), elements=SMALL), hnp.arrays(np.float64, 3, elements=SMALL))
def test_permutation_p_equals_the_loop(draws, observed):
    expected = [(sum(draw[j] >= observed[j] for draw in draws) + 1) / (len(draws) + 1) for j in range(3)]
    assert permutation_p(observed, draws) == pytest.approx(expected)
    alone = [max_t_p(observed[j : j + 1], draws[:, j])[0] for j in range(3)]
    assert alone == pytest.approx(expected)


@given(hnp.arrays(np.float64, (6, 3), elements=SMALL), hnp.arrays(np.float64, 3, elements=SMALL))
def test_pooled_and_max_t_equal_the_loop(draws, observed):
    pooled = [(sum(v >= x for v in draws.ravel()) + 1) / (draws.size + 1) for x in observed]
    largest = [(sum(max(draw) >= x for draw in draws) + 1) / (len(draws) + 1) for x in observed]
    assert pooled_p(observed, draws) == pytest.approx(pooled)
    assert max_t_p(observed, draws.max(axis=1)) == pytest.approx(largest)


def test_the_same_sum_in_another_order_counts_as_equal():
    assert permutation_p([0.1 + 0.2 + 0.3], [[0.3 + 0.2 + 0.1]]).tolist() == [1.0]
    assert pooled_p([0.1 + 0.2 + 0.3], [0.3 + 0.2 + 0.1]).tolist() == [1.0]


def test_an_undefined_statistic_has_no_p():
    assert np.isnan(permutation_p([np.nan, 1.0], [[1.0, np.nan], [1.0, 2.0]])).all()
    assert np.isnan(max_t_p([np.nan], [1.0])).all()
    assert pooled_p([1.0], [np.nan, 2.0]).tolist() == [1.0]


def test_max_t_keeps_the_family_wise_error():
    rng = np.random.default_rng(1)
    common, own = rng.standard_normal((2000, 1)), rng.standard_normal((2000, 50))
    draws = np.abs(np.sqrt(0.5) * common + np.sqrt(0.5) * own)
    first, second = draws[:1000], draws[1000:]
    wrong = [bool((max_t_p(observed, second.max(axis=1)) <= 0.05).any()) for observed in first]
    assert 0.03 <= np.mean(wrong) <= 0.07
