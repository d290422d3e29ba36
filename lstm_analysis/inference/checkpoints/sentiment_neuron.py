"""The multiplicative LSTM that found the sentiment neuron (Radford, Jozefowicz & Sutskever 2017)."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import UserError
from .arrays import Array, as_tensors, expect_shape
from .checkpoint import Checkpoint
from .gates import in_torch_order

ORDER = "ifog"
"""Its i, f, o, u by torch's letters."""
_MATRICES = ("wx", "wh", "wmx", "wmh")
_NAMES = {
    **{name: re.compile(rf"(?:.*/)?{name}") for name in (*_MATRICES, "gx", "gh", "gmx", "gmh")},
    "embedding": re.compile(r"(?:.*/)?embedding(?:/w)?"),
    "b": re.compile(r"(?:.*/)?rnn/b|b"),
    "out_w": re.compile(r"(?:.*/)?(?:out/w|softmax_w)"),
    "out_b": re.compile(r"(?:.*/)?(?:out/b|softmax_b)"),
}


def is_sentiment_neuron(arrays: Mapping[str, Array]) -> bool:
    """Whether arrays are named like the variables of that model."""
    return any(_NAMES["wmx"].fullmatch(name) for name in arrays)


def from_sentiment_neuron(path: Path, arrays: Mapping[str, Array]) -> Checkpoint:
    """Return the checkpoint of arrays that have the names of its variables, with their weight norms applied.

    The published files are numbered; ``wh`` is those from 2 to 5 side by side::

        names = "embedding wx wh wmx wmh b gx gh gmx gmh softmax_w softmax_b".split()
        parts = [np.load(f"model/{i}.npy") for i in range(15)]
        parts[2:6] = [np.concatenate(parts[2:6], axis=1)]
        np.savez("sentiment_neuron.npz", **dict(zip(names, parts)))

    Raises
    ------
    UserError
        If an array is missing, not known, or of another shape.
    """
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        ours = next((ours for ours, pattern in _NAMES.items() if pattern.fullmatch(name)), None)
        if ours is None or ours in found:
            raise UserError(f"{path} has an array {name!r} that a multiplicative LSTM has not, or has it twice.")
        found[ours] = array
    missing = [name for name in ("embedding", *_MATRICES, "b", "out_w") if name not in found]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)} of a multiplicative LSTM; the file is incomplete.")
    _check(path, found)
    wx, wh, wmx, wmh = (_normed(found, name) for name in _MATRICES)
    weights = {
        "encoder.weight": found["embedding"],
        "rnn.weight_ih_l0": in_torch_order(wx.T, ORDER),
        "rnn.weight_hh_l0": in_torch_order(wh.T, ORDER),
        "rnn.weight_mih_l0": wmx.T,
        "rnn.weight_mhh_l0": wmh.T,
        "rnn.bias_ih_l0": in_torch_order(found["b"], ORDER),
        "decoder.weight": found["out_w"].T,
    }
    if "out_b" in found:
        weights["decoder.bias"] = found["out_b"]
    return Checkpoint(as_tensors(weights))


def _check(path: Path, found: Mapping[str, Array]) -> None:
    expect_shape(path, "embedding", found["embedding"], None, None)
    expect_shape(path, "wmh", found["wmh"], None, None)
    (n_token, width), size = found["embedding"].shape, len(found["wmh"])
    shapes = {
        "wx": (width, 4 * size), "wh": (size, 4 * size), "wmx": (width, size), "wmh": (size, size), "b": (4 * size,),
        "gx": (4 * size,), "gh": (4 * size,), "gmx": (size,), "gmh": (size,),
        "out_w": (size, n_token), "out_b": (n_token,),
    }  # fmt: skip
    for name, shape in shapes.items():
        if name in found:
            expect_shape(path, name, found[name], *shape)


def _normed(found: Mapping[str, Array], name: str) -> Array:
    """Return a matrix with its columns at the lengths that its weight norm says; as it is if there is none."""
    weight: Array = found[name].astype(np.float64)
    length = found.get("g" + name[1:])
    if length is not None:
        weight *= length / np.sqrt(np.maximum((weight**2).sum(axis=0), 1e-12))
    return weight
