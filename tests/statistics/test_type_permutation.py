"""Permuted categories against loops and full enumeration; laws; size, power and family-wise error."""

import numpy as np
import pytest
import reference_types as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis.statistics import type_draws
from lstm_analysis.statistics.multiplicity import benjamini_hochberg, pooled_p
from lstm_analysis.statistics.strata import Matching, classify_types, match_types
from lstm_analysis.statistics.type_draws import draw_categories, lay_out, studentised
from lstm_analysis.statistics.type_order import order_types
from lstm_analysis.statistics.type_permutation import describe_category, permute_category

SEEDS = st.integers(0, 2**32 - 1)


def random_matching(rng, sizes, n_outside=2):
    """Strata of (members, others), shuffled among types that are not used."""
    stratum, member = [-1] * n_outside, [False] * n_outside
    for code, (n_member, n_other) in enumerate(sizes):
        stratum += [code] * (n_member + n_other)
        member += [True] * n_member + [False] * n_other
    order = rng.permutation(len(stratum))
    return Matching(np.array(stratum)[order], np.array(member)[order], 0, ())


def describe(effect, matching, n_token, resolution=1e-9):
    order = order_types(effect, np.full(effect.shape[1], resolution))
    return describe_category(effect, order, matching, n_token)


@given(SEEDS, st.booleans())
@settings(max_examples=40)
def test_descriptions_equal_the_loops(seed, ties):
    rng = np.random.default_rng(seed)
    matching = random_matching(rng, [(rng.integers(1, 9), rng.integers(5, 25)) for _ in range(3)])
    effect = rng.integers(-3, 4, (len(matching.stratum), 4)).astype(float)
    effect += 0 if ties else rng.random(effect.shape)
    n_token = rng.permutation(len(effect)) + 5
    found = describe(effect, matching, n_token)
    members = np.flatnonzero(matching.member)
    ranked = members[np.argsort(-n_token[members])]
    for j in range(4):
        column = effect[:, j]
        assert found.smd[j] == pytest.approx(reference.smd(column, matching, members), abs=1e-12)
        assert found.smd_odd[j] == pytest.approx(reference.smd(column, matching, ranked[::2]), abs=1e-12)
        assert found.smd_even[j] == pytest.approx(reference.smd(column, matching, ranked[1::2]), abs=1e-12)
        assert found.auroc[j] == pytest.approx(reference.auroc(column, matching, members), abs=1e-12)
        if abs(found.smd[j]) > 1e-12:
            assert found.breadth[j] == pytest.approx(reference.breadth(column, matching, members), abs=1e-12)


@pytest.mark.parametrize("sizes", [[(2, 3), (1, 4)], [(4, 2), (1, 3), (2, 2)], [(1, 1), (3, 2)]])
def test_the_null_is_that_of_all_categories(sizes):
    rng = np.random.default_rng(0)
    matching = random_matching(rng, sizes)
    effect = rng.standard_normal((len(matching.stratum), 3))
    layout = lay_out(matching)
    sd, observed, z = studentised(effect, layout, draw_categories(layout, 40_000, rng))
    for j in range(3):
        every = reference.differences(effect[:, j], matching)
        assert sd[j] == pytest.approx(every.std(), rel=1e-6)
        members = np.flatnonzero(matching.member)
        assert observed[j] * sd[j] == pytest.approx(reference.smd(effect[:, j], matching, members), abs=1e-6)
        limits = np.linspace(-2.5, 2.5, 21)
        expected = [(every / every.std() <= limit).mean() for limit in limits]
        assert [(z[:, j] <= limit).mean() for limit in limits] == pytest.approx(expected, abs=0.015)
        p = permute_category(effect, matching, 20_000, rng).p[j]
        exact = (np.abs(every) >= abs(observed[j] * sd[j]) - 1e-6).mean()
        assert p == pytest.approx(exact, abs=0.015)


def test_a_category_drawn_again_gives_the_same_bits():
    rng = np.random.default_rng(0)
    matching = random_matching(rng, [(2, 3), (3, 2)])
    layout = lay_out(matching)
    drawn = draw_categories(layout, 500, rng)
    _, observed, z = studentised(rng.standard_normal((len(matching.stratum), 5)), layout, drawn)
    again = (drawn == layout.chosen).all(axis=1)
    assert again.any()
    assert (z[again] == observed).all()


