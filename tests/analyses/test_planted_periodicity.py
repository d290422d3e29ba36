"""Planted truth: rings of neurons are periodic at any carry, and neurons that follow regular sentences are not."""

import numpy as np
import pytest
from periodic_neurons import analyse, make_text, noise, read, rings, varied

from lstm_analysis.analyses.periodicity import NONE, PERIODIC, SENTENCE_LOCKED

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
CARRIES = {"document": 128, "continuous": 128, "streams": 128, "sentence": 16}
"""Each way to carry states, and the length of the segments that it leaves."""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "carry",
    ["document", "sentence", *(pytest.param(carry, marks=pytest.mark.slow) for carry in ("continuous", "streams"))],
)
def test_rings_and_nothing_else_are_periodic(carry: str, seed: int) -> None:
    truth = rings(seed)
    text = make_text(varied(seed))
    plan, found = analyse(read(truth.model, text, carry, seed), text, carry)
    assert plan.length == CARRIES[carry]
    for period, ring in truth.ring.items():
        one = found.isel(neuron=ring)
        assert (one["rhythm"] == PERIODIC).all(), one["rhythm"].values
        np.testing.assert_allclose(one["period"], period, rtol=0.01 if plan.length == 128 else 0.06)
        assert (one["line_fraction"] > 1.8 / period).all(), "each of (k - 1) / 2 lines has 2 / (k - 1)"
        assert (one["p_fwer"] < 1e-6).all()
    assert (found["rhythm"].isel(neuron=truth.others) != PERIODIC).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_regular_sentences_lock_the_position_neuron_and_leave_rings_alone(seed: int) -> None:
    truth, text = rings(seed), make_text(lambda _: 12)
    _, found = analyse(read(truth.model, text, "document", seed), text)
    locked = found.isel(neuron=[truth.position, truth.end_symbol])
    assert (locked["rhythm"] == SENTENCE_LOCKED).all()
    np.testing.assert_allclose(locked["period"], 12, atol=0.1)
    assert (locked["sentence_share"] > 0.98).all()
    assert (locked["sentence_coherence"] > 0.95).all()
    ring = found.isel(neuron=[n for ring in truth.ring.values() for n in ring])
    assert (ring["rhythm"] == PERIODIC).all()
    assert (np.abs(ring["line_fraction_shuffled"]) < 0.05).all()
    assert (np.abs(ring["sentence_share"]) < 0.05).all()
    assert (found["rhythm"].isel(neuron=truth.others) != PERIODIC).all()


def test_a_ring_whose_period_divides_regular_sentences_cannot_be_told_from_them() -> None:
    truth, text = rings(0, periods=(4,)), make_text(lambda _: 12)
    _, found = analyse(read(truth.model, text, "document", 0), text)
    assert (found["rhythm"].isel(neuron=truth.ring[4]) == SENTENCE_LOCKED).all()


LENGTHS = {
    "regular": lambda i: 12,
    "nearly regular": lambda i: (11, 12, 13)[i * 7919 % 1009 % 3],
    "alternating": lambda i: (10, 14)[i % 2],
    "long": lambda i: 70,
}


@pytest.mark.parametrize("lengths", LENGTHS)
def test_no_neuron_that_follows_sentences_is_periodic(lengths: str) -> None:
    rng, text = np.random.default_rng(3), make_text(LENGTHS[lengths])
    place, length = text.position, text.length
    before = np.append(length[:1], length)[np.maximum(np.arange(text.n_token) - place, 0)]
    follows = [
        1 - np.exp(-place / 6), place == 0, place < 3, place / length, np.exp(-place / 5) * before, length - place == 1
    ]  # fmt: skip
    values = np.tanh(np.stack([x + 0.05 * noise(rng, text.n_token, 0.5) for x in follows], axis=1))
    _, found = analyse(values, text)
    assert (found["rhythm"] != PERIODIC).all(), found["rhythm"].values
    if lengths in ("regular", "alternating"):
        assert (found["rhythm"] == SENTENCE_LOCKED).all(), found["rhythm"].values


def test_steps_and_bumps_after_a_reset_are_no_lines() -> None:
    rng, text = np.random.default_rng(4), make_text(varied(4))
    place = text.position
    shapes = [place < 6, place < 3, (place > 4) & (place < 8), 1 - np.exp(-place / 6), place == 0, place / 24]
    values = np.stack([x + 0.01 * noise(rng, text.n_token, 0.5) for x in shapes], axis=1)
    plan, found = analyse(values, text, "sentence")
    assert plan.length == 16
    assert not plan.sentences_matter
    assert (found["rhythm"] == NONE).all(), found["rhythm"].values


def test_an_oscillator_in_noise_is_found_and_one_that_loses_its_step_is_not() -> None:
    rng, text = np.random.default_rng(5), make_text(varied(5), n_document=10, n_token=1536)
    time = text.document_place
    step = 2 * np.pi / 11 + 0.15 * rng.standard_normal(text.n_token)
    values = np.stack([
        np.sin(2 * np.pi * time / 5.3) + 3 * noise(rng, text.n_token, 0.9),
        np.sin(2 * np.pi * time / 25) + noise(rng, text.n_token, 0.2),
        np.where(time % 2, 0.3, -0.3) + noise(rng, text.n_token, 0.5),
        np.cos(np.cumsum(step)),
    ], axis=1)  # fmt: skip
    _, found = analyse(values, text)
    assert found["rhythm"].values.tolist() == [PERIODIC, PERIODIC, PERIODIC, NONE]
    np.testing.assert_allclose(found["period"], [5.3, 25, 2, 11], rtol=0.02)
    np.testing.assert_allclose(found["line_fraction"][:3], [0.5 / 9.5, 1 / 3, 0.09 / 1.09], rtol=0.25)
    assert found["p_fwer"][3] < 1e-6, "its peak is significant, but broad"
    assert found["line_band_share"][3] < 0.5
