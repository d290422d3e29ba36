"""How the recurrent layers of an ONNX graph are wired: what each reads, along which axis, and where it starts."""

import numpy as np

from ...errors import UserError
from .arrays import Array, expect_shape
from .onnx_axes import layer_axes, moved
from .onnx_graph import TRANSPARENT, Graph, Node

STARTS = ("Expand", "Slice", "Tile", *TRANSPARENT)
"""Operators that leave zeros zeros, and what is given when the model runs as it is."""


def embedding(graph: Graph, first: Node) -> Array:
    """Return the embedding.

    Raises
    ------
    UserError
        If the first layer does not read the rows of a table along time, for the tokens as they are given.
    """
    node = graph.producer.get(graph.origin(first.input(0)))
    if node is None or node.kind != "Gather" or node.input(0) not in graph.constants:
        raise _strange_input(graph, first, "layer 0", "an embedding (a Gather from a table of weights)")
    if node.attributes.get("axis", 0) != 0:
        raise UserError(f"{graph.path} looks tokens up along axis {node.attributes['axis']}; axis 0 is needed.")
    _check_ids(graph, node, first)
    table: Array = graph.constants[node.input(0)]
    expect_shape(graph.path, node.input(0), table, None, None)
    return table


def _check_ids(graph: Graph, gather: Node, first: Node) -> None:
    """Refuse an embedding that looks up anything but the tokens as they are given, in their order."""
    name, before = graph.way(gather.input(1), neurons=False)
    if name not in graph.inputs:
        source = graph.producer.get(name)
        what = "constants" if source is None else f"the output of {source.kind}"
        raise UserError(
            f"{graph.path}: the embedding looks up {what}, not the tokens that the model is given. Export the model so "
            "that the indices of the tokens are its input and go to the embedding as they are."
        )
    n_axis = graph.inputs[name]
    given = tuple(f"axis {i} of {name}" for i in range(2 if n_axis is None else n_axis))
    indices = moved(graph, given, before)
    axes = moved(graph, None if indices is None else (*indices, "neuron"), graph.way(first.input(0))[1])
    wanted = layer_axes(first)[0]
    if axes is None or len(axes) != 3 or axes[2] != "neuron" or axes[wanted.index("time")] not in given:
        raise _strange_time(graph, 0, f"the input {name!r}", [*before, gather, *graph.way(first.input(0))[1]])


def check_below(graph: Graph, below: Node, node: Node, i: int) -> None:
    """Refuse a layer that does not read what the layer before it gives at every step, along its time.

    Raises
    ------
    UserError
        If it reads something else, or another axis.
    """
    origin, passed = graph.way(node.input(0))
    if origin != below.outputs[0]:
        raise _strange_input(graph, node, f"layer {i}", "the layer before it")
    wanted, axes = layer_axes(node)[0], moved(graph, layer_axes(below)[1], passed)
    time = wanted.index("time")
    if axes is None or len(axes) != 3 or (axes[time], axes[2]) != ("time", "neuron"):
        raise _strange_time(graph, i, f"layer {i - 1}", passed)


def _strange_time(graph: Graph, i: int, source: str, passed: list[Node]) -> UserError:
    kinds = ", ".join(node.kind for node in passed) or "nothing"
    return UserError(
        f"{graph.path}: it cannot be seen that layer {i} reads along the time of {source}; between them lies {kinds}, "
        "which may exchange time and streams. Only layers that read one after the other along time are supported; "
        "export the model with the axes in one order."
    )


def _strange_input(graph: Graph, node: Node, layer: str, wanted: str) -> UserError:
    origin = graph.origin(node.input(0))
    source = graph.producer.get(origin)
    what = f"the output of {source.kind}" if source is not None else f"the input {origin!r}"
    return UserError(
        f"{graph.path}: {layer} reads {what}, not {wanted}. Only stacks of LSTM or GRU layers on an embedding are "
        "supported."
    )


def starts_from_zero(graph: Graph, name: str) -> bool:
    """Whether a state that a layer starts from is left out, zero, or given when the model runs."""
    for _ in graph.nodes:
        node = graph.producer.get(name)
        if name in graph.constants or node is None or node.kind not in STARTS:
            break
        name = node.input(0)
    if name in graph.constants:
        return not np.any(graph.constants[name])
    node = graph.producer.get(name)
    if node is None:
        return not name or name in graph.inputs
    value = node.attributes.get("value")
    return node.kind == "ConstantOfShape" and (value is None or not np.any(value))
