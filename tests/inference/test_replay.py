"""Cells worked out again from stored h are those that were read, and a difference in c fades as it is said to."""

import numpy as np
import pytest
from random_model import N_TOKEN, random_model

from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.inference.replay import Replay

PAIRS = np.array([[1, 3], [0, 0], [1, 0], [0, 6]])


@pytest.fixture(scope="module")
def read():
    """Return model, tokens, states at every token but the first ten, and the state before those."""
    model = random_model("lstm", (7, 4))
    ids = np.random.default_rng(0).integers(0, N_TOKEN, 300).astype(np.int32)
    states = {name: np.empty((300, 2, 7), np.float32) for name in ("hidden", "cell", "forget_gate")}
    StreamReader(model).read([Stream(ids)], states)
    return (
        model,
        ids[10:],
        {name: values[10:] for name, values in states.items()},
        states["hidden"][9],
        states["cell"][9],
    )


def at_pairs(values, pairs=PAIRS):
    return values[..., pairs[:, 0], pairs[:, 1]].astype(np.float64)


def test_replayed_cells_are_those_that_were_read(read):
    model, ids, states, before, cell = read
    found, retained = Replay(model, PAIRS).cells(ids, states["hidden"], before, at_pairs(cell))
    np.testing.assert_allclose(found, at_pairs(states["cell"]), atol=1e-5)
    np.testing.assert_allclose(retained, np.cumprod(at_pairs(states["forget_gate"]), axis=0), rtol=1e-4)


def test_what_is_retained_is_the_difference_of_two_replays(read):
    model, ids, states, before, cell = read
    replay, start = Replay(model, PAIRS), at_pairs(cell)
    error = np.array([50.0, -3.0, 0.0, 1e-3])
    first, retained = replay.cells(ids, states["hidden"], before, start)
    second, _ = replay.cells(ids, states["hidden"], before, start + error)
    np.testing.assert_allclose(second - first, error * retained, atol=1e-12)
    np.testing.assert_array_equal(replay.retained(ids, states["hidden"], before), retained)


def test_stretches_one_after_the_other_are_the_whole(read):
    model, ids, states, before, cell = read
    replay, start = Replay(model, PAIRS), at_pairs(cell)
    whole, retained = replay.cells(ids, states["hidden"], before, start)
    first, before_second = replay.cells(ids[:100], states["hidden"][:100], before, start)
    second, after = replay.cells(ids[100:], states["hidden"][100:], states["hidden"][99], first[-1])
    np.testing.assert_allclose(np.concatenate([first, second]), whole, atol=1e-6)
    np.testing.assert_allclose(before_second[-1] * after, retained[100:], rtol=1e-5)


def test_a_layer_without_pairs_is_left_alone(read):
    model, ids, states, before, cell = read
    pairs = np.array([[1, 1]])
    hidden = states["hidden"].copy()
    found, _ = Replay(model, pairs).cells(ids, hidden, before, at_pairs(cell, pairs))
    np.testing.assert_allclose(found, at_pairs(states["cell"], pairs), atol=1e-5)
    np.testing.assert_array_equal(hidden, states["hidden"])
