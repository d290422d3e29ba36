"""The weights that read each neuron's h."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .model import AdaptiveDecoder, LanguageModel, Layer


def readers_of(model: LanguageModel) -> list[list[NDArray[np.floating]]]:
    """Return for each layer the matrices that read its h, shape (reader, neuron)."""
    found = []
    for i, layer in enumerate(model.layers):
        matrices = [_recurrent(layer)]
        if i + 1 < model.n_layer:
            above = model.layers[i + 1]
            matrices += [above.weight_input, *(w for n, w in above.extra.items() if n == "weight_factor_input")]
        elif isinstance(model.decoder, AdaptiveDecoder):
            matrices += [model.decoder.head, *(projection for projection, _ in model.decoder.tails)]
        elif model.decoder is not None:
            matrices.append(model.decoder.weight)
        found.append([matrix.detach().cpu().numpy() for matrix in matrices])
    return found


def _recurrent(layer: Layer) -> Tensor:
    """Return what reads h of the step before: in a multiplicative LSTM the factor, which its gates read."""
    return layer.extra.get("weight_factor_recurrent", layer.weight_recurrent)
