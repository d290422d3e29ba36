"""Strata of types: what they hold constant, how sparse ones merge, whom they leave out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.statistics.strata import FEWEST_IN_STRATUM, classify_types, match_types, without_frequency

ZIPF = (20_000 / np.arange(1, 3001)).astype(int)


def square_sums(rng, n_token):
    return n_token * np.maximum(1.0, n_token * rng.random(len(n_token)))


def test_strata_are_deciles_cut_where_they_are_wide():
    classes = classify_types(ZIPF, None, None)
    for code in range(classes.frequency.max() + 1):
        inside = ZIPF[classes.frequency == code]
        assert len(inside) >= FEWEST_IN_STRATUM
        assert inside.max() <= 2 * inside.min() or len(inside) < 2 * FEWEST_IN_STRATUM
        assert len(np.unique(classes.decile[classes.frequency == code])) == 1
    assert classes.decile.max() + 1 == 10
    assert 10 < classes.frequency.max() + 1 < 20


def test_types_of_equal_frequency_are_never_parted():
    n_token = np.repeat([5, 6, 7, 900], [400, 80, 300, 5])
    classes = classify_types(n_token, None, None)
    for n in np.unique(n_token):
        assert len(np.unique(classes.frequency[n_token == n])) == 1


def test_burstiness_is_halved_within_each_stratum():
    rng = np.random.default_rng(0)
    square_sum = square_sums(rng, ZIPF)
    classes = classify_types(ZIPF, None, square_sum)
    for code in range(classes.frequency.max() + 1):
        inside = classes.frequency == code
        assert classes.burstiness[inside].mean() == pytest.approx(0.5, abs=0.06)
        n_effective = (ZIPF**2 / square_sum)[inside]
        bursty = classes.burstiness[inside] == 0
        assert n_effective[bursty].max() <= n_effective[~bursty].min()


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.booleans(), st.booleans())
def test_members_always_have_others_and_nobody_gets_lost(seed, n_member, with_pos, with_groups):
    rng = np.random.default_rng(seed)
    n_type = int(rng.integers(n_member, 800))
    n_token = np.sort(rng.zipf(1.5, n_type).clip(5, 10**6))[::-1]
    pos = rng.integers(0, 5, n_type) if with_pos else None
    classes = classify_types(n_token, pos, square_sums(rng, n_token) if with_groups else None)
    member = np.zeros(n_type, bool)
    member[rng.choice(n_type, n_member, replace=False)] = True
    usable = member | (rng.random(n_type) < 0.9)
    matching = match_types(classes, member, usable)
    assert matching.member.sum() + matching.n_unmatched == n_member
    assert (matching.stratum[~usable] == -1).all()
    assert (matching.stratum[matching.member] >= 0).all()
    for code in range(matching.stratum.max() + 1):
        inside = matching.stratum == code
        n_inside = (inside & member).sum()
        assert n_inside > 0
        assert (inside & ~member).sum() >= max(5, n_inside / 2)
        assert len(np.unique(classes.decile[inside])) == 1
        if "part of speech" in matching.factors:
            assert len(np.unique(classes.part_of_speech[inside])) == 1


def test_a_few_members_without_a_match_are_left_out():
    classes = classify_types(ZIPF[:1000], None, None)
    all_of_a_decile = classes.decile == 9
    member = all_of_a_decile | (np.arange(1000) % 4 == 0)
    matching = match_types(classes, member, np.ones(1000, bool))
    assert matching.n_unmatched == all_of_a_decile.sum()
    assert np.array_equal(matching.member, member & ~all_of_a_decile)
    everywhere = match_types(classes, np.ones(1000, bool), np.ones(1000, bool))
    assert everywhere.n_unmatched == 1000
    assert not everywhere.member.any()


def test_a_category_that_is_a_part_of_speech_is_held_against_the_others():
    rng = np.random.default_rng(0)
    pos = rng.integers(0, 4, 3000)
    matching = match_types(classify_types(ZIPF, pos, square_sums(rng, ZIPF)), pos == 2, np.ones(3000, bool))
    assert matching.factors == ("log-frequency decile", "burstiness")
    assert matching.n_unmatched == 0


def test_what_is_linear_in_log_frequency_goes_and_means_of_strata_stay():
    rng = np.random.default_rng(0)
    classes = classify_types(ZIPF, None, None)
    level = rng.standard_normal((classes.frequency.max() + 1, 2))[classes.frequency]
    adjusted = without_frequency(level + np.log(ZIPF)[:, None] * np.array([3.0, 0.0]), ZIPF, classes)
    for code in range(classes.frequency.max() + 1):
        inside = classes.frequency == code
        assert np.ptp(adjusted[inside], axis=0) == pytest.approx([0, 0], abs=1e-9)
        assert adjusted[inside, 1].mean() == pytest.approx(level[inside, 1].mean())
