"""What every kind of recurrent layer does: its products, its states, and a block of steps."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model import Layer
from ..product import Precision, Product
from .activation import fma, sigmoid, vectorised

Arrays = Mapping[str, NDArray[np.float32]]


class Cell(ABC):
    """A recurrent layer that is read step by step.

    Parameters
    ----------
    layer
        Its weights.
    precision
        Of the products.
    """

    carried: ClassVar[tuple[str, ...]]
    """States that the next step needs, the hidden state first."""

    def __init__(self, layer: Layer, precision: Precision) -> None:
        self.layer, self.precision = layer, precision

    @cached_property
    def input_product(self) -> Product:
        """Gives the input products; packed at first use, since those of the first layer are looked up."""
        return Product(*self.input_weights(self.layer), self.precision)

    @cached_property
    def recurrent_product(self) -> Product:
        """Gives the recurrent products."""
        return Product(self.layer.weight_recurrent, None, self.precision)

    @cached_property
    def transposed(self) -> NDArray[np.float32]:
        """The recurrent weight, shape (neuron, gate neuron); made when a stream is first read alone."""
        return np.ascontiguousarray(self.layer.weight_recurrent.numpy().T)

    @staticmethod
    def input_weights(layer: Layer) -> tuple[Tensor, Tensor]:
        """Return weight (row, input) and bias (row) of all input products of a layer."""
        return layer.weight_input, layer.bias

    def run(self, source: Tensor, rows: Tensor, active: Sequence[int], out: Mapping[str, Tensor]) -> None:
        """Fill a block of states.

        Parameters
        ----------
        source, rows
            Input products (row, gate neuron), and which row belongs to each (step, stream).
        active
            Streams that take part in each step, the first ones; never growing.
        out
            States by name, shape (step + 1, stream, neuron): row 0 holds the carried ones before the block, row
            ``t + 1`` becomes the state after step ``t``. Gates are filled in if they are here.
        """
        if out["hidden"].device.type != "cpu" or out["hidden"].dtype != torch.float32:
            self._run_in_torch(source, rows, active, out)
            return
        arrays = {name: tensor.numpy() for name, tensor in out.items()}
        given, which = source.numpy(), rows.numpy()
        n_beside = sum(m > 1 for m in active) if self.precision == "float32" else len(active)
        for t in range(n_beside):
            product = self.recurrent(out["hidden"][t, : active[t]], source, rows[t, : active[t]]).numpy()
            self._step(product, given, which, t, arrays)
            self._fill_gates(product, given, which, t, arrays)
        if n_beside < len(active):
            products = self._chain(given, which, n_beside, len(active), arrays)
            if len(out) > len(self.carried):
                for t in range(n_beside, len(active)):
                    self._fill_gates(products[t - n_beside], given, which, t, arrays)

    def _run_in_torch(self, source: Tensor, rows: Tensor, active: Sequence[int], out: Mapping[str, Tensor]) -> None:
        for t, m in enumerate(active):
            past = {name: out[name][t, :m] for name in self.carried}
            gates = self.gates(self.recurrent(past["hidden"], source, rows[t, :m]), source[rows[t, :m]])
            values = {**gates, **self.after(gates, past)}
            for name, tensor in out.items():
                tensor[t + 1, :m] = values[name]

    def recurrent(self, hidden: Tensor, source: Tensor, rows: Tensor) -> Tensor:
        """Return the recurrent products (stream, gate neuron) of h (stream, neuron); source and rows as in `run`."""
        return self.recurrent_product(hidden)

    @abstractmethod
    def gates(self, product: Tensor, given: Tensor) -> Mapping[str, Tensor]:
        """Return the gates by name, in plain torch for any device and float type.

        ``product`` and ``given`` are the recurrent and the input products (row, gate neuron).
        """

    @abstractmethod
    def after(self, gates: Mapping[str, Tensor], past: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the carried states after a step from its gates and the carried states before."""

    @abstractmethod
    def _step(self, product: NDArray[Any], source: NDArray[Any], rows: NDArray[Any], t: int, states: Arrays) -> None:
        """Fill row ``t + 1`` of the carried states by compiled kernels."""

    @abstractmethod
    def _fill_gates(
        self, product: NDArray[Any], source: NDArray[Any], rows: NDArray[Any], t: int, states: Arrays
    ) -> None:
        """Fill row ``t + 1`` of the gates that are in ``states``."""

    @abstractmethod
    def _chain(
        self, source: NDArray[Any], rows: NDArray[Any], first: int, stop: int, states: Arrays
    ) -> NDArray[np.float32]:
        """Read the steps ``[first, stop)`` of the first stream alone, in one call.

        Returns
        -------
        The recurrent products, shape (step, 1, gate neuron).
        """


@vectorised
def fill_gate(
    product: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    t: int,
    at: int,
    gate: NDArray[np.float32],
) -> None:
    """Fill row ``t + 1`` of a gate (step + 1, stream, neuron) whose products begin at column ``at``."""
    for b in range(product.shape[0]):
        recurrent, given, out = product[b, at:], source[rows[t, b], at:], gate[t + 1, b]
        for j in range(gate.shape[2]):
            out[j] = sigmoid(recurrent[j] + given[j])


@vectorised
def multiply(vector: NDArray[np.float32], weight: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Fill ``out`` with ``vector @ weight``: a product of one row is bound by reading the weight, once."""
    n = len(vector) - len(vector) % 8
    for j in range(len(out)):
        out[j] = 0
    for k in range(0, n, 8):
        v0, v1, v2, v3 = vector[k], vector[k + 1], vector[k + 2], vector[k + 3]
        v4, v5, v6, v7 = vector[k + 4], vector[k + 5], vector[k + 6], vector[k + 7]
        w0, w1, w2, w3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
        w4, w5, w6, w7 = weight[k + 4], weight[k + 5], weight[k + 6], weight[k + 7]
        for j in range(len(out)):
            low = fma(v3, w3[j], fma(v2, w2[j], fma(v1, w1[j], v0 * w0[j])))
            out[j] += low + fma(v7, w7[j], fma(v6, w6[j], fma(v5, w5[j], v4 * w4[j])))
    for k in range(n, len(vector)):
        v, w = vector[k], weight[k]
        for j in range(len(out)):
            out[j] = fma(v, w[j], out[j])
