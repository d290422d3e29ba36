"""The held-out effect against a slow loop; choosing among neurons that know nothing gives nothing."""

import numpy as np

from lstm_analysis.statistics.held_out import held_out


def test_equals_the_slow_loop():
    values = np.random.default_rng(0).normal(size=(7, 9))
    found = held_out(values)
    for i in range(7):
        others = np.delete(values, i, axis=0).mean(axis=0)
        best = abs(others).argmax()
        assert found.neuron[i] == best
        assert found.effect[i] == np.sign(others[best]) * values[i, best]


def test_what_is_chosen_from_nothing_gives_nothing():
    values = np.random.default_rng(1).normal(size=(12, 500))
    assert abs(values.mean(axis=0)).max() > 0.7
    assert abs(held_out(values).effect.mean()) < 0.7
    assert np.mean([held_out(np.random.default_rng(s).normal(size=(8, 100))).effect.mean() for s in range(200)]) < 0.06


def test_undefined():
    assert np.isnan(held_out(np.ones((1, 3))).effect).all()
    assert held_out(np.full((3, 2), np.nan)).neuron.tolist() == [-1, -1, -1]
    values = np.array([[0.1, np.nan], [0.2, 9.0], [0.3, 9.0]])
    assert held_out(values).neuron.tolist() == [0, 0, 0]
