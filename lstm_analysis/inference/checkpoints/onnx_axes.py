"""Which axis of an ONNX value is time: named axes, followed through the operators that only move them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .onnx_graph import Graph, Node

Axes = tuple[str, ...]
ONE = "one"
"""An axis of length 1 that was put in."""
_INTEGERS = (6, 7)
"""ONNX's numbers of int32 and int64: types that hold every index of a token."""
_FLOATS = (1, 10, 11, 16)
"""ONNX's numbers of float32, float16, float64 and bfloat16."""


def layer_axes(node: Node) -> tuple[Axes, Axes]:
    """Return the axes of what a recurrent node reads, and of what it gives at every step.

    Examples
    --------
    >>> layer_axes(Node("LSTM", (), (), {}))
    (('time', 'stream', 'neuron'), ('time', 'direction', 'stream', 'neuron'))
    """
    if node.attributes.get("layout", 0):
        return ("stream", "time", "neuron"), ("stream", "time", "direction", "neuron")
    return ("time", "stream", "neuron"), ("time", "direction", "stream", "neuron")


def moved(graph: Graph, axes: Axes | None, nodes: Iterable[Node]) -> Axes | None:
    """Return the axes of a value behind some operators; ``None`` where their order cannot be told from the file.

    Parameters
    ----------
    graph
        For constants that the operators read.
    axes
        Names of the axes before them; an axis of length 1 that they put in is called `ONE`.
    nodes
        The operators, first to last.
    """
    for node in nodes:
        axes = None if axes is None else _moved(graph, axes, node)
    return axes


def _moved(graph: Graph, axes: Axes, node: Node) -> Axes | None:
    match node.kind:
        case "Identity" | "Dropout":
            return axes
        case "Cast":
            return axes if node.attributes.get("to") in (_FLOATS if "neuron" in axes else _INTEGERS) else None
        case "Transpose":
            order = node.attributes.get("perm", range(len(axes))[::-1])
            return tuple(axes[i] for i in order) if sorted(order) == list(range(len(axes))) else None
        case "Squeeze":
            return _squeezed(axes, _numbers(graph, node, "axes"))
        case "Unsqueeze":
            return _unsqueezed(axes, _numbers(graph, node, "axes"))
        case "Reshape":
            return _reshaped(axes, _numbers(graph, node, "shape"))
    return None


def _numbers(graph: Graph, node: Node, name: str) -> list[int] | None:
    """Return axes or a shape, an attribute in old files and a constant input in others."""
    value: Any = node.attributes.get(name, graph.constants.get(node.input(1)))
    return None if value is None else [int(i) for i in np.ravel(value)]


def _squeezed(axes: Axes, removed: list[int] | None) -> Axes | None:
    if removed is None or not all(-len(axes) <= i < len(axes) for i in removed):
        return None
    gone = {i % len(axes) for i in removed}
    return tuple(axis for i, axis in enumerate(axes) if i not in gone)


def _unsqueezed(axes: Axes, added: list[int] | None) -> Axes | None:
    n = len(axes) + len(added or ())
    if added is None or not all(-n <= i < n for i in added) or len({i % n for i in added}) != len(added):
        return None
    new, old = {i % n for i in added}, iter(axes)
    return tuple(ONE if i in new else next(old) for i in range(n))


def _reshaped(axes: Axes, shape: list[int] | None) -> Axes | None:
    """Return the axes where a shape keeps all but the last, and joins what has length 1 to that."""
    if not shape or shape[-1] == 0 or any(shape[:-1]) or len(shape) > len(axes):
        return None
    kept, joined = axes[: len(shape) - 1], axes[len(shape) - 1 :]
    return (*kept, joined[-1]) if set(joined[:-1]) <= {ONE, "direction"} else None
