"""A layer read by the package ``flashrnn`` (Poeppel et al. 2024), which gives every h and c from the input products.

On a CPU its plain implementation is taken, which is there to be compared with. On CUDA its ``cuda`` kernel is, compiled
at first use (it needs nvcc and ninja); ``cuda_fused`` would multiply float32 values as TF32.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ..errors import UsageError
from .cells import CELLS
from .fused import runs
from .model import Layer


class FlashRnnLayer:
    """An LSTM layer; parameters as in `StepLayer`.

    Raises
    ------
    UsageError
        If the package is missing.
    """

    def __init__(self, layer: Layer, table: Tensor | None) -> None:
        self._flashrnn = _import_flashrnn()
        self._cell, self._table = CELLS["lstm"](layer, "float32"), table
        n = layer.n_neuron
        self._weight = layer.weight_recurrent.view(4, 1, n, n)
        self._options = {
            "function": "lstm",
            "backend": "cuda" if layer.bias.device.type == "cuda" else "vanilla",
            "dtype": str(layer.bias.dtype).removeprefix("torch."),
        }

    def read(
        self,
        ids: Tensor,
        below: Tensor | None,
        active: Sequence[int],
        out: Mapping[str, Tensor],
        wanted: Collection[str],
    ) -> None:
        """See `LayerKernel.read`."""
        given = self._cell.input_product(below.flatten(0, 1)) if below is not None else self._look_up(ids)
        given = given.view(*ids.shape, -1)
        for first, stop, m in runs(active):
            states = {name: tensor[first : stop + 1, :m] for name, tensor in out.items()}
            self._read_run(given[first:stop, :m], states)
            if not set(wanted) <= set(self._cell.carried):
                self._fill_gates(given[first:stop, :m], states)

    def _look_up(self, ids: Tensor) -> Tensor:
        assert self._table is not None
        return self._table[ids.flatten()]

    def _read_run(self, given: Tensor, states: Mapping[str, Tensor]) -> None:
        """Fill h and c; flashrnn's dims are state, stream, step, head (one here), neuron."""
        n_step, m, _ = given.shape
        n = self._weight.shape[-1]
        products = given.transpose(0, 1).reshape(m, n_step, 4, 1, n)
        start = torch.stack([states[name][0] for name in self._cell.carried]).view(2, m, 1, 1, n)
        found, _ = self._flashrnn(products, self._weight, products.new_zeros(4, 1, n), start, **self._options)
        for name, values in zip(self._cell.carried, found, strict=True):
            states[name][1:] = values[:, :, 0].transpose(0, 1)

    def _fill_gates(self, given: Tensor, states: Mapping[str, Tensor]) -> None:
        past = states["hidden"][:-1]
        gates = self._cell.gates(self._cell.recurrent_product(past.flatten(0, 1)), given.flatten(0, 1))
        for name, gate in gates.items():
            if name in states:
                states[name][1:] = gate.view(past.shape)


def _import_flashrnn() -> Callable[..., Any]:
    try:
        function: Callable[..., Any] = import_module("flashrnn").flashrnn
    except ImportError as error:
        raise UsageError(
            f"inference.kernel is flashrnn, but that package cannot be imported ({error}). Run pip install flashrnn, "
            "or use kernel: auto."
        ) from None
    return function
