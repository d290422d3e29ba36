"""The script that a user would write: a single-layer ``nn.LSTM`` a layer, which is how h of each layer is had."""

import numpy as np
import torch
from torch import Tensor, nn

from lstm_analysis.inference.model import LanguageModel

CHUNK = 400


def torch_layers(model: LanguageModel) -> list[nn.LSTM]:
    """Return the layers as single-layer modules, which is how a user gets h of each layer."""
    modules = []
    for layer in model.layers:
        module = nn.LSTM(layer.weight_input.shape[1], layer.n_neuron, device=layer.bias.device)
        values = (layer.weight_input, layer.weight_recurrent, layer.bias, torch.zeros_like(layer.bias))
        for parameter, value in zip(module.parameters(), values, strict=True):
            parameter.data = value
        module.flatten_parameters()
        modules.append(module)
    return modules


@torch.inference_mode()
def read_with_torch(model: LanguageModel, modules: list[nn.LSTM], ids: Tensor, hidden: np.ndarray) -> None:
    """Read streams of one length, ids (step, stream), in chunks; keep h of both layers."""
    states: list[tuple[Tensor, Tensor] | None] = [None] * len(modules)
    for at in range(0, len(ids), CHUNK):
        x = model.embedding[ids[at : at + CHUNK]]
        for i, module in enumerate(modules):
            x, states[i] = module(x, states[i])
            hidden[at : at + CHUNK, :, i] = x.cpu().numpy()
