"""The recurrent layers of a state dict: stacked layers, lists of single layers and weight-dropped names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...errors import UserError
from ..model import Layer

NAMES = {
    "weight_ih": "weight_input",
    "weight_hh": "weight_recurrent",
    "weight_mih": "weight_factor_input",
    "weight_mhh": "weight_factor_recurrent",
}
"""Names in a state dict of the matrices of a layer; the last two are those of a multiplicative LSTM."""
N_GATE = {"lstm": 4, "mlstm": 4, "gru": 3}
_KINDS = "|".join([*NAMES, "bias_ih", "bias_hh", "weight_hr"])
_WEIGHT = re.compile(rf"(?P<stack>.*?)(?P<kind>{_KINDS})_l(?P<layer>\d+)(?P<back>_reverse)?(?P<raw>_raw)?")
_LISTED = re.compile(r"(?P<list>(?:.*\.)?)(?P<index>\d+)\.")


@dataclass(frozen=True)
class _Weight:
    """A weight's place: its stack of layers (its name up to the kind), its layer in it, and whether it is raw."""

    stack: str
    layer: int
    kind: str
    raw: bool
    tensor: Tensor


def find_layers(path: Path, tensors: Mapping[str, Tensor]) -> tuple[tuple[Layer, ...], set[str]]:
    """Return the layers, first to last, and the names that are theirs.

    Where weights were dropped in training (AWD-LSTM) a file may hold the last dropped matrix beside the raw one; the
    raw one is the model's.

    Raises
    ------
    UserError
        If there are none, or they are not those of one stack of one-directional LSTM, GRU or multiplicative LSTM
        layers.
    """
    found = {name: weight for name, tensor in tensors.items() if (weight := _place(path, name, tensor))}
    if not found:
        shown = ", ".join(list(tensors)[:6]) or "nothing"
        raise UserError(
            f"{path} holds no LSTM: none of its {len(tensors)} tensors is named like weight_ih_l0. Found: {shown}."
        )
    order = _order(path, {(weight.stack, weight.layer) for weight in found.values()})
    parts: list[dict[str, Tensor]] = [{} for _ in range(max(order.values()) + 1)]
    for weight in sorted(found.values(), key=lambda weight: weight.raw):
        parts[order[weight.stack, weight.layer]][weight.kind] = weight.tensor
    layers = tuple(_layer(path, i, part) for i, part in enumerate(parts))
    _check_chain(path, layers)
    return layers, set(found)


def _place(path: Path, name: str, tensor: Tensor) -> _Weight | None:
    match = _WEIGHT.fullmatch(name)
    if match is None:
        return None
    if match["back"]:
        raise UserError(f"{path} is bidirectional ({name}); only left-to-right language models are supported.")
    if match["kind"] == "weight_hr":
        raise UserError(f"{path} is an LSTM with projections ({name}), which is not supported.")
    stack = match["stack"].removesuffix("module.")  # the wrapper that drops weights holds the raw one itself
    return _Weight(stack, int(match["layer"]), match["kind"], bool(match["raw"]), tensor)


def _order(path: Path, places: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return the index of each layer: its number in the stack, or that of its stack in a list of single layers."""
    stacks = sorted({stack for stack, _ in places})
    if len(stacks) == 1:
        return {place: place[1] for place in places}
    listed = [_LISTED.fullmatch(stack) for stack in stacks]
    lists = {match["list"] for match in listed if match}
    index = {stack: int(match["index"]) for stack, match in zip(stacks, listed, strict=True) if match}
    if len(lists) == 1 and sorted(index.values()) == list(range(len(stacks))) and {i for _, i in places} == {0}:
        return {(stack, 0): i for stack, i in index.items()}
    raise UserError(
        f"{path} holds {len(stacks)} LSTMs, named {', '.join(map(repr, stacks))}; it must hold one, with its layers "
        "stacked or in one list. If they are the layers of one LSTM, rename them to weight_ih_l0, weight_ih_l1 ..."
    )


def _layer(path: Path, i: int, part: Mapping[str, Tensor]) -> Layer:
    missing = {"weight_ih", "weight_hh"} - set(part)
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(f'{name}_l{i}' for name in sorted(missing))}; the file is incomplete."
        )
    for name in ("weight_hh", "weight_ih"):
        if part[name].ndim != 2 or not part[name].numel():
            raise UserError(
                f"{path}: {name}_l{i} has shape {tuple(part[name].shape)}, but an LSTM needs a matrix with a row for "
                "each gate of each neuron. Save model.state_dict()."
            )
    cell = _cell(path, i, part)
    rows, size = part["weight_hh"].shape
    width = part["weight_ih"].shape[1]
    shapes: dict[str, tuple[int, ...]] = {
        "weight_ih": (rows, width), "bias_ih": (rows,), "bias_hh": (rows,),
        "weight_mih": (size, width), "weight_mhh": (size, size),
    }  # fmt: skip
    for name, shape in shapes.items():
        if name in part and part[name].shape != shape:
            raise UserError(f"{path}: {name}_l{i} has shape {tuple(part[name].shape)}, but {shape} is needed.")
    return _with_biases(cell, size, part)


def _cell(path: Path, i: int, part: Mapping[str, Tensor]) -> str:
    rows, size = part["weight_hh"].shape
    factors = [name for name in ("weight_mih", "weight_mhh") if name in part]
    if len(factors) == 1:
        raise UserError(
            f"{path} has {factors[0]}_l{i} alone; a multiplicative LSTM has weight_mih_l{i} and weight_mhh_l{i}."
        )
    cell = "mlstm" if factors else "gru" if rows == 3 * size else "lstm"
    if rows != N_GATE[cell] * size:
        other = "a plain (Elman) RNN" if rows == size else "another cell"
        raise UserError(
            f"{path} is {other}: weight_hh_l{i} has shape ({rows}, {size}); an LSTM has ({4 * size}, {size}), a GRU "
            f"({3 * size}, {size}). Only LSTM, GRU and multiplicative LSTM are supported."
        )
    return cell


def _with_biases(cell: str, size: int, part: Mapping[str, Tensor]) -> Layer:
    """Return the layer with torch's two biases as one where they act together."""
    zeros = torch.zeros(len(part["weight_hh"]))
    biases = [part[name] for name in ("bias_ih", "bias_hh") if name in part]
    bias = biases[0] + biases[1] if len(biases) == 2 else biases[0] if biases else zeros
    extra = {NAMES[name]: part[name] for name in ("weight_mih", "weight_mhh") if name in part}
    if cell == "gru":
        candidate = 2 * size
        bias = torch.cat([bias[:candidate], part.get("bias_ih", zeros)[candidate:]])
        extra["bias_candidate"] = part.get("bias_hh", zeros)[candidate:].contiguous()
    return Layer(part["weight_ih"], part["weight_hh"], bias, cell, extra)


def _check_chain(path: Path, layers: Sequence[Layer]) -> None:
    cells = sorted({layer.cell for layer in layers})
    if len(cells) > 1:
        raise UserError(f"{path} has layers of different cells ({', '.join(cells)}); all must be of one.")
    for i, layer in enumerate(layers[1:], 1):
        inputs, below = layer.weight_input.shape[1], layers[i - 1].n_neuron
        if inputs != below:
            raise UserError(
                f"{path}: weight_ih_l{i} reads {inputs} inputs, but the layer before it has {below} neurons."
            )
