"""Labellings of words: as many members in each stratum, every choice as likely as any other."""

from collections import Counter

import numpy as np
import pytest

from lstm_analysis.statistics.strata import Matching
from lstm_analysis.statistics.word_sets import WordSet, draw_labels


def matching(stratum, member):
    return Matching(np.array(stratum), np.array(member, bool), 0, ())


MIXED = matching([0, 1, 0, -1, 1, 1, 0, 1, 0], [1, 1, 0, 0, 1, 1, 0, 0, 0])


def test_the_first_labelling_is_the_true_one():
    words = WordSet("x", MIXED, 5, "")
    label = draw_labels(MIXED, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(label[:, 0], MIXED.member[words.rows])
    assert 3 not in words.rows
    assert (words.n_used, words.n_matched) == (4, 4)


def test_strata_keep_their_number_of_members():
    label = draw_labels(MIXED, 200, np.random.default_rng(0))
    stratum = MIXED.stratum[WordSet("x", MIXED, 5, "").rows]
    for s in (0, 1):
        assert set(label[stratum == s].sum(axis=0)) == {label[stratum == s, 0].sum()}


def test_every_choice_of_members_is_as_likely():
    # Stratum 0: one member of four; stratum 1: three of four, of which the one that is no member is drawn.
    label = draw_labels(MIXED, 8000, np.random.default_rng(0))
    counts = Counter(map(tuple, label[:, 1:].T))
    assert len(counts) == 16
    assert max(abs(n - 500) for n in counts.values()) < 5 * 500**0.5


@pytest.mark.parametrize("draws", [0, 1])
def test_few_draws(draws):
    assert draw_labels(MIXED, draws, np.random.default_rng(0)).shape == (8, 1 + draws)
