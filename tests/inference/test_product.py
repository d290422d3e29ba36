"""Products, and that the same texts give the same bytes, whatever happened to be where in a process, and when."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from random_model import random_model, read, texts_of

from lstm_analysis.inference.model import Layer
from lstm_analysis.inference.product import Product, round_up
from lstm_analysis.schema import CELL_STATES

READ_IN_ORDER = """
import hashlib, sys
sys.path[:0] = [sys.argv[1]]
from random_model import random_model, read, texts_of
found = {}
for lengths in ((60,), (60, 41, 30))[:: int(sys.argv[2])]:
    for cell in ("lstm", "gru", "mlstm"):
        states, _ = read(random_model(cell), texts_of(*lengths), ["hidden"])
        found[cell, lengths] = hashlib.sha256(states["hidden"].tobytes()).hexdigest()
print(sorted(found.items()))
"""


def test_states_do_not_depend_on_which_kernel_a_process_uses_first():
    """Compiled code that is in two libraries runs from the one that was loaded first."""
    command = [sys.executable, "-c", READ_IN_ORDER, str(Path(__file__).parents[1])]
    found = [subprocess.check_output([*command, order], text=True) for order in ("1", "-1")]
    assert found[0] == found[1]
    assert found[0].count("mlstm") == 2


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rows_are_multiplied_in_few_sizes(precision):
    """Each size costs oneDNN half a megabyte and some milliseconds."""
    sizes = [round_up(n) for n in range(1, 1025)]
    assert len(set(sizes)) == 38
    assert all(0 <= size - n < max(16, n / 8) for n, size in enumerate(sizes, start=1))
    weight, bias, x = torch.randn(400, 100), torch.randn(400), torch.randn(300, 100)
    product = Product(weight, bias, precision)
    exact = torch.nn.functional.linear(x.double(), weight.double(), bias.double())
    atol = 1e-4 if precision == "float32" else 0.5
    for n in (1, 15, 16, 17, 129, 300):
        found = product(x[:n])
        assert found.shape == (n, 400)
        assert found.is_contiguous()
        np.testing.assert_allclose(found, exact[:n], atol=atol, rtol=0)
