"""The multiplicative LSTM (Krause et al. 2016), as in the sentiment-neuron work (Radford et al. 2017).

    m = (W_mx x) (W_mh h),  gates = W x + U m + b,  and then an LSTM

``extra`` holds W_mx as ``weight_factor_input`` (neuron, input), W_mh as ``weight_factor_recurrent`` (neuron, neuron).
"""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model import Layer
from ..product import Product
from .activation import vectorised
from .cell import Arrays, multiply
from .lstm import Lstm, step


class Mlstm(Lstm):
    """A multiplicative LSTM layer; its input products are those of the gates, then W_mx x."""

    @cached_property
    def _factor_product(self) -> Product:
        return Product(self.layer.extra["weight_factor_recurrent"], None, self.precision)

    @staticmethod
    def input_weights(layer: Layer) -> tuple[Tensor, Tensor]:
        """See `Cell.input_weights`."""
        weight = torch.cat([layer.weight_input, layer.extra["weight_factor_input"]])
        return weight, torch.cat([layer.bias, layer.bias.new_zeros(layer.n_neuron)])

    def recurrent(self, hidden: Tensor, source: Tensor, rows: Tensor) -> Tensor:
        """See `Cell.recurrent`."""
        width = hidden.shape[1]
        return self.recurrent_product(self._factor_product(hidden).mul_(source[:, 4 * width :][rows]))

    def _chain(
        self, source: NDArray[Any], rows: NDArray[Any], first: int, stop: int, states: Arrays
    ) -> NDArray[np.float32]:
        weights = self._factor_transposed, self.transposed
        return _chain(*weights, source, rows, first, stop, states["hidden"], states["cell"])

    @cached_property
    def _factor_transposed(self) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.layer.extra["weight_factor_recurrent"].numpy().T)


@vectorised
def _chain(
    factor: NDArray[np.float32],
    weight: NDArray[np.float32],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    first: int,
    stop: int,
    hidden: NDArray[np.float32],
    cell: NDArray[np.float32],
) -> NDArray[np.float32]:
    n = hidden.shape[2]
    products, m = np.empty((stop - first, 1, 4 * n), np.float32), np.empty(n, np.float32)
    for t in range(first, stop):
        multiply(hidden[t, 0], factor, m)
        given = source[rows[t, 0], 4 * n :]
        for j in range(n):
            m[j] *= given[j]
        multiply(m, weight, products[t - first, 0])
        step(products[t - first], source, rows, t, hidden, cell)
    return products
