"""ONNX files: an embedding (``Gather``), a stack of ``LSTM`` or ``GRU`` nodes, a decoder (``MatMul`` or ``Gemm``)."""

from pathlib import Path

import numpy as np

from ...errors import UserError
from .arrays import Array, as_tensors, expect_shape
from .checkpoint import Checkpoint
from .gates import in_torch_order
from .onnx_graph import TRANSPARENT, Graph, Node, read_graph
from .onnx_wiring import check_below, embedding, starts_from_zero

ORDERS = {"LSTM": "iofg", "GRU": "zrn"}
"""ONNX's order of gates, by torch's letters."""
ACTIVATIONS = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"]}
BEHIND = (*TRANSPARENT, "Softmax", "LogSoftmax", "ArgMax", "TopK", "Shape")
"""Operators that may come behind logits."""


def read_onnx(path: Path) -> Checkpoint:
    """Read an exported language model.

    Raises
    ------
    UserError
        If the file is damaged, or its graph is no stack of plain LSTM or GRU nodes on an embedding.
    """
    graph = read_graph(path)
    nodes = [node for node in graph.nodes if node.kind in ORDERS]
    if not nodes:
        kinds = ", ".join(sorted({node.kind for node in graph.nodes}))
        raise UserError(f"{path} holds no LSTM or GRU node. Found: {kinds}.")
    if len({node.kind for node in nodes}) > 1:
        raise UserError(f"{path} has both LSTM and GRU nodes; all layers must be of one kind.")
    found = {"encoder.weight": embedding(graph, nodes[0])}
    for i, node in enumerate(nodes):
        if i:
            check_below(graph, nodes[i - 1], node, i)
        found |= _layer(graph, node, i)
    decoder = _decoder(graph, nodes[-1].outputs, len(found["encoder.weight"]))
    return Checkpoint(as_tensors(found | decoder), states_only=not decoder)


def _layer(graph: Graph, node: Node, i: int) -> dict[str, Array]:
    _check_cell(graph, node, i)
    order, path = ORDERS[node.kind], graph.path
    weight, recurrent = _constant(graph, node, 1, i), _constant(graph, node, 2, i)
    expect_shape(path, f"W of layer {i}", weight, 1, None, None)
    expect_shape(path, f"R of layer {i}", recurrent, 1, None, None)
    rows = len(order) * recurrent.shape[2]
    expect_shape(path, f"R of layer {i}", recurrent, 1, rows, recurrent.shape[2])
    expect_shape(path, f"W of layer {i}", weight, 1, rows, None)
    found = {f"rnn.weight_ih_l{i}": weight[0], f"rnn.weight_hh_l{i}": recurrent[0]}
    if node.input(3):
        bias = _constant(graph, node, 3, i)
        expect_shape(path, f"B of layer {i}", bias, 1, 2 * rows)
        found |= {f"rnn.bias_ih_l{i}": bias[0, :rows], f"rnn.bias_hh_l{i}": bias[0, rows:]}
    return {name: in_torch_order(array, order) for name, array in found.items()}


def _constant(graph: Graph, node: Node, at: int, i: int) -> Array:
    name = node.input(at)
    if name not in graph.constants:
        raise UserError(
            f"{graph.path}: {'XWRB'[at]} of layer {i} is computed when the model runs, not stored. Export the model "
            "with constant folding."
        )
    value: Array = graph.constants[name]
    return value


def _check_cell(graph: Graph, node: Node, i: int) -> None:
    """Refuse what makes another cell of a node, or another start than zero."""
    given, what = node.attributes, f"{graph.path}: the {node.kind} of layer {i}"
    functions = [name.decode().lower() for name in given.get("activations", [])]
    faults = {
        f"reads {given.get('direction', b'').decode()}": given.get("direction", b"forward") != b"forward",
        f"has the activations {', '.join(functions)}": functions not in ([], ACTIVATIONS[node.kind]),
        "clips its gates": "clip" in given,
        "couples input and forget gate": bool(given.get("input_forget")),
        "has peepholes (input P)": node.kind == "LSTM" and bool(node.input(7)),
        "resets h before the product (linear_before_reset=0)": node.kind == "GRU"
        and given.get("linear_before_reset", 0) != 1,
        "starts from a state of its own, not from zero": not all(
            starts_from_zero(graph, node.input(at)) for at in (5, 6)
        ),
    }
    for fault, there in faults.items():
        if there:
            raise UserError(f"{what} {fault}, which is another cell than those supported: plain LSTM and GRU.")


def _decoder(graph: Graph, top: tuple[str, ...], n_token: int) -> dict[str, Array]:
    """Return decoder weight and bias; nothing if no product of the top layer's h alone gives a logit a token."""
    outputs = [name for name in top[:2] if name]
    products = [
        node for node in graph.nodes
        if node.kind in ("MatMul", "Gemm") and graph.origin(node.input(0)) in outputs
    ]  # fmt: skip
    if len(products) != 1 or products[0].input(1) not in graph.constants:
        return {}
    node = products[0]
    plain = all(node.attributes.get(name, 1.0) == 1.0 for name in ("alpha", "beta")) and not node.attributes.get(
        "transA"
    )
    weight: Array = graph.constants[node.input(1)]
    weight = weight if node.attributes.get("transB") else weight.T
    if weight.ndim != 2 or len(weight) != n_token or not plain:
        return {}
    bias, last = (node.input(2) or None) if node.kind == "Gemm" else None, node.outputs[0]
    added = graph.readers(last)
    if bias is None and len(added) == 1 and added[0].kind == "Add":
        bias, last = next(name for name in added[0].inputs if name != last), added[0].outputs[0]
    values = np.zeros(n_token, np.float32) if bias is None else graph.constants.get(bias)
    if values is None or values.shape != (n_token,) or any(node.kind not in BEHIND for node in graph.readers(last)):
        return {}
    return {"decoder.weight": weight, "decoder.bias": values}
