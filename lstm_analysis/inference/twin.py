"""The random-weights twin of a model: the same architecture and vocabulary, with weights that learned nothing.

A score of a trained model says something of its training only beside that of a twin. There are two, for two questions:

- ``initial``: the network as it is before training. What the architecture gives for nothing; the default, because it is
  what training began with. A checkpoint that records its recipe (``lstm-analysis train``) is initialised by it, as that
  training was; any other as its cell is in torch: the weights of a layer and each of its two biases uniform in
  ±1/sqrt(neurons), and embedding and decoder as in torch's word language model example, uniform in ±0.1, the
  decoder's bias 0.
- ``shuffled``: the model's own weights, permuted within each gate's block of each matrix and each bias. The
  distribution of the weights is the trained one, so that gates open and neurons saturate about as they do in the model;
  only the wiring is lost. What is more in the trained model than in this one cannot come from the size of its weights.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from ..conversion import convert
from ..errors import UsageError
from ..ranges import require_seed
from ..recipe import Recipe
from .checkpoints.recurrent import N_GATE
from .model import AdaptiveDecoder, Decoder, LanguageModel, Layer

Kind = Literal["initial", "shuffled"]
EMBEDDING_RANGE = 0.1
BY_RECIPE = "by the recipe of its training"
"""How a twin's metadata say that it is, with the recipe's own seed, the network that the training began from."""


def random_twin(model: LanguageModel, seed: int, kind: Kind = "initial") -> LanguageModel:
    """Return a model of the same architecture and vocabulary whose weights are random.

    Parameters
    ----------
    model
        Whose twin.
    seed
        Of the random numbers: the same seed gives the same weights, to the bit.
    kind
        ``initial`` for weights as before training, ``shuffled`` for the model's own weights, permuted.

    Returns
    -------
    The twin, on the CPU in float32; a tied decoder stays tied. Its metadata say what it is and of which model.
    """
    require_seed(seed, "seed")
    model = model.to("cpu")
    draw = torch.Generator().manual_seed(seed)
    recipe = _recipe(model.metadata)
    if kind == "shuffled":
        twin, rule = _shuffled(model, draw), "own weights, permuted within each gate of each matrix"
    elif recipe is not None and (untrained := _untrained(model, recipe, seed)) is not None:
        twin, rule = untrained, BY_RECIPE
    else:
        twin, rule = _initial(model, draw), "torch's for its cell; embedding and decoder uniform in ±0.1"
    facts = {"twin": kind, "twin_of": model.digest, "twin_seed": str(seed), "twin_weights": rule}
    return replace(twin, metadata=facts)


def _recipe(metadata: Mapping[str, str]) -> Recipe | None:
    """Return the recipe that a checkpoint records, ``None`` if there is none that this version knows."""
    try:
        found: Recipe = convert(json.loads(metadata["recipe"]), Recipe, "recipe", "")
    except (KeyError, ValueError, UsageError):
        return None
    return found


def _untrained(model: LanguageModel, recipe: Recipe, seed: int) -> LanguageModel | None:
    """Return what the recipe's training begins with, ``None`` if it is not of the model's shape."""
    from .training.network import Network

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = Network(len(model.vocabulary), recipe).model(model.vocabulary)
    return found if _shapes(found) == _shapes(model) else None


def _shapes(model: LanguageModel) -> list[tuple[int, ...]]:
    decoder = () if model.decoder is None else model.decoder.tensors()
    layers = [tensor for layer in model.layers for tensor in layer.tensors()]
    return [tuple(tensor.shape) for tensor in (model.embedding, *layers, *decoder)]


def _initial(model: LanguageModel, draw: torch.Generator) -> LanguageModel:
    def uniform(like: Tensor, limit: float) -> Tensor:
        return torch.empty_like(like).uniform_(-limit, limit, generator=draw)

    def layer(old: Layer) -> Layer:
        limit = old.n_neuron**-0.5
        bias = uniform(old.bias, limit)
        if old.cell == "gru":
            bias[: 2 * old.n_neuron] += uniform(bias[: 2 * old.n_neuron], limit)
        else:
            bias += uniform(bias, limit)
        extra = {name: uniform(old.extra[name], limit) for name in sorted(old.extra)}
        return Layer(uniform(old.weight_input, limit), uniform(old.weight_recurrent, limit), bias, old.cell, extra)

    embedding = uniform(model.embedding, EMBEDDING_RANGE)
    layers = tuple(layer(old) for old in model.layers)
    decoder = _with_weights(model, embedding, lambda old: uniform(old, EMBEDDING_RANGE), torch.zeros_like)
    return replace(model, embedding=embedding, layers=layers, decoder=decoder)


def _shuffled(model: LanguageModel, draw: torch.Generator) -> LanguageModel:
    def permuted(old: Tensor) -> Tensor:
        return old.flatten()[torch.randperm(old.numel(), generator=draw)].view_as(old)

    def layer(old: Layer) -> Layer:
        def by_gate(tensor: Tensor) -> Tensor:
            return torch.cat([permuted(gate) for gate in tensor.chunk(N_GATE[old.cell])])

        weights = [by_gate(tensor) for tensor in (old.weight_input, old.weight_recurrent, old.bias)]
        extra = {name: permuted(old.extra[name]) for name in sorted(old.extra)}
        return Layer(weights[0], weights[1], weights[2], old.cell, extra)

    embedding = permuted(model.embedding)
    layers = tuple(layer(old) for old in model.layers)
    decoder = _with_weights(model, embedding, permuted, permuted)
    return replace(model, embedding=embedding, layers=layers, decoder=decoder)


def _with_weights(
    model: LanguageModel, embedding: Tensor, weight: Callable[[Tensor], Tensor], bias: Callable[[Tensor], Tensor]
) -> Decoder | AdaptiveDecoder | None:
    """Return the decoder with each matrix and each bias replaced by a function of it; tied if it was."""
    match model.decoder:
        case Decoder():
            return Decoder(embedding if model.tied else weight(model.decoder.weight), bias(model.decoder.bias))
        case AdaptiveDecoder():
            tails = tuple((weight(a), weight(b)) for a, b in model.decoder.tails)
            return AdaptiveDecoder(weight(model.decoder.head), bias(model.decoder.head_bias), tails)
    return None
