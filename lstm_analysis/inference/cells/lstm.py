"""The LSTM (Hochreiter and Schmidhuber 1997, with forget gates), as in ``torch.nn.LSTM``.

    i, f, o = sigmoid(W x + U h + b),  g = tanh(W x + U h + b),  c' = f c + i g,  h' = o tanh(c')

Gates are in torch's order: input, forget, candidate, output.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .activation import fma, sigmoid, tanh, vectorised
from .cell import Arrays, Cell, fill_gate, multiply

GATES = ("input_gate", "forget_gate", "candidate", "output_gate")


class Lstm(Cell):
    """An LSTM layer."""

    carried = ("hidden", "cell")

    def gates(self, product: Tensor, given: Tensor) -> Mapping[str, Tensor]:
        """See `Cell.gates`."""
        i, f, g, o = (product + given[:, : product.shape[1]]).chunk(4, 1)
        return dict(zip(GATES, (i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()), strict=True))

    def after(self, gates: Mapping[str, Tensor], past: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """See `Cell.after`."""
        cell = gates["forget_gate"] * past["cell"] + gates["input_gate"] * gates["candidate"]
        return {"hidden": gates["output_gate"] * cell.tanh(), "cell": cell}

    def _step(self, product: NDArray[Any], source: NDArray[Any], rows: NDArray[Any], t: int, states: Arrays) -> None:
        step(product, source, rows, t, states["hidden"], states["cell"])

    def _fill_gates(
        self, product: NDArray[Any], source: NDArray[Any], rows: NDArray[Any], t: int, states: Arrays
    ) -> None:
        width = states["hidden"].shape[2]
        for at, name in enumerate(GATES):
            if name in states:
                fill = _fill_candidate if name == "candidate" else fill_gate
                fill(product, source, rows, t, at * width, states[name])

    def _chain(
        self, source: NDArray[Any], rows: NDArray[Any], first: int, stop: int, states: Arrays
    ) -> NDArray[np.float32]:
        return _chain(self.transposed, source, rows, first, stop, states["hidden"], states["cell"])


@vectorised
def step(
    product: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    t: int,
    hidden: NDArray[np.float32],
    cell: NDArray[np.float32],
) -> None:
    """Fill row ``t + 1`` of h and c (step + 1, stream, neuron) from row ``t`` and products (stream, gate neuron)."""
    n = hidden.shape[2]
    for b in range(product.shape[0]):
        p, s = product[b], source[rows[t, b]]
        past, now, h = cell[t, b], cell[t + 1, b], hidden[t + 1, b]
        for j in range(n):
            i = sigmoid(p[j] + s[j])
            f = sigmoid(p[n + j] + s[n + j])
            g = tanh(p[2 * n + j] + s[2 * n + j])
            o = sigmoid(p[3 * n + j] + s[3 * n + j])
            c = fma(f, past[j], i * g)
            now[j] = c
            h[j] = o * tanh(c)


@vectorised
def _fill_candidate(
    product: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    t: int,
    at: int,
    candidate: NDArray[np.float32],
) -> None:
    for b in range(product.shape[0]):
        recurrent, given, out = product[b, at:], source[rows[t, b], at:], candidate[t + 1, b]
        for j in range(candidate.shape[2]):
            out[j] = tanh(recurrent[j] + given[j])


@vectorised
def _chain(
    weight: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    first: int,
    stop: int,
    hidden: NDArray[np.float32],
    cell: NDArray[np.float32],
) -> NDArray[np.float32]:
    products = np.empty((stop - first, 1, weight.shape[1]), np.float32)
    for t in range(first, stop):
        multiply(hidden[t, 0], weight, products[t - first, 0])
        step(products[t - first], source, rows, t, hidden, cell)
    return products
