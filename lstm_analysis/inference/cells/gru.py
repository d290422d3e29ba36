"""The gated recurrent unit (Cho et al. 2014), as in ``torch.nn.GRU``.

    r, z = sigmoid(W x + U h + b),  n = tanh(W x + b + r (U h + b')),  h' = (1 - z) n + z h

Gates are in torch's order: reset, update, candidate; ``extra`` holds b' as ``bias_candidate`` (neuron).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..product import Product
from .activation import fma, sigmoid, tanh, vectorised
from .cell import Arrays, Cell, fill_gate, multiply

GATES = ("reset_gate", "update_gate")


class Gru(Cell):
    """A GRU layer."""

    carried = ("hidden",)

    @cached_property
    def recurrent_product(self) -> Product:
        """Gives the recurrent products, b' added."""
        return Product(self.layer.weight_recurrent, self._bias, self.precision)

    @cached_property
    def _bias(self) -> Tensor:
        none = self.layer.bias.new_zeros(2 * self.layer.n_neuron)
        return torch.cat([none, self.layer.extra["bias_candidate"]])

    def gates(self, product: Tensor, given: Tensor) -> Mapping[str, Tensor]:
        """See `Cell.gates`."""
        (r, z, n), (r_given, z_given, n_given) = product.chunk(3, 1), given.chunk(3, 1)
        r = (r + r_given).sigmoid()
        return {"reset_gate": r, "update_gate": (z + z_given).sigmoid(), "candidate": (n_given + r * n).tanh()}

    def after(self, gates: Mapping[str, Tensor], past: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """See `Cell.after`."""
        z = gates["update_gate"]
        return {"hidden": (1 - z) * gates["candidate"] + z * past["hidden"]}

    def _step(self, product: NDArray[Any], source: NDArray[Any], rows: NDArray[Any], t: int, states: Arrays) -> None:
        _step(product, source, rows, t, states["hidden"])

    def _fill_gates(
        self, product: NDArray[Any], source: NDArray[Any], rows: NDArray[Any], t: int, states: Arrays
    ) -> None:
        width = states["hidden"].shape[2]
        for at, name in enumerate(GATES):
            if name in states:
                fill_gate(product, source, rows, t, at * width, states[name])
        if "candidate" in states:
            _fill_candidate(product, source, rows, t, states["candidate"])

    def _chain(
        self, source: NDArray[Any], rows: NDArray[Any], first: int, stop: int, states: Arrays
    ) -> NDArray[np.float32]:
        return _chain(self.transposed, self._bias.numpy(), source, rows, first, stop, states["hidden"])


@vectorised
def _step(
    product: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    t: int,
    hidden: NDArray[np.float32],
) -> None:
    n = hidden.shape[2]
    one = np.float32(1)
    for b in range(product.shape[0]):
        p, s, past, now = product[b], source[rows[t, b]], hidden[t, b], hidden[t + 1, b]
        for j in range(n):
            r = sigmoid(p[j] + s[j])
            z = sigmoid(p[n + j] + s[n + j])
            candidate = tanh(fma(r, p[2 * n + j], s[2 * n + j]))
            now[j] = fma(z, past[j], (one - z) * candidate)


@vectorised
def _fill_candidate(
    product: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    t: int,
    candidate: NDArray[np.float32],
) -> None:
    n = candidate.shape[2]
    for b in range(product.shape[0]):
        p, s, out = product[b], source[rows[t, b]], candidate[t + 1, b]
        for j in range(n):
            out[j] = tanh(fma(sigmoid(p[j] + s[j]), p[2 * n + j], s[2 * n + j]))


@vectorised
def _chain(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    first: int,
    stop: int,
    hidden: NDArray[np.float32],
) -> NDArray[np.float32]:
    products = np.empty((stop - first, 1, len(bias)), np.float32)
    for t in range(first, stop):
        product = products[t - first]
        multiply(hidden[t, 0], weight, product[0])
        for j in range(len(bias)):
            product[0, j] += bias[j]
        _step(product, source, rows, t, hidden)
    return products
