"""Sparse probes: neurons chosen as a slow pursuit does, planted codes found, labels that mean nothing told so."""

import numpy as np
import pytest

from lstm_analysis.analyses.probes import N_NEURON, empty_probe, probe, probe_words
from lstm_analysis.analyses.probes.selection import N_CANDIDATE, choose_neurons
from lstm_analysis.statistics.strata import Matching
from lstm_analysis.statistics.word_sets import WordSet

N_WORD, N_MEMBER, N_STRATUM = 120, 24, 4


def word_set(rng, name="x", reason=""):
    """A set of 24 of 120 words, 6 of each of 4 strata at random."""
    stratum = np.arange(N_WORD) % N_STRATUM
    member = np.zeros(N_WORD, bool)
    for s in range(N_STRATUM):
        member[rng.permutation(np.flatnonzero(stratum == s))[: N_MEMBER // N_STRATUM]] = True
    return WordSet(name, Matching(stratum, member, 0, ()), N_MEMBER, reason)


def planted(rng, words, n_neuron=100):
    """Noise, and which of its units are members."""
    return rng.standard_normal((N_WORD, n_neuron)), words.matching.member[words.rows]


def pursue(x, label, n):
    """Weighted orthogonal matching pursuit by least squares, a neuron at a time."""
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum())
    centred = x - (weight[:, None] * x).sum(axis=0)
    scaled = centred / np.sqrt((weight[:, None] * centred**2).sum(axis=0)) * np.sqrt(weight)[:, None]
    target, rest, chosen = np.sqrt(weight) * np.where(label, 1, -1), None, []
    rest = target
    candidates = np.argsort(-np.abs(scaled.T @ target), kind="stable")[:N_CANDIDATE]
    for _ in range(n):
        chosen.append(max((j for j in candidates if j not in chosen), key=lambda j: abs(scaled[:, j] @ rest)))
        fit = np.linalg.lstsq(scaled[:, chosen], target, rcond=None)[0]
        rest = target - scaled[:, chosen] @ fit
    return chosen


@pytest.mark.parametrize("seed", range(4))
def test_neurons_are_those_of_the_slow_pursuit(seed):
    rng = np.random.default_rng(seed)
    x, label = rng.standard_normal((90, 100)) * rng.uniform(0.1, 5, 100) + 3, rng.random(90) < 0.2
    x[label, 7] += 4
    assert choose_neurons(x, label, 8).tolist() == pursue(x, label, 8)


def test_the_first_neuron_has_the_largest_difference_of_means():
    rng = np.random.default_rng(0)
    x, label = rng.standard_normal((60, 30)), rng.random(60) < 0.3
    between = np.abs(x[label].mean(axis=0) - x[~label].mean(axis=0))
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum())
    sd = np.sqrt((weight[:, None] * (x - (weight[:, None] * x).sum(axis=0)) ** 2).sum(axis=0))
    assert choose_neurons(x, label, 1).tolist() == [np.argmax(between / sd)]


def test_constant_and_repeated_neurons_are_not_chosen_twice():
    rng = np.random.default_rng(0)
    label = rng.random(50) < 0.4
    signal = label + rng.standard_normal(50)
    x = np.stack([np.full(50, 0.3), signal, -2 * signal, np.zeros(50)], axis=1)
    assert choose_neurons(x, label, 4).tolist() == [1]
    assert choose_neurons(x[:, [0, 3]], label, 4).tolist() == []


def test_a_planted_neuron_is_found_by_the_probe_of_one():
    rng = np.random.default_rng(0)
    words = word_set(rng)
    x, member = planted(rng, words)
    x[member, 41] -= 4
    found = probe_words(x, words, seed=0)
    assert found["chosen"].values[0].tolist() == [41] + [-1] * 7
    assert found["chosen_share"].values[0, 0] == 1
    assert (found["probe_auroc"] > 0.95).all()
    assert found["probe_accuracy"].values[0] > 0.9
    assert found["control_auroc"].values == pytest.approx([0.5] * 4, abs=0.06)
    assert found["probe_p"].values[0] == 1 / 21
    np.testing.assert_allclose(
        found["probe_selectivity"], found["probe_accuracy"].values - found["control_accuracy"].values
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_code_of_two_neurons_is_told_by_two(seed):
    """Their sum says it; each of them is full of what the other takes away."""
    rng = np.random.default_rng(seed)
    words = word_set(rng)
    x, member = planted(rng, words)
    shared = 1.5 * rng.standard_normal(N_WORD)
    x[:, 10] = shared + 1.5 * member + 0.3 * rng.standard_normal(N_WORD)
    x[:, 20] = -shared + 1.5 * member + 0.3 * rng.standard_normal(N_WORD)
    found = probe_words(x, words, seed=0, n_control=0)
    one, two = found["probe_auroc"].values[:2]
    assert two > 0.95
    assert two > one + 0.1
    assert set(found["chosen"].values[1, :2].tolist()) == {10, 20}
    assert np.isnan(found["control_auroc"]).all()
    assert np.isnan(found["probe_p"]).all()


def test_noise_is_not_flattered_by_the_choice():
    rng = np.random.default_rng(1)
    words = word_set(rng)
    x, member = planted(rng, words, 400)
    best = max(np.mean(x[member, j][:, None] > x[~member, j]) for j in range(400))
    found = probe_words(x, words, seed=0, n_control=0)
    assert best > 0.65  # what the best of 400 neurons reaches on the words it was chosen on
    assert (found["probe_auroc"] < 0.6).all()


def test_other_concepts_do_not_change_a_probe_and_seeds_do():
    rng = np.random.default_rng(0)
    words = word_set(rng)
    x, _ = planted(rng, words, 20)
    found = [probe_words(x, words, seed, n_control=2) for seed in (0, 0, 1)]
    assert found[0].identical(found[1])
    assert not found[0].equals(found[2])
    assert found[0]["n_neuron"].values.tolist() == list(N_NEURON)


def test_a_set_that_is_not_told_apart_is_undefined():
    words = word_set(np.random.default_rng(0), reason="too few")
    assert probe_words(np.zeros((N_WORD, 3)), words, 0).identical(empty_probe())


def test_neurons_that_say_nothing_decide_nothing():
    words = word_set(np.random.default_rng(0))
    found = probe_words(np.zeros((N_WORD, 3)), words, 0, n_control=1)
    assert found["probe_auroc"].values.tolist() == [0.5] * 4
    assert (found["chosen"] == -1).all()


@pytest.mark.slow
def test_the_control_gives_p_its_size(monkeypatch):
    """A stratum's words are alike, and the words of a concept are no more so."""
    monkeypatch.setattr(probe, "N_NEURON", (1,))
    monkeypatch.setattr(probe, "MOST_CHOSEN", 1)
    monkeypatch.setattr(probe, "N_FOLD", 2)
    rejected = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        words = word_set(rng)
        x, _ = planted(rng, words, 12)
        x += 2 * rng.standard_normal((N_STRATUM, 12))[words.matching.stratum[words.rows]]
        rejected += probe_words(x, words, seed, n_control=19)["probe_p"].values[0] <= 0.05
    assert rejected <= 6  # .05 of 40, three standard errors
