"""Recurrent layers of Keras to torch's names and order of gates, those of cuDNN too."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import UserError
from .arrays import Array, expect_shape
from .gates import in_torch_order

ORDERS = {4: "ifgo", 3: "zrn"}
"""Keras's order of gates, by torch's letters."""


def is_cudnn(weights: Mapping[str, Array]) -> bool:
    """Whether a layer is a CuDNNLSTM or CuDNNGRU: one bias for each of the two products, flat. Their gates are sigmoid.

    Parameters
    ----------
    weights
        ``kernel``, ``recurrent_kernel`` and ``bias`` of the layer.
    """
    bias = weights.get("bias")
    return bias is not None and bias.shape == tuple(2 * n for n in weights["recurrent_kernel"].shape[1:])


def convert_layer(path: Path, name: str, i: int, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the weights of layer ``i`` as in a state dict of torch.

    Parameters
    ----------
    path, name
        File and layer, for messages.
    i
        Index of the layer.
    weights
        ``kernel``, shape (input, gate neuron), ``recurrent_kernel``, shape (neuron, gate neuron), and ``bias``.

    Raises
    ------
    UserError
        If the shapes are those of another cell.
    """
    n_gate = _check(path, name, weights)
    kernel, recurrent = weights["kernel"], weights["recurrent_kernel"]
    if is_cudnn(weights):
        kernel, recurrent = _from_cudnn(kernel, n_gate), _from_cudnn(recurrent, n_gate)
    order = ORDERS[n_gate]
    biases = weights["bias"].reshape(-1, kernel.shape[1]) if "bias" in weights else np.zeros((1, kernel.shape[1]))
    found = {"weight_ih": kernel.T, "weight_hh": recurrent.T, **dict(zip(("bias_ih", "bias_hh"), biases, strict=False))}
    return {f"rnn.{short}_l{i}": in_torch_order(weight, order) for short, weight in found.items()}


def _check(path: Path, name: str, weights: Mapping[str, Array]) -> int:
    """Return the number of gates."""
    if not {"kernel", "recurrent_kernel"} <= set(weights) <= {"kernel", "recurrent_kernel", "bias"}:
        raise UserError(
            f"{path}: the layer {name!r} has {', '.join(sorted(weights)) or 'no weights'}; a recurrent layer of Keras "
            "has kernel, recurrent_kernel and bias. Only LSTM and GRU layers are supported."
        )
    recurrent = weights["recurrent_kernel"]
    expect_shape(path, f"{name}/recurrent_kernel", recurrent, None, None)
    size, rows = recurrent.shape
    if rows not in (3 * size, 4 * size):
        raise UserError(
            f"{path}: {name}/recurrent_kernel has shape {recurrent.shape}; an LSTM has ({size}, {4 * size}), a GRU "
            f"({size}, {3 * size}). Only LSTM and GRU layers are supported."
        )
    expect_shape(path, f"{name}/kernel", weights["kernel"], None, rows)
    n_gate, bias = int(rows // size), weights.get("bias")
    if n_gate == 3 and (bias is None or bias.shape == (rows,)):
        raise UserError(
            f"{path}: the GRU {name!r} has no recurrent bias, as with reset_after=False: it resets h before the "
            "product instead of after it, which is another cell. Only GRUs with reset_after=True are supported."
        )
    if bias is not None and bias.shape not in {(rows,) if n_gate == 4 else (2, rows), (2 * rows,)}:
        raise UserError(f"{path}: {name}/bias has shape {bias.shape}, but {rows} values for each product are needed.")
    return n_gate


def _from_cudnn(kernel: Array, n_gate: int) -> Array:
    """Return a kernel of a CuDNN layer in the layout of a plain one.

    Keras hands the values of each gate's (input, neuron) block to cuDNN as they lie in memory, and cuDNN takes them for
    a (neuron, input) matrix.
    """
    return np.hstack([gate.reshape(gate.shape[::-1]).T for gate in np.hsplit(kernel, n_gate)])
