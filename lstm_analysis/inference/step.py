"""A layer read step by step: two products and the cell's own arithmetic, every state at hand."""

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from .cells import CELLS
from .model import Layer
from .product import Precision


class StepLayer:
    """A layer of any cell.

    Parameters
    ----------
    layer
        Its weights.
    table
        For the first layer the input products of every token of the vocabulary, else ``None``.
    precision
        Of the products.
    """

    def __init__(self, layer: Layer, table: Tensor | None, precision: Precision) -> None:
        self._cell = CELLS[layer.cell](layer, precision)
        self._table = table

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
            assert self._table is not None
            self._cell.run(self._table, ids, active, out)
        else:
            rows = torch.arange(ids.numel(), device=ids.device).view(ids.shape)
            self._cell.run(self._cell.input_product(below.flatten(0, 1)), rows, active, out)