@given(SEEDS, st.integers(1, 7))
@settings(max_examples=20)
def test_no_neuron_depends_on_those_beside_it(seed, block):
    rng = np.random.default_rng(seed)
    matching = random_matching(rng, [(3, 9), (4, 4)])
    effect = rng.standard_normal((len(matching.stratum), 9))
    whole = permute_category(effect, matching, 50, np.random.default_rng(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type_draws, "NEURON_BLOCK", block)
        cut = permute_category(effect, matching, 50, np.random.default_rng(1))
    alone = permute_category(effect[:, 4:5], matching, 50, np.random.default_rng(1))
    for name in ("p", "p_fwer", "p_pooled", "control"):
        assert np.array_equal(getattr(whole, name), getattr(cut, name))
    assert alone.p[0] == whole.p[4]
    assert alone.control[0] == whole.control[4]


def test_a_sign_turned_round_turns_the_scores_round():
    rng = np.random.default_rng(0)
    matching = random_matching(rng, [(6, 30), (5, 20)])
    effect, n_token = rng.standard_normal((len(matching.stratum), 6)), np.arange(len(matching.stratum)) + 5
    up, down = describe(effect, matching, n_token), describe(-effect, matching, n_token)
    assert down.smd == pytest.approx(-up.smd)
    assert down.auroc == pytest.approx(1 - up.auroc)
    assert down.breadth == pytest.approx(up.breadth)
    p = [permute_category(s * effect, matching, 200, np.random.default_rng(0)).p for s in (1, -1)]
    assert np.array_equal(*p)


def test_equal_effects_have_no_p():
    rng = np.random.default_rng(0)
    matching = random_matching(rng, [(3, 9), (4, 4)])
    level = np.array([0.1, 0.7, 0.0])[matching.stratum]
    effect = np.stack([level, np.full(len(level), 0.1), rng.standard_normal(len(level))], axis=1)
    test = permute_category(effect, matching, 99, rng)
    assert np.isnan(test.p[:2]).all()
    assert np.isnan(test.p_fwer[:2]).all()
    assert np.isnan(test.control[:2]).all()
    assert np.isfinite(test.p_pooled[2])
    none = permute_category(effect[:, :2], matching, 99, rng)
    assert np.isnan(none.p_fwer).all()


def test_values_within_the_resolution_are_ties():
    rng = np.random.default_rng(0)
    matching = random_matching(rng, [(10, 30)])
    effect = 1e-9 * rng.standard_normal((len(matching.stratum), 1))
    found = describe(effect, matching, np.arange(len(effect)) + 5, resolution=1e-5)
    assert found.auroc[0] == pytest.approx(0.5, abs=1e-12)
    assert found.breadth[0] == 0.0


def test_breadth_is_exact_on_planted_members():
    rng = np.random.default_rng(0)
    matching = random_matching(rng, [(20, 200), (20, 100)])
    members = np.flatnonzero(matching.member)
    effect = rng.random((len(matching.stratum), 2))
    effect[members[:30], 0] += 2
    effect[members[:30], 1] -= 2
    effect[members[30:]] = 0.5
    assert describe(effect, matching, np.arange(len(effect)) + 5).breadth.tolist() == [0.75, 0.75]


def world(rng, n_member, n_type=2000):
    """Strata of a category among Zipf types."""
    n_token = (50_000 / np.arange(1, n_type + 1)).astype(int) + 5
    member = np.isin(np.arange(n_type), rng.choice(n_type, n_member, replace=False))
    return match_types(classify_types(n_token, None, None), member, np.ones(n_type, bool))


@pytest.mark.slow
def test_family_wise_error_over_correlated_neurons():
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((10, 60))
    wrong, p = [], []
    for _ in range(600):
        effect = rng.standard_normal((500, 10)) @ mix + rng.standard_normal((500, 60))
        test = permute_category(effect, world(rng, 20, 500), 399, rng)
        wrong.append(test.p_fwer.min() <= 0.05)
        p.append(test.p)
    assert 0.03 <= np.mean(wrong) <= 0.07
    assert 0.04 <= np.mean(np.array(p) <= 0.05) <= 0.06


def test_false_discoveries_where_many_neurons_know_one_word():
    """Its word is in the category; such a z is rare among the draws of all neurons, but not among its own."""
    rng = np.random.default_rng(0)
    p, naive = [], []
    for _ in range(20):
        matching = world(rng, 10, 500)
        effect = rng.standard_normal((500, 100))
        effect[rng.choice(np.flatnonzero(matching.member), 10), np.arange(10)] += 100
        layout = lay_out(matching)
        p.append(permute_category(effect, matching, 199, rng).p_pooled)
        _, observed, z = studentised(effect, layout, draw_categories(layout, 199, rng))
        naive.append(pooled_p(np.abs(observed), np.abs(z)))
    assert (benjamini_hochberg(p)[:, :10] <= 0.05).mean() < 0.1
    assert (benjamini_hochberg(naive)[:, :10] <= 0.05).mean() > 0.5
    assert (benjamini_hochberg(p)[:, 10:] <= 0.05).mean() < 0.001


@pytest.mark.slow
@pytest.mark.parametrize(("n_member", "power"), [(10, 0.18), (20, 0.60), (40, 0.98)])
def test_power_of_max_t_for_one_standard_deviation(n_member, power):
    """Among 1,300 neurons with one selective one; the figures of the docstring of `type_scores` within .1."""
    rng = np.random.default_rng(1)
    matching = [world(rng, n_member, 1000) for _ in range(8)]
    found = []
    for trial in range(8):
        effect = rng.standard_normal((1000, 1300))
        layout = lay_out(matching[trial])
        sd, observed, z = studentised(effect, layout, draw_categories(layout, 499, rng))
        limit = np.quantile(np.abs(z).max(axis=1), 0.95)
        # Each neuron in turn is the selective one: an effect of 1 on every member.
        found.append(np.abs(observed + 1 / sd) > limit)
    assert np.mean(found) == pytest.approx(power, abs=0.1)
