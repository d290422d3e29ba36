"""Arrays of a TensorFlow 1 checkpoint: ``BasicLSTMCell`` kernels, an embedding and a softmax layer."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import UserError
from .arrays import Array, as_tensors, expect_shape
from .checkpoint import Checkpoint
from .gates import in_torch_order

_CELL = re.compile(r"(?P<place>.*?)(?:basic_)?lstm_cell/(?P<kind>kernel|weights|bias|biases)")
_ENDS = {
    "encoder.weight": re.compile(r"(?:.*/)?embeddings?(?:/w|/embeddings?)?"),
    "decoder.weight": re.compile(r"(?:.*/)?(?:softmax_w|dense/kernel)"),
    "decoder.bias": re.compile(r"(?:.*/)?(?:softmax_b|dense/bias)"),
}
_OPTIMISER = re.compile(r".*/(?:Adam|Adam_1|Adagrad|Momentum|RMSProp|RMSProp_1|ExponentialMovingAverage)")
ORDER = "igfo"
"""TensorFlow's i, j, f, o by torch's letters."""


def from_tensorflow(path: Path, arrays: Mapping[str, Array]) -> Checkpoint:
    """Return the checkpoint of arrays that have the names of their TensorFlow variables.

    The cell adds a constant to its forget gate when it runs, which no variable holds: TensorFlow's default, 1, unless
    the file has a number named ``forget_bias`` (the Penn Treebank tutorial's models need 0).

    Raises
    ------
    UserError
        If there is no such cell, or its shapes do not fit.
    """
    named = {name: array for name, array in arrays.items() if not _OPTIMISER.fullmatch(name)}
    cells: dict[str, dict[str, Array]] = {}
    rest: dict[str, Array] = {}
    for name, array in named.items():
        if match := _CELL.fullmatch(name):
            kind = "kernel" if match["kind"] in ("kernel", "weights") else "bias"
            cells.setdefault(match["place"], {})[kind] = array
        elif array.ndim:
            rest[name] = array
    if not cells:
        raise UserError(
            f"{path} holds no LSTM: none of its {len(arrays)} arrays is named like basic_lstm_cell/kernel (TensorFlow) "
            f"or rnn/wmx (the sentiment neuron). Found: {', '.join(list(arrays)[:6]) or 'nothing'}."
        )
    forget_bias = _forget_bias(path, named)
    found: dict[str, Array] = {}
    for i, place in enumerate(sorted(cells, key=_natural)):
        found |= _layer(path, place, i, cells[place], forget_bias)
    return Checkpoint(as_tensors(found | _ends(path, rest)), metadata={"forget_bias": f"{forget_bias:g}"})


def _forget_bias(path: Path, named: Mapping[str, Array]) -> float:
    if "forget_bias" not in named:
        logging.getLogger(__name__).warning(
            "%s does not say which forget_bias its cells were made with; TensorFlow's default, 1, is added. If it was "
            "another (0 in the Penn Treebank tutorial), save it beside the weights: np.savez(..., forget_bias=0).",
            path,
        )
        return 1.0
    value = named["forget_bias"]
    if value.size != 1 or not np.isfinite(value).all():
        raise UserError(f"{path}: forget_bias must be one number, but has shape {value.shape}.")
    return float(value.reshape(()))


def _layer(path: Path, place: str, i: int, cell: Mapping[str, Array], forget_bias: float) -> dict[str, Array]:
    name = f"{place}basic_lstm_cell"
    missing = {"kernel", "bias"} - set(cell)
    if missing:
        raise UserError(f"{path} lacks {name}/{missing.pop()}; the file is incomplete.")
    kernel, bias = cell["kernel"], cell["bias"]
    expect_shape(path, f"{name}/kernel", kernel, None, None)
    size = kernel.shape[1] // 4
    if kernel.shape[1] != 4 * size or len(kernel) <= size:
        raise UserError(
            f"{path}: {name}/kernel has shape {kernel.shape}; a cell of n neurons has (inputs + n, 4 n). Only plain "
            "LSTM cells are supported."
        )
    expect_shape(path, f"{name}/bias", bias, 4 * size)
    weight = in_torch_order(kernel.T, ORDER)
    bias = in_torch_order(bias, ORDER).astype(np.float64)
    bias[size : 2 * size] += forget_bias
    n_input = len(kernel) - size
    return {
        f"rnn.weight_ih_l{i}": weight[:, :n_input],
        f"rnn.weight_hh_l{i}": weight[:, n_input:],
        f"rnn.bias_ih_l{i}": bias,
    }


def _ends(path: Path, rest: Mapping[str, Array]) -> dict[str, Array]:
    """Return embedding and softmax by our names; what is left keeps its own, and is refused by it."""
    found: dict[str, Array] = {}
    for name, array in rest.items():
        ours = next((ours for ours, pattern in _ENDS.items() if pattern.fullmatch(name)), name)
        if ours in found:
            raise UserError(f"{path} has more than one array for {ours} ({name} is the second). Save one model only.")
        if ours == "decoder.weight":
            expect_shape(path, name, array, None, None)
            array = array.T
        found[ours] = array
    return found


def _natural(place: str) -> list[tuple[int, str]]:
    """Return a key by which cell_2 comes before cell_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", place)]
