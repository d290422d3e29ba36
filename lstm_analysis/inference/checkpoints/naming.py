"""A model's weights under the names that a state dict has for them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..model import AdaptiveDecoder, Decoder, LanguageModel, Layer
from .recurrent import NAMES

STATES_ONLY = "states_only"
"""Metadata of a model without a decoder."""


def named_weights(model: LanguageModel) -> dict[str, Tensor]:
    """Return the weights by name, a tied matrix once; `assemble` makes the same model of them, to the bit."""
    found = {"encoder.weight": model.embedding}
    for i, layer in enumerate(model.layers):
        found |= {f"rnn.{name}_l{i}": tensor for name, tensor in _layer_weights(layer)}
    match model.decoder:
        case Decoder(weight, bias):
            found |= {"decoder.bias": bias} if model.tied else {"decoder.weight": weight, "decoder.bias": bias}
        case AdaptiveDecoder(head, head_bias, tails):
            found |= {"decoder.head.weight": head, "decoder.head.bias": head_bias}
            for k, tail in enumerate(tails):
                found |= {f"decoder.tail.{k}.{part}.weight": tensor for part, tensor in enumerate(tail)}
    return found


def _layer_weights(layer: Layer) -> Iterator[tuple[str, Tensor]]:
    weights = {"weight_input": layer.weight_input, "weight_recurrent": layer.weight_recurrent, **layer.extra}
    yield from ((short, weights[name]) for short, name in NAMES.items() if name in weights)
    yield "bias_ih", layer.bias
    if "bias_candidate" in layer.extra:
        # Adding minus zero changes no number, not even the sign of a zero.
        yield "bias_hh", torch.cat([layer.bias.new_full((2 * layer.n_neuron,), -0.0), layer.extra["bias_candidate"]])
