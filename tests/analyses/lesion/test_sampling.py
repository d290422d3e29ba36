"""Tokens of concepts and their controls: drawn the same for any cutting, matched as a slow search would."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.analyses.lesion import Piece, choose_tokens
from lstm_analysis.analyses.lesion.sampling import token_keys

N_TIME, N_TYPE = 400, 12
RNG = np.random.default_rng(0)
TYPE = RNG.choice(N_TYPE, N_TIME, p=np.arange(N_TYPE, 0, -1) / 78).astype(np.int32)
COUNT = np.bincount(TYPE, minlength=N_TYPE)
LABEL = np.stack(
    [
        np.where(np.isin(TYPE, [2, 7]), 1, 0),  # decided by its words: no control is the same word
        np.where(RNG.random(N_TIME) < 0.2, 1, np.where(RNG.random(N_TIME) < 0.3, -1, 0)),
        np.zeros(N_TIME),  # no target
        np.ones(N_TIME),  # no control
    ],
    axis=1,
).astype(np.int8)


def pieces(*edges):
    cuts = [0, *edges, N_TIME]
    return lambda: [Piece(a, LABEL[a:b], TYPE[a:b]) for a, b in pairwise(cuts)]


def choose(cut=pieces(), n=20, concepts=(0, 1, 2, 3)):  # noqa: B008
    return choose_tokens(cut, COUNT, concepts, n, 30, seed=5)


@given(st.lists(st.integers(0, N_TIME), max_size=5).map(sorted))
def test_any_cutting_gives_the_same_tokens(edges):
    whole, parts = choose(), choose(pieces(*edges))
    for name in ("target", "control", "same_type"):
        for one, other in zip(getattr(whole, name), getattr(parts, name), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(whole.everywhere, parts.everywhere)


def test_targets_and_controls_have_their_labels_and_none_is_taken_twice():
    found = choose()
    for concept in range(4):
        target, control = found.target[concept], found.control[concept]
        assert (LABEL[target, concept] == 1).all()
        there = control >= 0
        assert (LABEL[control[there], concept] == 0).all()
        assert len(set(target)) == len(target) == min(20, (LABEL[:, concept] == 1).sum())
        assert len(set(control[there])) == there.sum()
        np.testing.assert_array_equal(found.same_type[concept], there & (TYPE[target] == TYPE[control]))
    assert (found.control[3] == -1).all()
    assert not found.same_type[0].any()


def test_a_control_is_the_same_word_as_long_as_there_are_any():
    found = choose(n=N_TIME)
    for type_id in range(N_TYPE):
        mine = TYPE[found.target[1]] == type_id
        baseline = int(((LABEL[:, 1] == 0) & np.equal(TYPE, type_id)).sum())
        assert found.same_type[1][mine].sum() == min(int(mine.sum()), baseline)


def test_else_it_is_the_nearest_in_frequency_that_is_left():
    found = choose(concepts=(0,))
    free = [t for t in np.argsort(token_keys(np.arange(N_TIME), 5)) if LABEL[t, 0] == 0]
    for target, control in zip(found.target[0], found.control[0], strict=True):
        gap = [abs(math.log(COUNT[TYPE[t]]) - math.log(COUNT[TYPE[target]])) for t in free]
        assert control == free[int(np.argmin(gap))]
        free.remove(control)


@pytest.mark.parametrize("seed", range(3))
def test_every_token_is_as_likely(seed):
    key = token_keys(np.arange(20_000), seed) / 2**64
    assert abs(key.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(key[1:], key[:-1])[0, 1]) < 0.03
    chosen = np.flatnonzero(key < np.sort(key)[2000])
    assert np.histogram(chosen, bins=5, range=(0, 20_000))[0] == pytest.approx(400, abs=80)
