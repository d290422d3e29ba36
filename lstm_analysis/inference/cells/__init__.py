"""Kinds of recurrent layers: one file and one line a cell."""

from .cell import Cell
from .gru import Gru
from .lstm import Lstm
from .mlstm import Mlstm

CELLS: dict[str, type[Cell]] = {"lstm": Lstm, "gru": Gru, "mlstm": Mlstm}

__all__ = ["CELLS", "Cell"]
