"""Blocks of rows put into torch's order of gates."""

import numpy as np
from numpy.typing import NDArray

TORCH_ORDERS = {4: "ifgo", 3: "rzn"}
"""By number: input, forget, candidate and output gate of an LSTM; reset gate, update gate and candidate of a GRU."""


def in_torch_order(weight: NDArray[np.floating], order: str) -> NDArray[np.floating]:
    """Return a matrix or a bias, one block of rows a gate, with the blocks in torch's order.

    Parameters
    ----------
    weight
        Shape (gate neuron, ...).
    order
        The gate of each block, by torch's letters.

    Examples
    --------
    >>> in_torch_order(np.array([10, 20, 30, 40]), "iofg").tolist()
    [10, 30, 40, 20]
    """
    blocks = dict(zip(order, np.split(weight, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in TORCH_ORDERS[len(order)]])
