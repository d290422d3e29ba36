"""Lesions read side by side are those of a model that is clamped, or rewired, one token at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from random_model import N_TOKEN, random_model, texts_of
from reference_lesion import clamped_losses

from lstm_analysis.errors import UsageError
from lstm_analysis.inference import lesion as lesion_module
from lstm_analysis.inference.lesion import LesionReader
from lstm_analysis.inference.lesion_passages import Lesion, Window
from lstm_analysis.inference.model import AdaptiveDecoder, Decoder
from lstm_analysis.inference.reader import Stream, StreamReader

LESIONS = (
    Lesion(((0, 3),), (0.4,)), Lesion(((1, 0),), (-0.7,)),
    Lesion(((0, 1), (1, 5)), (0.0, 0.25)), Lesion(((1, 2),), (0.0,)),
)  # fmt: skip


def window(ids, predicted=None, start=None):
    return Window(ids, np.arange(1, len(ids)) if predicted is None else np.array(predicted, np.int64), start)


def expected(model, ids, lesion, start=None):
    def replaced(layer, t):
        return {j: v for (of, j), v in zip(lesion.neurons, lesion.values, strict=True) if of == layer}

    return clamped_losses(model, ids, replaced, start)


def tied(model):
    embedding = torch.randn(N_TOKEN, model.layer_sizes[-1], generator=torch.Generator().manual_seed(5)).to(
        model.embedding
    )
    first = random_model(model.cell, model.layer_sizes, model.embedding.dtype).layers[0]
    shape = (first.weight_input.shape[0], embedding.shape[1])
    extra = dict(first.extra)
    if "weight_factor_input" in extra:
        extra["weight_factor_input"] = torch.randn(model.layer_sizes[0], embedding.shape[1]).to(embedding) / 3
    first = replace(first, weight_input=torch.randn(shape).to(embedding) / 3, extra=extra)
    layers = (first, *model.layers[1:])
    return replace(model, embedding=embedding, layers=layers, decoder=Decoder(embedding, model.decoder.bias))


def adaptive(model):
    draw, n = torch.Generator().manual_seed(6), model.layer_sizes[-1]
    one = lambda *shape: torch.randn(*shape, generator=draw).to(model.embedding)  # noqa: E731
    tails = ((one(3, n), one(4, 3)), (one(2, n), one(2, 2)))
    return replace(model, decoder=AdaptiveDecoder(one(7, n), one(7), tails))


@pytest.mark.parametrize("decoder", ["full", "tied", "adaptive"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
def test_lesions_are_clamped_neurons(cell, decoder):
    model = {"full": lambda m: m, "tied": tied, "adaptive": adaptive}[decoder](random_model(cell, (7, 6)))
    texts = texts_of(9, 23, 2, 14)
    found = LesionReader(StreamReader(model)).losses([window(text) for text in texts], LESIONS)
    for lesion, losses in zip(LESIONS, found.lesioned, strict=True):
        slow = np.concatenate([expected(model, text, lesion) for text in texts])
        np.testing.assert_allclose(losses, slow, atol=5e-6)
        assert np.abs(losses - found.intact).max() > 1e-3
    plain = np.concatenate([expected(model, text, Lesion((), ())) for text in texts])
    np.testing.assert_allclose(found.intact, plain, atol=5e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
@pytest.mark.parametrize("sizes", [(7,), (5, 7), (4, 6, 3)])
def test_in_double_precision_they_are_the_same_to_the_tenth_digit(cell, sizes):
    model, texts = random_model(cell, sizes, torch.float64), texts_of(17, 5)
    top = len(sizes) - 1
    lesions = [Lesion(((0, 2),), (0.3,)), Lesion(((top, 1),), (-0.2,)), Lesion(((top, 0), (0, 1)), (0.9, -0.9))]
    found = LesionReader(StreamReader(model)).losses([window(text) for text in texts], lesions)
    for lesion, losses in zip(lesions, found.lesioned, strict=True):
        np.testing.assert_allclose(losses, np.concatenate([expected(model, t, lesion) for t in texts]), atol=1e-10)


def rewired(model, layer, neuron, value):
    """The same LSTM with biases b + W[:, j] mu and columns W[:, j] = 0 at every reader of a neuron."""

    def without(weight, bias):
        weight, bias = weight.clone(), bias + weight[:, neuron] * value
        weight[:, neuron] = 0
        return weight, bias

    layers = list(model.layers)
    weight, bias = without(layers[layer].weight_recurrent, layers[layer].bias)
    layers[layer] = replace(layers[layer], weight_recurrent=weight, bias=bias)
    if layer + 1 < len(layers):
        weight, bias = without(layers[layer + 1].weight_input, layers[layer + 1].bias)
        layers[layer + 1] = replace(layers[layer + 1], weight_input=weight, bias=bias)
        return replace(model, layers=tuple(layers))
    return replace(model, layers=tuple(layers), decoder=Decoder(*without(model.decoder.weight, model.decoder.bias)))


@pytest.mark.parametrize(("layer", "neuron", "value"), [(0, 3, 0.4), (0, 0, -1.0), (1, 5, 0.7), (1, 2, 0.0)])
def test_lesions_are_models_with_other_weights(layer, neuron, value):
    model, (text,) = random_model("lstm"), texts_of(40)
    bits = np.empty(40, np.float32)
    StreamReader(rewired(model, layer, neuron, value)).read([Stream(text)], {}, bits)
    found = LesionReader(StreamReader(model)).losses([window(text)], [Lesion(((layer, neuron),), (value,))])
    np.testing.assert_allclose(found.lesioned[0], bits[1:] * np.log(2), atol=5e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_window_begins_from_the_state_before_it(cell):
    model, (text,) = random_model(cell), texts_of(30)
    reader = StreamReader(model)
    (before,) = reader.read([Stream(text[:12])], {})
    found = LesionReader(reader).losses([window(text[12:], start=before)], LESIONS)
    for lesion, losses in zip(LESIONS, found.lesioned, strict=True):
        np.testing.assert_allclose(losses, expected(model, text[12:], lesion, before), atol=5e-6)
    np.testing.assert_allclose(found.intact, expected(model, text, Lesion((), ()))[12:], atol=5e-6)


def test_only_what_is_asked_for_is_predicted():
    model, texts = random_model("lstm"), texts_of(9, 23, 2, 14)
    reader = LesionReader(StreamReader(model))
    every = reader.losses([window(text) for text in texts], LESIONS)
    asked = [[1, 8], [22], [], [3, 4, 5]]
    some = reader.losses([window(t, a) for t, a in zip(texts, asked, strict=True)], LESIONS)
    first = np.cumsum([0, *(len(text) - 1 for text in texts)])
    places = [first[i] + a - 1 for i, of in enumerate(asked) for a in of]
    np.testing.assert_allclose(some.lesioned, every.lesioned[:, places], atol=1e-6)
    np.testing.assert_allclose(some.intact, every.intact[places], atol=1e-6)


@pytest.mark.parametrize(("rows", "lesions"), [(1, 1), (5, 2), (7, 256)])
def test_how_many_are_read_side_by_side_changes_nothing(monkeypatch, rows, lesions):
    model, windows = random_model("lstm"), [window(text) for text in texts_of(9, 23, 2, 14)]
    whole = LesionReader(StreamReader(model)).losses(windows, LESIONS)
    monkeypatch.setattr(lesion_module, "MAX_ROWS", {"cpu": rows})
    monkeypatch.setattr(lesion_module, "MAX_LESIONS", lesions)
    parts = LesionReader(StreamReader(model)).losses(windows, LESIONS)
    np.testing.assert_allclose(parts.lesioned, whole.lesioned, atol=2e-6)


def test_resampled_neurons_take_their_own_values_elsewhere():
    model, texts, shift = random_model("lstm"), texts_of(12, 20), 9
    reader = StreamReader(model)
    lengths = [19, 11]  # the longest passage comes first
    hidden = np.empty((30, 2, 7), np.float32)
    reader.read([Stream(texts[1][:-1], row=0), Stream(texts[0][:-1], row=19)], {"hidden": hidden})
    lesion = Lesion(((0, 3), (1, 1)), None)
    found = LesionReader(reader).losses([window(text) for text in texts], [lesion], shift=shift)
    first = {0: lengths[0], 1: 0}
    slow = []
    for i, text in enumerate(texts):

        def replaced(layer, t, at=first[i]):
            return {j: hidden[(at + t + shift) % 30, layer, j] for of, j in lesion.neurons if of == layer}

        slow.append(clamped_losses(model, text, replaced))
    np.testing.assert_allclose(found.lesioned[0], np.concatenate(slow), atol=5e-6)


def test_a_lesion_of_nobody_changes_nothing_and_a_model_without_decoder_is_refused():
    model, texts = random_model("lstm"), texts_of(12, 5)
    constant = replace(model.layers[1], weight_recurrent=model.layers[1].weight_recurrent.clone())
    constant.weight_recurrent[:, 4] = 0
    decoder = Decoder(model.decoder.weight.clone(), model.decoder.bias)
    decoder.weight[:, 4] = 0
    deaf = replace(model, layers=(model.layers[0], constant), decoder=decoder)
    found = LesionReader(StreamReader(deaf)).losses([window(t) for t in texts], [Lesion(((1, 4),), (0.9,))])
    np.testing.assert_allclose(found.lesioned[0], found.intact, atol=2e-6)
    with pytest.raises(UsageError, match="no decoder"):
        LesionReader(StreamReader(random_model("lstm", decoder=False)))
