"""The sign flip against a slow loop, its size where other tests fail, and its power."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from simulated_idioms import N_OCCURRENCE, auroc_of, effects, occurrences

from lstm_analysis.statistics.multiplicity import benjamini_hochberg
from lstm_analysis.statistics.random_effects import mean_over_units
from lstm_analysis.statistics.sign_flip import draw_flips, fewest_units, sign_flip


def slow_sign_flip(values):
    """Return p and max-T p by going through all flips, one neuron after the other."""
    n_unit, n_neuron = values.shape
    size = [np.sqrt(sum(x * x for x in values[:, n])) for n in range(n_neuron)]
    observed = [abs(sum(values[:, n])) / size[n] for n in range(n_neuron)]
    alone, anywhere = [0] * n_neuron, [0] * n_neuron
    for signs in product((1, -1), repeat=n_unit):
        flipped = [abs(sum(s * x for s, x in zip(signs, values[:, n], strict=True))) / size[n] for n in range(n_neuron)]
        for n in range(n_neuron):
            alone[n] += flipped[n] >= observed[n] - 1e-9
            anywhere[n] += max(flipped) >= observed[n] - 1e-9
    return np.array(alone) / 2**n_unit, np.array(anywhere) / 2**n_unit


@pytest.mark.parametrize("n_unit", [1, 2, 5, 7])
def test_all_flips_equal_the_slow_loop(n_unit):
    values = np.random.default_rng(n_unit).normal(0.3, 1, (n_unit, 6))
    found = sign_flip(values)
    p_value, p_fwer = slow_sign_flip(values)
    np.testing.assert_allclose(found.p_value, p_value, atol=1e-12)
    np.testing.assert_allclose(found.p_fwer, p_fwer, atol=1e-12)
    assert found.n_flip == 2**n_unit


def test_p_is_that_of_scipy():
    values = np.random.default_rng(0).normal(0.3, 1, (8, 3))
    for n in range(3):
        outcome = stats.permutation_test((values[:, n],), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert sign_flip(values).p_value[n] == pytest.approx(outcome.pvalue)


def test_drawn_flips_agree_with_all_of_them():
    values = np.random.default_rng(1).normal(0.3, 1, (14, 5))
    drawn = sign_flip(values, draws=20000, seed=3)
    exact, _ = slow_sign_flip(values)
    np.testing.assert_allclose(drawn.p_value, exact, atol=0.012)
    assert drawn.n_flip == 20001
    assert sign_flip(values, draws=99).p_value.min() >= 0.01
    np.testing.assert_array_equal(
        sign_flip(values, draws=50, seed=3).p_fwer, sign_flip(values, draws=50, seed=3).p_fwer
    )


def test_flips_do_not_depend_on_the_neurons():
    values = np.random.default_rng(2).normal(0.3, 1, (15, 40))
    whole, part = sign_flip(values, draws=199), sign_flip(values[:, 10:20], draws=199)
    np.testing.assert_allclose(whole.p_value[10:20], part.p_value)
    assert (draw_flips(15, 199, 0)[0] == 1).all()


def test_undefined_neurons_stay_out_and_neurons_without_effect_have_p_one():
    values = np.random.default_rng(3).normal(0.3, 1, (7, 4))
    with_more = np.concatenate([values, np.full((7, 1), np.nan), np.zeros((7, 1))], axis=1)
    np.testing.assert_allclose(sign_flip(with_more).p_fwer[:4], sign_flip(values).p_fwer)
    assert np.isnan(sign_flip(with_more).p_fwer[4])
    assert sign_flip(with_more).p_value[5] == sign_flip(with_more).p_fwer[5] == 1
    assert np.isnan(sign_flip(np.empty((0, 2))).p_value).all()


@pytest.mark.parametrize(("alpha", "fewest"), [(0.05, 6), (0.01, 8), (0.0625, 5), (0.5, 2)])
def test_fewest_units_can_just_reach_alpha(alpha, fewest):
    assert fewest_units(alpha) == fewest
    assert sign_flip(np.ones((fewest, 1))).p_value[0] <= alpha
    assert sign_flip(np.ones((fewest - 1, 1))).p_value[0] > alpha


@pytest.mark.slow
@pytest.mark.parametrize("n_idiom", [10, 20])
def test_size_is_right_where_tests_over_occurrences_fail(n_idiom):
    """4,000 neurons that know nothing, each with its own idioms."""
    target, control = occurrences(np.random.default_rng(n_idiom), n_idiom, 4000)
    auroc = auroc_of(target, control) - 0.5
    assert 0.04 < (sign_flip(auroc, draws=1999).p_value <= 0.05).mean() < 0.06
    assert 0.035 < (mean_over_units(auroc).p_value <= 0.05).mean() < 0.065
    pooled = stats.mannwhitneyu(
        target.transpose(1, 0, 2).reshape(4000, -1), control.transpose(1, 0, 2).reshape(4000, -1), axis=1
    )
    assert 0.13 < (pooled.pvalue <= 0.05).mean() < 0.28
    variance = (2 * N_OCCURRENCE + 1) / (12 * N_OCCURRENCE**2)
    fixed_effect = abs(auroc.sum(axis=0)) / np.sqrt(n_idiom * variance)
    assert 0.15 < (fixed_effect > 1.96).mean() < 0.28


@pytest.mark.slow
@pytest.mark.parametrize("n_idiom", [8, 14])
def test_max_t_keeps_the_error_of_the_family(n_idiom):
    rng = np.random.default_rng(5)
    false = [(sign_flip(effects(rng, n_idiom, 200), draws=499).p_fwer <= 0.05).any() for _ in range(400)]
    assert np.mean(false) < 0.085  # three standard errors above .05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_idiom", "max_t", "by_bh"),
    [(6, (0.03, 0.25), (0.3, 0.65)), (10, (0.4, 0.75), (0.88, 1)), (20, (0.97, 1), (0.98, 1))],
)
def test_power(n_idiom, max_t, by_bh):
    """20 of 200 neurons with AUROC .75; expected are about .13, .53, .99 by max-T and .48, .94, 1 by BH."""
    rng, found = np.random.default_rng(6), []
    for _ in range(60):
        values = effects(rng, n_idiom, 200, 20, 0.75)
        q_value = benjamini_hochberg(mean_over_units(values).p_value)
        found.append([(p[:20] <= 0.05).mean() for p in (sign_flip(values, draws=999).p_fwer, q_value)])
    for power, (low, high) in zip(np.mean(found, axis=0), (max_t, by_bh), strict=True):
        assert low <= power <= high
