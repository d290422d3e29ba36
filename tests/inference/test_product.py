"""The same model gives the same bytes, wherever in memory its weights lie."""

import dataclasses

import numpy as np
import pytest
import torch
from random_model import random_model, read, texts_of

from lstm_analysis.inference.model import Layer
from lstm_analysis.schema import CELL_STATES


def shifted(tensor, n):
    """Return the same values, ``n`` floats behind a multiple of 64 bytes."""
    memory = torch.empty(tensor.numel() + n)
    assert memory.data_ptr() % 64 == 0
    return memory[n:].view(tensor.shape).copy_(tensor)


@pytest.mark.parametrize("lengths", [(40, 41, 30), (2,), (1,)], ids=str)
@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
def test_states_do_not_depend_on_where_the_weights_lie(cell, lengths):
    model, texts = random_model(cell, (14, 14, 6)), texts_of(*lengths)
    expected, ends = read(model, texts, CELL_STATES[cell])
    for n in (1, 5, 12):
        layers = [
            Layer(
                *(shifted(tensor, n) for tensor in (layer.weight_input, layer.weight_recurrent, layer.bias)),
                cell,
                {name: shifted(tensor, n) for name, tensor in layer.extra.items()},
            )
            for layer in model.layers
        ]
        moved = dataclasses.replace(model, layers=tuple(layers))
        found, found_ends = read(moved, texts, CELL_STATES[cell])
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=f"{name}, {n} floats on")
        np.testing.assert_array_equal(found_ends, ends)
