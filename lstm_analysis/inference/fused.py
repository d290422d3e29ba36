"""A layer read by torch's own kernel (cuDNN on CUDA), with what that kernel does not show worked out from h.

The kernel gives every h. The gates of all steps are then one product over (x_t, h_{t-1}), and c follows from them by
c_t = f_t c_{t-1} + i_t g_t, element by element. Streams end at different steps, so a block is cut into runs of one
number of streams.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from .cells import CELLS
from .model import Layer


class FusedLayer:
    """A layer of a cell that torch has a module for.

    Parameters
    ----------
    layer
        Its weights.
    embedding
        Input vectors of the vocabulary for the first layer, else ``None``.
    """

    CELLS: ClassVar[Mapping[str, type[nn.LSTM] | type[nn.GRU]]] = {"lstm": nn.LSTM, "gru": nn.GRU}

    def __init__(self, layer: Layer, embedding: Tensor | None) -> None:
        self._embedding = embedding
        self._cell = CELLS[layer.cell](layer, "float32")
        self._module = _open_module(layer)

    def read(
        self,
        ids: Tensor,
        below: Tensor | None,
        active: Sequence[int],
        out: Mapping[str, Tensor],
        wanted: Collection[str],
    ) -> None:
        """See `LayerKernel.read`."""
        if below is None:
            assert self._embedding is not None
            below = self._embedding[ids]
        for first, stop, m in runs(active):
            x = below[first:stop, :m].contiguous()
            states = {name: tensor[first : stop + 1, :m] for name, tensor in out.items()}
            before = [states[name][:1].contiguous() for name in self._cell.carried]
            states["hidden"][1:], after = self._module(x, before[0] if len(before) == 1 else tuple(before))
            if any(name != "hidden" for name in wanted):
                self._fill_gates(x, states)
            if "cell" in states:
                states["cell"][-1] = after[1][0]

    def _fill_gates(self, x: Tensor, states: Mapping[str, Tensor]) -> None:
        """Fill in what is wanted besides h, and c, of a run of one number of streams."""
        shape = states["hidden"][1:].shape
        given = self._cell.input_product(x.flatten(0, 1))
        gates = self._cell.gates(self._cell.recurrent_product(states["hidden"][:-1].flatten(0, 1)), given)
        for name, gate in gates.items():
            if name in states:
                states[name][1:] = gate.view(shape)
        if "cell" in states:
            cell, forget = states["cell"], gates["forget_gate"].view(shape)
            added = (gates["input_gate"] * gates["candidate"]).view(shape)
            for t in range(len(added)):
                torch.addcmul(added[t], forget[t], cell[t], out=cell[t + 1])


def runs(active: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield first step, last step + 1 and number of streams wherever that number stays the same.

    >>> list(runs([3, 3, 2, 1, 1]))
    [(0, 2, 3), (2, 3, 2), (3, 5, 1)]
    """
    first = 0
    for t in range(1, len(active) + 1):
        if t == len(active) or active[t] != active[first]:
            yield first, t, active[first]
            first = t


def _open_module(layer: Layer) -> nn.LSTM | nn.GRU:
    bias_recurrent = torch.zeros_like(layer.bias)
    if "bias_candidate" in layer.extra:
        bias_recurrent[-layer.n_neuron :] = layer.extra["bias_candidate"]
    kind = FusedLayer.CELLS[layer.cell]
    module = kind(layer.weight_input.shape[1], layer.n_neuron, device="meta", dtype=layer.bias.dtype)
    values = (layer.weight_input, layer.weight_recurrent, layer.bias, bias_recurrent)
    for name, value in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), values, strict=True):
        setattr(module, name, nn.Parameter(value, requires_grad=False))
    module.flatten_parameters()
    return module
