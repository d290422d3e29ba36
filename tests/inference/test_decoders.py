"""Surprisal against torch's cross entropy and torch's adaptive softmax."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lstm_analysis.errors import UsageError
from lstm_analysis.inference import decoders
from lstm_analysis.inference.decoders import negative_log_softmax, open_softmax
from lstm_analysis.inference.model import AdaptiveDecoder, Decoder
from lstm_analysis.inference.reader import Stream, StreamReader

TOLERANCE = {torch.float32: 5e-6, torch.float64: 1e-12}
N_NEURON = 16


def adaptive(n_token, edges, head_bias, dtype):
    torch.manual_seed(0)
    module = nn.AdaptiveLogSoftmaxWithLoss(N_NEURON, n_token, edges, div_value=2.0, head_bias=head_bias, dtype=dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(3)
    bias = module.head.bias.detach() if head_bias else torch.zeros(len(module.head.weight), dtype=dtype)
    tails = tuple((tail[0].weight.detach(), tail[1].weight.detach()) for tail in module.tail)
    return module, AdaptiveDecoder(module.head.weight.detach(), bias, tails)


def past_of(n, dtype):
    return torch.as_tensor(np.random.default_rng(3).uniform(-1, 1, (n, N_NEURON))).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("max_logits", [1, 100, 1 << 20])
@pytest.mark.parametrize("n_token", [1, 5, 64, 129, 700])
def test_a_full_softmax_is_torch_s_cross_entropy(monkeypatch, n_token, max_logits, dtype):
    monkeypatch.setattr(decoders, "MAX_LOGITS", {"cpu": max_logits})
    torch.manual_seed(0)
    decoder = Decoder(torch.randn(n_token, N_NEURON, dtype=dtype), torch.randn(n_token, dtype=dtype))
    past, target = past_of(23, dtype), np.random.default_rng(0).integers(0, n_token, 23)
    logits = past.double() @ decoder.weight.double().T + decoder.bias.double()
    expected = nn.functional.cross_entropy(logits, torch.as_tensor(target), reduction="none") / math.log(2)
    found = open_softmax(decoder, "float32").bits(past, target)
    np.testing.assert_allclose(found, expected.numpy(), atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("head_bias", [True, False])
@pytest.mark.parametrize("edges", [[20], [10, 30, 90], [1, 99]])
def test_an_adaptive_softmax_is_torch_s(edges, head_bias, dtype):
    module, decoder = adaptive(100, edges, head_bias, dtype)
    past, target = past_of(100, dtype), np.random.default_rng(0).permutation(100)
    with torch.inference_mode():
        expected = -module(past, torch.as_tensor(target)).output.numpy() / math.log(2)
    found = open_softmax(decoder, "float32").bits(past, target)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    few = target < edges[0]
    only_head = open_softmax(decoder, "float32").bits(past[torch.as_tensor(few)], target[few])
    np.testing.assert_allclose(only_head, expected[few], atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


def test_large_logits_do_not_overflow_and_nan_stays():
    logits = torch.tensor([[1e4, 0.0, -1e4], [-3e4, -3e4, -3e4], [math.nan, 0, 0]])
    found = negative_log_softmax(logits, np.array([1, 2, 1]))
    np.testing.assert_allclose(found, [1e4, math.log(3), math.nan], rtol=1e-6)


def test_surprisal_through_the_reader(network):
    model = network(size=N_NEURON).language_model()
    module, decoder = adaptive(11, [4, 8], True, torch.float32)
    text = np.random.default_rng(0).integers(0, 11, 40).astype(np.int32)
    bits, hidden = np.empty(40, np.float32), np.empty((40, 2, N_NEURON), np.float32)
    StreamReader(replace(model, decoder=decoder)).read([Stream(text)], {"hidden": hidden}, bits)
    with torch.inference_mode():
        nats = -module(torch.as_tensor(hidden[:-1, -1]), torch.as_tensor(text[1:].astype(np.int64))).output.numpy()
    assert np.isnan(bits[0])
    np.testing.assert_allclose(bits[1:], nats / math.log(2), atol=1e-5)


def test_a_model_without_a_decoder_gives_states_but_no_surprisal(network):
    reader = StreamReader(replace(network().language_model(), decoder=None))
    hidden, text = np.full((4, 2, 5), 99, np.float32), np.zeros(4, np.int32)
    reader.read([Stream(text)], {"hidden": hidden})
    assert (np.abs(hidden) < 1).all()
    with pytest.raises(UsageError, match=r"no decoder, so there is no surprisal\. Set inference\.surprisal to false"):
        reader.read([Stream(text)], {}, np.empty(4, np.float32))
