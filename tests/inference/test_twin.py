"""Twins: the same shape and vocabulary, weights that learned nothing, the same bytes for the same seed."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from random_model import N_GATE, random_layer
from states_of import TOKENS, read

from lstm_analysis.inference.checkpoints import load_model, save_model
from lstm_analysis.inference.model import AdaptiveDecoder, Decoder, LanguageModel
from lstm_analysis.inference.training.network import Network
from lstm_analysis.inference.twin import random_twin
from lstm_analysis.recipe import Recipe
from lstm_analysis.vocabulary import Vocabulary

VOCABULARY = Vocabulary(tuple(TOKENS))
KINDS = ["initial", "shuffled"]


def trained(cell="lstm", head="tied", sizes=(40, 30, 20)):
    """Return a model whose gates have biases of their own: around 1 for the first gate, 2 for the next, and so on."""
    inputs = (20, *sizes[:-1])
    layers = tuple(random_layer(cell, a, n, torch.float32, a) for a, n in zip(inputs, sizes, strict=True))
    for layer in layers:
        layer.bias.div_(10).add_(torch.arange(1.0, N_GATE[cell] + 1).repeat_interleave(layer.n_neuron))
    random, width = torch.randn, sizes[-1]
    embedding = random(11, 20)
    decoder = {
        "tied": Decoder(embedding, random(11)),
        "full": Decoder(random(11, width), random(11)),
        "adaptive": AdaptiveDecoder(random(5, width), random(5), ((random(3, width), random(4, 3)),) * 2),
        "none": None,
    }[head]
    return LanguageModel(embedding, layers, decoder, VOCABULARY, {"validation_perplexity": "79"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
@pytest.mark.parametrize("head", ["tied", "full", "adaptive", "none"])
def test_a_twin_has_the_shape_and_the_vocabulary_and_other_weights(tmp_path, kind, cell, head):
    model = trained(cell, head)
    before = model.digest
    twin = random_twin(model, 0, kind)
    assert (
        LanguageModel(*(getattr(model, name) for name in ("embedding", "layers", "decoder", "vocabulary"))).digest
        == before
    )
    assert [t.shape for t in twin._tensors()] == [t.shape for t in model._tensors()]
    assert all(not torch.equal(a, b) for a, b in zip(twin._tensors(), model._tensors(), strict=True))
    assert (twin.cell, twin.tied, twin.vocabulary, twin.n_parameter) == (
        cell, head == "tied", model.vocabulary, model.n_parameter,
    )  # fmt: skip
    assert (twin.metadata["twin"], twin.metadata["twin_of"], twin.metadata["twin_seed"]) == (kind, before, "0")
    assert "validation_perplexity" not in twin.metadata
    files = []
    for i, seed in enumerate((0, 0, 1)):
        save_model(random_twin(model, seed, kind), tmp_path / f"{i}.safetensors")
        files.append((tmp_path / f"{i}.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]
    again = load_model(tmp_path / "0.safetensors")
    assert (again.digest, again.metadata, again.tied) == (twin.digest, twin.metadata, twin.tied)


@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
def test_a_shuffled_twin_keeps_the_weights_of_each_gate(cell):
    model = trained(cell, "full")
    twin = random_twin(model, 3, "shuffled")
    assert torch.equal(twin.embedding.flatten().sort()[0], model.embedding.flatten().sort()[0])
    for ours, theirs in zip(twin.layers, model.layers, strict=True):
        n_gate = len(ours.bias) // ours.n_neuron
        for a, b in zip(ours.tensors(), theirs.tensors(), strict=True):
            for x, y in zip(*(t.chunk(n_gate if len(t) == len(ours.bias) else 1) for t in (a, b)), strict=True):
                assert torch.equal(x.flatten().sort()[0], y.flatten().sort()[0])
                assert not torch.equal(x, y)


def test_an_initial_twin_is_what_torch_begins_with():
    """Each recurrent weight within ±1/sqrt(neurons), a bias within twice that, the ends within ±0.1; all of it used."""
    twin = random_twin(trained(head="full"), 0)
    for layer in twin.layers:
        limit = layer.n_neuron**-0.5
        for tensor, bound in ((layer.weight_input, limit), (layer.weight_recurrent, limit), (layer.bias, 2 * limit)):
            assert 0.75 * bound < float(tensor.abs().max()) <= bound
            assert abs(float(tensor.mean())) < 0.2 * bound
    assert 0.09 < float(twin.embedding.abs().max()) <= 0.1
    assert 0.09 < float(twin.decoder.weight.abs().max()) <= 0.1
    assert not twin.decoder.bias.any()


RECIPES = [
    Recipe(layers=2, size=12, forget_bias=1.0),
    Recipe(layers=1, size=12, init_range=0.05, forget_bias=0.0, tied=False, embedding_size=7),
    Recipe(layers=2, size=16, tied=False, softmax="adaptive", cutoffs=(4, 8), vocabulary_size=11),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recorded_recipe_is_followed(tmp_path, recipe):
    """The twin with the seed of the training is the network before its first update."""
    torch.manual_seed(7)
    before = Network(11, recipe).model(VOCABULARY)
    model = replace(before, metadata={"recipe": json.dumps(asdict(recipe))})
    save_model(model, tmp_path / "m.safetensors")
    state = torch.get_rng_state()
    twin = random_twin(load_model(tmp_path / "m.safetensors"), 7)
    assert torch.equal(torch.get_rng_state(), state)
    assert twin.digest == before.digest
    assert twin.metadata["twin_weights"] == "by the recipe of its training"
    assert random_twin(model, 8).digest != before.digest


@pytest.mark.parametrize("recipe", [{"size": 12, "colour": 3}, asdict(Recipe(size=13)), [1]])
def test_a_recipe_of_something_else_is_not_followed(recipe):
    model = replace(trained(), metadata={"recipe": json.dumps(recipe)})
    assert random_twin(model, 0).metadata["twin_weights"].startswith("torch's")


@pytest.mark.parametrize("kind", KINDS)
def test_the_neurons_of_a_twin_are_alive(kind):
    hidden = read(random_twin(trained(), 0, kind)).hidden
    assert all((np.ptp(layer, axis=0) > 1e-5).all() for layer in hidden)
