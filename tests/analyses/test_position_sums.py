"""Streaming sums: against a loop, and the same bytes for any cutting."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.analyses.sentence_position import PositionSums
from lstm_analysis.analyses.sentence_position.position_sums import CLIP
from lstm_analysis.errors import UserError


def tokens(n=200, n_neuron=3, seed=0):
    rng = np.random.default_rng(seed)
    values = np.tanh(2 * rng.normal(size=(n, n_neuron))).astype(np.float32)
    values[:5, 0], values[5:9, 0] = 1, -1
    return np.sort(rng.integers(0, 4, n)), values, rng.integers(0, 80, n)


def test_equals_a_loop():
    block, values, position = tokens()
    sums = PositionSums(4, 3)
    sums.add(block, values, position)
    n, total = np.zeros((4, 61)), np.zeros((4, 4, 61, 3))
    for t in range(200):
        cell = (block[t], min(position[t], 60))
        n[cell] += 1
        for j in range(3):
            h = float(values[t, j])
            a = math.atanh(max(-CLIP, min(CLIP, h)))
            total[(slice(None), *cell, j)] += (h, h * h, a, a * a)
    np.testing.assert_array_equal(sums.n_token, n)
    np.testing.assert_allclose(sums.sums, total, rtol=1e-12, atol=1e-12)
    assert sums.n_clipped.tolist() == [9, 0, 0]


@given(st.lists(st.integers(0, 200), max_size=6), st.integers(1, 3))
def test_any_cutting_gives_the_same_bytes(cuts, width):
    block, values, position = tokens()
    whole = PositionSums(4, 3)
    whole.add(block, values, position)
    for first in range(0, 3, width):
        part = PositionSums(4, values[:, first : first + width].shape[1])
        edges = [0, *sorted(cuts), 200]
        for start, stop in itertools.pairwise(edges):
            part.add(block[start:stop], values[start:stop, first : first + width], position[start:stop])
        assert part.sums.tobytes() == whole.sums[..., first : first + width].tobytes()
        assert part.n_clipped.tolist() == whole.n_clipped[first : first + width].tolist()


def test_refuses_what_does_not_fit():
    block, values, position = tokens()
    with pytest.raises(UserError, match="199 blocks"):
        PositionSums(4, 3).add(block[1:], values, position)
    with pytest.raises(UserError, match="for 2 neurons, the states have 3"):
        PositionSums(4, 2).add(block, values, position)
