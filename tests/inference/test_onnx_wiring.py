"""How the layers of ONNX graphs are wired: the same states whatever moves their axes, else a refusal."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_language_model import Graph
from states_of import TOKENS, assert_same

from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model


@pytest.fixture
def vocabulary(write):
    return write("v.txt", "\n".join(TOKENS))


def put(graph, reader, at, *operators):
    """Put operators, each (kind, further inputs, attributes), between a node's input and what makes it."""
    for kind, more, options in operators:
        name = f"moved {len(graph.nodes)}"
        for i, array in enumerate(more):
            graph.weights[f"{name}, {i}"] = np.array(array)
        inputs = [reader.input[at], *(f"{name}, {i}" for i in range(len(more)))]
        graph.nodes.insert(graph.nodes.index(reader), helper.make_node(kind, inputs, [name], **options))
        reader.input[at] = name


def ids_cast(graph):
    put(graph, graph.node("Gather"), 1, ("Identity", (), {}), ("Cast", (), {"to": TensorProto.INT32}))


def ids_transposed(graph):
    graph.dims = [1, "time"]
    put(graph, graph.node("Gather"), 1, ("Transpose", (), {"perm": [1, 0]}))


def ids_of_one_axis(graph):
    graph.dims = ["time"]
    put(graph, graph.node("LSTM"), 0, ("Unsqueeze", ([-2],), {}))


def batch_first(graph):
    graph.dims = [1, "time"]
    put(graph, graph.node("LSTM"), 0, ("Transpose", (), {"perm": [1, 0, 2]}))
    put(graph, graph.node("MatMul"), 0, ("Transpose", (), {"perm": [1, 0, 2]}))


def transposed_twice(graph):
    turn = ("Transpose", (), {"perm": [1, 0, 2]})
    put(graph, graph.node("LSTM", 1), 0, turn, ("Dropout", (), {}), ("Cast", (), {"to": TensorProto.FLOAT}), turn)


def directions_joined(graph):
    """As Keras and old versions of torch are exported."""
    graph.nodes.remove(graph.node("Squeeze"))
    lstm = graph.node("LSTM", 1)
    lstm.input[0] = "y0"
    put(graph, lstm, 0, ("Transpose", (), {"perm": [0, 2, 1, 3]}), ("Reshape", ([0, 0, -1],), {}))


def started(graph, *nodes, layer=0):
    """Let a layer start from what nodes make as 'start'."""
    graph.nodes[:0] = nodes
    inputs = graph.node("LSTM", layer).input
    inputs.extend(["", "start", "start"])


def zeros_made(graph):
    graph.weights |= {"size": np.array([1, 1, 7]), "from": np.array([0]), "to": np.array([5]), "of": np.array([2])}
    zeros = helper.make_node("ConstantOfShape", ["size"], ["zeros"])
    started(graph, zeros, helper.make_node("Slice", ["zeros", "from", "to", "of"], ["start"]))


def zeros_given(graph):
    graph.given = {"given": np.zeros((1, 5), np.float32)}
    graph.weights["first"] = np.array([0])
    started(graph, helper.make_node("Unsqueeze", ["given", "first"], ["start"]))


SAME = [ids_cast, ids_transposed, ids_of_one_axis, batch_first, transposed_twice, directions_joined]


@pytest.mark.parametrize("change", [*SAME, zeros_made, zeros_given])
def test_axes_that_are_moved_and_states_that_are_zero_change_nothing(tmp_path, vocabulary, change):
    graph = Graph()
    change(graph)
    assert_same(load_model(graph.save(tmp_path), vocabulary), graph.states())


def ids_changed(kind, *more, **options):
    return lambda graph: put(graph, graph.node("Gather"), 1, (kind, more, options))


def between(kind, *more, **options):
    return lambda graph: put(graph, graph.node("LSTM", 1), 0, (kind, more, options))


def ids_stored(graph):
    graph.weights["fixed"] = np.array([[1], [2]])
    graph.node("Gather").input[1] = "fixed"


def ids_as_streams(graph):
    graph.dims = ["time"]
    put(graph, graph.node("LSTM"), 0, ("Unsqueeze", ([0],), {}))


def start_made_of_ones(graph):
    graph.weights["size"] = np.array([1, 1, 5])
    ones = numpy_helper.from_array(np.ones(1, np.float32))
    started(graph, helper.make_node("ConstantOfShape", ["size"], ["start"], value=ones))


def start_computed(graph):
    graph.weights["learned"] = np.ones((1, 1, 5), np.float32)
    started(graph, helper.make_node("Tanh", ["learned"], ["start"]))


def start_of_the_layer_before(graph):
    graph.node("LSTM", 1).input.extend(["", "h0", "c0"])


def batch_first_above(graph):
    graph.node("LSTM", 1).attribute.append(helper.make_attribute("layout", 1))


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (ids_changed("Add", 1), "the embedding looks up the output of Add, not the tokens"),
        (ids_changed("Slice", [-1], [-99], [0], [-1]), "the embedding looks up the output of Slice"),
        (ids_changed("Reshape", [1, -1]), "cannot be seen that layer 0 .* lies Reshape, Gather, which may"),
        (ids_stored, "the embedding looks up constants"),
        (ids_as_streams, "cannot be seen that layer 0 reads along the time of the input 'ids'; .* Unsqueeze"),
        (start_made_of_ones, "starts from a state of its own, not from zero"),
        (start_computed, "starts from a state of its own, not from zero"),
        (start_of_the_layer_before, "the LSTM of layer 1 starts from a state of its own, not from zero"),
        (between("Transpose", perm=[1, 0, 2]), "layer 1 reads along the time of layer 0; .* Squeeze, Transpo"),
        (between("Reshape", [1, -1, 5]), "layer 1 reads along the time of layer 0; .* Squeeze, Reshape"),
        (ids_changed("Cast", to=TensorProto.INT8), "cannot be seen that layer 0 reads along the time of the input"),
        (batch_first_above, "layer 1 reads along the time of layer 0; between them lies Squeeze,"),
    ],
)
def test_other_tokens_other_starts_and_other_axes_are_refused(tmp_path, vocabulary, change, hint):
    graph = Graph()
    change(graph)
    with pytest.raises(UserError, match=hint):
        load_model(graph.save(tmp_path), vocabulary)


def test_layers_that_read_the_stream_first_are_read(tmp_path, vocabulary):
    """The evaluator does not know this layout, so it is compared with the graph of the other one."""
    graph, same = Graph(), Graph(seed=0)
    graph.dims = [1, "time"]
    graph.weights["one"] = np.array([2])
    for i in range(2):
        graph.node("LSTM", i).attribute.append(helper.make_attribute("layout", 1))
    assert_same(load_model(graph.save(tmp_path), vocabulary), same.states())
