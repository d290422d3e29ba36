"""Arrays of a TensorFlow 1 checkpoint: ``BasicLSTMCell`` kernels, an embedding and a softmax layer."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import UserError
from .arrays import Array, as_tensors, expect_shape
from .checkpoint import Checkpoint
from .gates import in_torch_order

_CELL = re.compile(r"(?P<place>(?:.*/)?)(?:basic_)?lstm_cell/(?P<kind>kernel|weights|bias|biases)")
_NUMBERED = re.compile(r"(?P<before>(?:.*/)?cell_)(?P<number>\d+)(?P<after>/.*)")
_BIDIRECTIONAL = re.compile(r"(?:.*/)?(?:fw|bw|forward|backward)/.*")
_OTHER_CELLS = {
    "an LSTM with projections": re.compile(r"(?:.*/)?\w*lstm_cell/(?:projection/.*|W_P_\d+)"),
    "an LSTM with peepholes": re.compile(r"(?:.*/)?(?:w_[ifo]_diag|W_[IFO]_diag)"),
    "an LSTM with layer normalisation": re.compile(r"(?:.*/)?layer_norm_basic_lstm_cell/.*"),
}
_ENDS = {
    "encoder.weight": re.compile(r"(?:.*/)?embeddings?(?:/w|/embeddings?)?"),
    "decoder.weight": re.compile(r"(?:.*/)?(?:softmax_w|dense/kernel)"),
    "decoder.bias": re.compile(r"(?:.*/)?(?:softmax_b|dense/bias)"),
}
_OPTIMISER = re.compile(r".*/(?:Adam|Adam_1|Adagrad|Momentum|RMSProp|RMSProp_1|ExponentialMovingAverage)")
_OF_TRAINING = re.compile(r"(?:.*/)?(?:beta[12]_power|learning_rate|lr|forget_bias)|(?:Train/)?Model/Variable")
"""Single numbers that no model reads; the last is the learning rate of the Penn Treebank tutorial."""
ORDER = "igfo"
"""TensorFlow's i, j, f, o by torch's letters."""


def from_tensorflow(path: Path, arrays: Mapping[str, Array]) -> Checkpoint:
    """Return the checkpoint of arrays that have the names of their TensorFlow variables.

    The cell adds a constant to its forget gate when it runs, which no variable holds: TensorFlow's default, 1, unless
    the file has a number named ``forget_bias`` (the Penn Treebank tutorial's models need 0).

    Raises
    ------
    UserError
        If there is no such cell, its shapes do not fit, or the cells are not the layers of one stack.
    """
    named = {name: array for name, array in arrays.items() if not _OPTIMISER.fullmatch(name)}
    _refuse_other_cells(path, named)
    cells, rest = _split(named)
    if not cells:
        raise UserError(
            f"{path} holds no LSTM: none of its {len(arrays)} arrays is named like basic_lstm_cell/kernel (TensorFlow) "
            f"or rnn/wmx (the sentiment neuron). Found: {', '.join(list(arrays)[:6]) or 'nothing'}."
        )
    forget_bias, caution = _forget_bias(path, named)
    found: dict[str, Array] = {}
    for i, place in enumerate(_in_order(path, list(cells))):
        found |= _layer(path, place, i, cells[place], forget_bias)
    metadata = {"forget_bias": f"{forget_bias:g}"}
    return Checkpoint(as_tensors(found | _ends(path, rest)), metadata=metadata, caution=caution)


def _refuse_other_cells(path: Path, named: Mapping[str, Array]) -> None:
    for what, pattern in _OTHER_CELLS.items():
        theirs = [name for name in named if pattern.fullmatch(name)]
        if theirs:
            raise UserError(
                f"{path} is {what} ({', '.join(theirs[:3])}), which is another cell. Only plain LSTM cells, as those "
                "of BasicLSTMCell, are supported."
            )


def _split(named: Mapping[str, Array]) -> tuple[dict[str, dict[str, Array]], dict[str, Array]]:
    """Return the cells by their place, and all other weights; counters and numbers of the training are left out."""
    cells: dict[str, dict[str, Array]] = {}
    rest: dict[str, Array] = {}
    for name, array in named.items():
        if match := _CELL.fullmatch(name):
            kind = "kernel" if match["kind"] in ("kernel", "weights") else "bias"
            cells.setdefault(match["place"], {})[kind] = array
        elif array.ndim or (array.dtype.kind == "f" and not _OF_TRAINING.fullmatch(name)):
            rest[name] = array
    return cells, rest


def _in_order(path: Path, places: Sequence[str]) -> list[str]:
    """Return the places of the cells from the first layer to the last: their names differ in one number only."""
    shown = ", ".join(f"{place}basic_lstm_cell" for place in sorted(places)[:4])
    if any(_BIDIRECTIONAL.fullmatch(place) for place in places):
        raise UserError(f"{path} is bidirectional ({shown}); only left-to-right language models are supported.")
    numbers: dict[str, int] = {}
    stacks = set()
    for place in places:
        match = _NUMBERED.fullmatch(place)
        numbers[place] = int(match["number"]) if match else 0
        stacks.add((match["before"], match["after"]) if match else place)
    if len(stacks) > 1:
        raise UserError(
            f"{path} holds the cells of several networks ({shown}), as of an encoder and a decoder. Save those of one "
            "language model only; its layers are named alike but for the number in cell_0, cell_1 ..."
        )
    if sorted(numbers.values()) != list(range(len(places))):
        raise UserError(f"{path} has the layers {sorted(numbers.values())} ({shown}), but not all from 0 on; save all.")
    return sorted(places, key=numbers.__getitem__)


def _forget_bias(path: Path, named: Mapping[str, Array]) -> tuple[float, str | None]:
    """Return the constant, and what to tell the user if the file does not say it."""
    if "forget_bias" not in named:
        return 1.0, (
            f"{path} does not say which forget_bias its cells were made with; TensorFlow's default, 1, is added. If it "
            "was another (0 in the Penn Treebank tutorial), save it beside the weights: np.savez(..., forget_bias=0)."
        )
    value = named["forget_bias"]
    if value.size != 1 or not np.isfinite(value).all():
        raise UserError(f"{path}: forget_bias must be one number, but has shape {value.shape}.")
    return float(value.reshape(())), None


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
