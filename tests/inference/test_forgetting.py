"""Forgetting: measured on models that forget, and refused on those that never do."""

import numpy as np
import pytest
import torch

from lstm_analysis.inference.forgetting import agree, in_rows, measure_forgetting, probe_positions, warm_up
from lstm_analysis.inference.model import LanguageModel, Layer
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.vocabulary import Vocabulary

OPEN, SHUT = 30.0, -30.0


def one_neuron(bias: list[float], weight_input: float = 0.0, weight_recurrent: float = 0.0) -> LanguageModel:
    """Return a model of one neuron: gate biases i, f, g, o; the weights act on the candidate alone."""
    weights = [torch.tensor([[0.0], [0.0], [w], [0.0]]) for w in (weight_input, weight_recurrent)]
    layer = Layer(weights[0], weights[1], torch.tensor(bias))
    return LanguageModel(torch.tensor([[-1.0], [1.0]]), (layer,), None, Vocabulary(("a", "b")))


COUNTER = one_neuron([OPEN, OPEN, 0.5, OPEN])
OSCILLATOR = one_neuron([OPEN, SHUT, 0.0, OPEN], weight_input=0.01, weight_recurrent=-5.0)
FORGETFUL = one_neuron([OPEN, 2.0, 0.0, OPEN], weight_input=0.5)


def probes(n_token: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    ids = np.random.default_rng(seed).integers(0, 2, n_token).astype(np.int32)
    return [(ids[a:b], ids[b:c]) for a, b, c in probe_positions(n_token)]


def test_a_model_that_forgets() -> None:
    lag = measure_forgetting(StreamReader(FORGETFUL), probes(20_000), 5e-6)
    assert lag == 256  # sigmoid(2) ** 256 = 8e-15
    slow = one_neuron([OPEN, 6.0, 0.0, OPEN], weight_input=0.5)
    lag = measure_forgetting(StreamReader(slow), probes(300_000), 5e-6)
    assert lag is not None
    assert 3000 < lag < 8000  # log(c / 5e-6) / -log(sigmoid(6)) with |c| of some tens


@pytest.mark.parametrize("model", [COUNTER, OSCILLATOR], ids=["counter", "oscillator"])
def test_what_never_forgets_is_found(model: LanguageModel) -> None:
    assert measure_forgetting(StreamReader(model), probes(40_000), 5e-6) is None


def test_the_counter_counts_and_the_oscillator_swings() -> None:
    ids = np.random.default_rng(0).integers(0, 2, 400).astype(np.int32)
    states = {name: np.empty((400, 1, 1), np.float32) for name in ("hidden", "cell")}
    StreamReader(COUNTER).read([Stream(ids)], states)
    np.testing.assert_allclose(states["cell"].ravel(), np.tanh(0.5) * np.arange(1, 401), rtol=1e-4)
    StreamReader(OSCILLATOR).read([Stream(ids)], states)
    assert (np.diff(np.sign(states["hidden"].ravel()[50:])) != 0).all()


def test_agreement_asks_for_h_and_c() -> None:
    a = np.zeros((4, 2, 1, 3))
    b = a.copy()
    b[1, 0, 0, 1] = 1e-5
    b[2, 1, 0, 2] = 1e-5
    a[3, 1], b[3, 1] = 1000.0, 1000.0001
    assert agree(a, b, 5e-6).tolist() == [True, False, False, True]
    assert not agree(a, a * np.nan, 5e-6).any()


def test_short_corpora_have_no_probes() -> None:
    assert probe_positions(100) == []
    assert measure_forgetting(StreamReader(FORGETFUL), [], 5e-6) is None
    assert measure_forgetting(StreamReader(FORGETFUL), probes(1000), 5e-6) is None
    assert (warm_up(None), warm_up(256), warm_up(1024)) == (None, 512, 1280)
    assert warm_up(1024, in_effect=True) == 2048


def test_a_lag_in_pieces_is_one_in_words() -> None:
    probes = [(0, 10, 1010), (1010, 1020, 2020)]
    five, six = np.zeros(5000, np.int32), np.zeros(6000, np.int32)
    assert in_rows(2560, probes, [(five[:50], five), (six[:50], six)]) == 512
    assert in_rows(2561, probes, [(five[:50], five), (six[:50], six)]) == 768
    assert in_rows(2560, probes, [(five[:10], five[:1000]), (six[:10], six[:1000])]) == 2560
    assert in_rows(None, probes, []) is None
