"""Single cells worked out again from every h: what another start of a cell changes, and for how long.

Given all h, the gates of an LSTM's neuron do not depend on its own c. Two readings that agree in h and begin from
different c therefore stay apart by exactly

    c'_t - c_t = (c'_0 - c_0) f_1 f_2 ... f_t

which takes the products of the few neurons concerned, not those of the whole layer.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear

from ..compiled import compiled
from .cells.lstm import GATES
from .model import LanguageModel

Array = NDArray[np.float64]


class Replay:
    """Cells of an LSTM.

    Parameters
    ----------
    model
        Its layers are of the cell ``lstm``.
    pairs
        Layer and neuron of each cell, shape (pair, 2).
    """

    def __init__(self, model: LanguageModel, pairs: NDArray[np.int64]) -> None:
        self.n_pair = len(pairs)
        self._embedding, self._sizes, self._layers = model.embedding.cpu(), model.layer_sizes, []
        for i, layer in enumerate(model.layers):
            (places,) = np.nonzero(pairs[:, 0] == i)
            if len(places):
                rows = {name: k * layer.n_neuron + pairs[places, 1] for k, name in enumerate(GATES)}
                tensors = (layer.weight_input, layer.weight_recurrent, layer.bias)
                self._layers.append((i, places, {k: [tensor.cpu()[r] for tensor in tensors] for k, r in rows.items()}))

    def retained(self, token_id: NDArray[np.int32], hidden: NDArray[np.float32], before: NDArray[np.float32]) -> Array:
        """Return what is left of a difference in c after each token, dims (time, pair): 1 is all, 0 nothing.

        Parameters
        ----------
        token_id
            What is read, dims (time).
        hidden
            h after each token, dims (time, layer, neuron).
        before
            h before the first, dims (layer, neuron).
        """
        (forget,) = self._gates(("forget_gate",), token_id, hidden, before)
        return np.asarray(np.cumprod(forget, axis=0))

    def cells(
        self, token_id: NDArray[np.int32], hidden: NDArray[np.float32], before: NDArray[np.float32], cell: Array
    ) -> tuple[Array, Array]:
        """Return c after each token, dims (time, pair), from that before the first, dims (pair), and `retained`."""
        taken, forget, candidate = self._gates(("input_gate", "forget_gate", "candidate"), token_id, hidden, before)
        found = np.empty((len(token_id), self.n_pair))
        _accumulate(taken, forget, candidate, cell, found)
        return found, np.asarray(np.cumprod(forget, axis=0))

    def _gates(
        self,
        names: Sequence[str],
        token_id: NDArray[np.int32],
        hidden: NDArray[np.float32],
        before: NDArray[np.float32],
    ) -> list[Array]:
        """Return gates, dims (time, pair); the products in float32, as they were read."""
        found = [np.empty((len(token_id), self.n_pair)) for _ in names]
        for i, places, weights in self._layers:
            past = torch.from_numpy(np.concatenate([before[None, i], hidden[:-1, i]])[:, : self._sizes[i]].copy())
            below = (
                torch.from_numpy(hidden[:, i - 1, : self._sizes[i - 1]].copy())
                if i
                else self._embedding[torch.as_tensor(token_id.astype(np.int64))]
            )
            for name, gate in zip(names, found, strict=True):
                weight_input, weight_recurrent, bias = weights[name]
                product = linear(below, weight_input, bias) + linear(past, weight_recurrent)
                wide = product.double()
                gate[:, places] = (wide.tanh() if name == "candidate" else wide.sigmoid()).numpy()
        return found


@compiled
def _accumulate(input_gate: Array, forget_gate: Array, candidate: Array, cell: Array, found: Array) -> None:
    now = cell.copy()
    for t in range(found.shape[0]):
        for j in range(found.shape[1]):
            now[j] = forget_gate[t, j] * now[j] + input_gate[t, j] * candidate[t, j]
            found[t, j] = now[j]
