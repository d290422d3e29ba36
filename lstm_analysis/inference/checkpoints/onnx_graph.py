"""An ONNX graph as data: its constants, and where a value comes from; no operator of it is run on input."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from .arrays import check_declared
from .packages import need

FOLDED = ("Identity", "Transpose", "Unsqueeze", "Squeeze", "Concat", "Slice", "Cast", "Reshape")
"""Operators that an exporter leaves between a weight and its use; computed where all they read is constant."""
TRANSPARENT = ("Identity", "Dropout", "Squeeze", "Unsqueeze", "Cast", "Transpose", "Reshape")
"""Operators that may stand between two layers: they change the axes of time and stream, not the values."""


@dataclass(frozen=True)
class Node:
    """An operator: its type, its inputs (empty where left out), its outputs and its attributes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def input(self, i: int) -> str:
        """Return the name of an input, empty if it is left out."""
        return self.inputs[i] if i < len(self.inputs) else ""


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of their execution, all constant values by name, and the number of axes of each input.

    The number is ``None`` where the file does not say it.
    """

    path: Path
    nodes: tuple[Node, ...]
    constants: Mapping[str, Any]
    inputs: Mapping[str, int | None]

    @cached_property
    def producer(self) -> dict[str, Node]:
        """The node that makes a value."""
        return {name: node for node in self.nodes for name in node.outputs}

    def readers(self, name: str) -> list[Node]:
        """Return the nodes that read a value."""
        return [node for node in self.nodes if name in node.inputs]

    def origin(self, name: str) -> str:
        """Return the value that a value is, but for the order and number of its axes."""
        return self.way(name)[0]

    def way(self, name: str, neurons: bool = True) -> tuple[str, list[Node]]:
        """Return the origin of a value, and the operators from there on, first to last.

        Parameters
        ----------
        name
            The value.
        neurons
            Whether its last axis is that of neurons, which may not be moved.
        """
        passed: list[Node] = []
        for _ in self.nodes:  # a damaged graph may go round in circles
            node = self.producer.get(name)
            if node is None or node.kind not in TRANSPARENT or (neurons and not self._keeps_neurons(node)):
                break
            name = node.input(0)
            passed.insert(0, node)
        return name, passed

    def _keeps_neurons(self, node: Node) -> bool:
        """Whether a transposition leaves the last axis, the neurons, where it is."""
        order = node.attributes.get("perm", [0])
        return node.kind != "Transpose" or order[-1] == len(order) - 1


def read_graph(path: Path) -> Graph:
    """Read a file's graph.

    Raises
    ------
    UserError
        If the file is damaged, or keeps weights in other files.
    """
    onnx = need("onnx", "onnx", path)
    try:
        graph = onnx.load(str(path), load_external_data=False).graph
        nodes = tuple(_node(onnx, node) for node in graph.node)
    except Exception as error:  # a damaged file makes the protobuf library raise its own kind of error
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path} is not a whole ONNX file ({reason}). Copy or save it again.") from None
    if not nodes:
        raise UserError(f"{path} is an ONNX file without a graph. Export the model again.")
    protos = {proto.name: proto for proto in graph.initializer}
    constants = {name: _array(onnx, path, name, proto) for name, proto in protos.items()}
    nodes = tuple(_with_array(onnx, path, node) for node in nodes)
    for node in nodes:
        if node.kind == "Constant" and isinstance(node.attributes.get("value"), np.ndarray):
            constants |= dict.fromkeys(node.outputs, node.attributes["value"])
    declared = 0
    for proto, node in zip(graph.node, nodes, strict=True):
        if node.kind in FOLDED and all(name in constants for name in node.inputs if name):
            declared += sum(constants[name].nbytes for name in node.inputs if name)
            check_declared(path, f"the result of {node.kind}", declared, path.stat().st_size)
            constants |= _folded(proto, node, constants)
    inputs = {item.name: _n_axis(item) for item in graph.input if item.name not in protos}
    return Graph(path, nodes, constants, inputs)


def _n_axis(item: Any) -> int | None:
    kind = item.type.tensor_type
    return len(kind.shape.dim) if kind.HasField("shape") else None


def _node(onnx: Any, node: Any) -> Node:
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return Node(node.op_type, tuple(node.input), tuple(node.output), attributes)


def _with_array(onnx: Any, path: Path, node: Node) -> Node:
    """Return a node with the tensor that it holds, as that of a constant, as an array."""
    value = node.attributes.get("value")
    if not isinstance(value, onnx.TensorProto):
        return node
    return replace(node, attributes={**node.attributes, "value": _array(onnx, path, ", ".join(node.outputs), value)})


def _array(onnx: Any, path: Path, name: str, proto: Any) -> Any:
    if proto.data_location == onnx.TensorProto.EXTERNAL:
        raise UserError(
            f"{path} keeps the weight {name!r} in another file, which is refused. Save it as one file: "
            "onnx.save(onnx.load('model.onnx'), 'whole.onnx')."
        )
    check_declared(path, name, 4 * math.prod(proto.dims), path.stat().st_size)
    try:
        return onnx.numpy_helper.to_array(proto)
    except Exception as error:  # the bytes do not fit the shape, or the type is unknown
        raise UserError(f"{path}: the weight {name!r} is damaged ({error}). Copy or export it again.") from None


def _folded(proto: Any, node: Node, constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a node whose inputs are all constant."""
    from onnx.reference import ReferenceEvaluator

    try:
        feeds = {name: constants[name] for name in node.inputs if name}
        results = ReferenceEvaluator(proto).run(None, feeds)
    except Exception:  # an old form of the operator: the value stays unknown, and what needs it says so
        return {}
    return dict(zip(node.outputs, results, strict=False))
