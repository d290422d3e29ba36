"""ONNX graphs, against what onnx's own reference evaluator says of them; other cells and graphs are refused."""

import random
import sys
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from onnx_language_model import Graph
from states_of import IDS, TOKENS, States, assert_same, outcome, read
from torch import nn

from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import load_model


@pytest.fixture
def vocabulary(write):
    return write("v.txt", "\n".join(TOKENS))


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("bias", [True, False])
def test_states_and_logits_are_those_of_the_reference_evaluator(tmp_path, vocabulary, cell, bias):
    graph = Graph(cell, bias=bias)
    model = load_model(graph.save(tmp_path), vocabulary)
    assert (model.cell, model.layer_sizes) == (cell.lower(), (5, 4))
    assert_same(model, graph.states())


def gemm(graph):
    graph.weights["V"] = graph.weights["V"].T.copy()
    graph.nodes[-2:] = [
        helper.make_node("Squeeze", ["x2", "one"], ["flat"]),
        helper.make_node("Gemm", ["flat", "V", "v"], ["logits"], transB=1),
    ]


def left_to_fold(graph):
    """Weights that go through operators before they are used, as exporters leave them."""
    graph.weights["V"] = graph.weights["V"].T.copy()
    graph.weights["W0"] = graph.weights["W0"][0]
    graph.weights["zero"] = np.array([0])
    graph.nodes.insert(0, helper.make_node("Unsqueeze", ["W0", "zero"], ["W0 whole"]))
    graph.nodes.insert(0, helper.make_node("Transpose", ["V"], ["V turned"], perm=[1, 0]))
    graph.node("LSTM").input[1] = "W0 whole"
    graph.node("MatMul").input[1] = "V turned"


def a_constant(graph):
    value = numpy_helper.from_array(graph.weights.pop("R0"), "R0")
    graph.nodes.insert(0, helper.make_node("Constant", [], ["R0"], value=value))


def plainly_said(graph):
    graph.option("activations", ["Sigmoid", "Tanh", "Tanh"])
    graph.option("direction", "forward")
    graph.weights["start"] = np.zeros((1, 1, 5), np.float32)
    graph.node("LSTM").input.extend(["", "start", "start"])


def a_softmax(graph):
    graph.nodes.append(helper.make_node("LogSoftmax", ["logits"], ["p"], axis=-1))


@pytest.mark.parametrize("change", [gemm, left_to_fold, a_constant, plainly_said, a_softmax])
def test_other_ways_to_write_the_same(tmp_path, vocabulary, change):
    graph = Graph()
    change(graph)
    assert_same(load_model(graph.save(tmp_path), vocabulary), graph.states())


def dense_before(graph):
    graph.weights["D"] = graph.draw(4, 4)
    graph.nodes.insert(-2, helper.make_node("MatMul", ["x2", "D"], ["between"]))
    graph.node("MatMul", 1).input[0] = "between"


def temperature(graph):
    graph.nodes.append(helper.make_node("Mul", ["logits", "one"], ["p"]))


def no_output_layer(graph):
    del graph.nodes[-2:]


@pytest.mark.parametrize("change", [dense_before, temperature, no_output_layer])
def test_a_head_that_is_no_decoder_leaves_the_states(tmp_path, vocabulary, change):
    wanted, graph = Graph().states(), Graph()
    change(graph)
    model = load_model(graph.save(tmp_path), vocabulary)
    assert model.decoder is None
    assert_same(model, States(wanted.hidden, wanted.cell, None))


def with_option(name, value):
    return lambda graph: graph.option(name, value)


def with_input(at, array):
    def change(graph):
        graph.weights["more"] = array
        inputs = graph.node(graph.cell).input
        inputs.extend([""] * (at - len(inputs)) + ["more"])

    return change


def dense_between(graph):
    graph.weights["D"] = graph.draw(5, 5)
    graph.nodes.insert(3, helper.make_node("MatMul", ["x1", "D"], ["between"]))
    graph.node("LSTM", 1).input[0] = "between"


def one_hot(graph):
    graph.nodes[0] = helper.make_node("OneHot", ["ids", "one", "one"], ["x0"])


def weight(name, make):
    return lambda graph: graph.weights.update({name: make(graph.weights[name])})


def computed(graph):
    graph.nodes.insert(0, helper.make_node("Neg", ["W0"], ["W0 negative"]))
    graph.node("LSTM").input[1] = "W0 negative"


def turned(graph):
    graph.nodes.insert(3, helper.make_node("Transpose", ["x1"], ["other"], perm=[0, 2, 1]))
    graph.node("LSTM", 1).input[0] = "other"


@pytest.mark.parametrize(
    ("cell", "change", "hint"),
    [
        ("LSTM", with_option("direction", "reverse"), "the LSTM of layer 0 reads reverse, which is another cell"),
        ("LSTM", with_option("activations", ["HardSigmoid", "Tanh", "Tanh"]), "has the activations hardsigmoid, tanh"),
        ("LSTM", with_option("clip", 3.0), "clips its gates"),
        ("LSTM", with_option("input_forget", 1), "couples input and forget gate"),
        ("LSTM", with_input(7, np.ones((1, 15), np.float32)), r"has peepholes \(input P\)"),
        ("LSTM", with_input(5, np.ones((1, 1, 5), np.float32)), "starts from a state of its own, not from zero"),
        ("GRU", lambda graph: graph.node("GRU").ClearField("attribute"), "resets h before the product .linear_before_"),
        ("LSTM", dense_between, "layer 1 reads the output of MatMul, not the layer before it"),
        ("LSTM", turned, "layer 1 reads the output of Transpose, not the layer before it"),
        ("LSTM", one_hot, "layer 0 reads the output of OneHot, not an embedding"),
        ("LSTM", lambda graph: graph.nodes.pop(0), "layer 0 reads the input 'x0', not an embedding"),
        ("LSTM", computed, "W of layer 0 is computed when the model runs, not stored"),
        ("LSTM", weight("W0", lambda w: w[:, :19]), r"W of layer 0 has shape \(1, 19, 6\), but \(1, 20, any\)"),
        ("LSTM", weight("R0", lambda w: w[:, :19]), r"R of layer 0 has shape \(1, 19, 5\), but \(1, 20, 5\)"),
        ("LSTM", weight("B0", lambda w: w[:, :20]), r"B of layer 0 has shape \(1, 20\), but \(1, 40\)"),
        ("LSTM", weight("R1", lambda w: w * np.nan), r"NaN or infinite values in 'rnn.weight_hh_l1'"),
        ("LSTM", weight("embedding", lambda w: w[0]), r"embedding has shape \(6,\), but \(any, any\)"),
        ("LSTM", weight("embedding", lambda w: w[:, :4]), "has no embedding of width 6"),
        ("LSTM", weight("W1", lambda w: w[:, :, :4]), "reads 4 inputs, but the layer before it has 5"),
    ],
)
def test_other_graphs_are_refused(tmp_path, vocabulary, cell, change, hint):
    graph = Graph(cell)
    change(graph)
    with pytest.raises(UserError, match=hint):
        load_model(graph.save(tmp_path), vocabulary)


def test_a_graph_without_recurrent_nodes_is_refused(tmp_path, vocabulary):
    graph = Graph(sizes=())
    graph.nodes = graph.nodes[:1]
    with pytest.raises(UserError, match=r"holds no LSTM or GRU node\. Found: Gather"):
        load_model(graph.save(tmp_path), vocabulary)


def test_both_kinds_of_nodes_are_refused(tmp_path, vocabulary):
    graph = Graph()
    graph.nodes[3] = helper.make_node("GRU", ["x1", "W1", "R1"], ["y1"], hidden_size=4)
    with pytest.raises(UserError, match="has both LSTM and GRU nodes"):
        load_model(graph.save(tmp_path), vocabulary)


def test_weights_in_other_files_are_refused(tmp_path, vocabulary):
    path = tmp_path / "m.onnx"
    onnx.save(Graph().model(), path, save_as_external_data=True, size_threshold=0)
    with pytest.raises(UserError, match="keeps the weight 'embedding' in another file, which is refused"):
        load_model(path, vocabulary)


@pytest.mark.parametrize(
    ("dims", "hint"), [((10**6, 10**6), "declares 4,000.0 GB for 'R0'"), ((1, 20, 6), "the weight 'R0' is damaged")]
)
def test_a_size_that_the_bytes_do_not_fill_is_refused(tmp_path, vocabulary, dims, hint):
    model = Graph().model()
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "R0")
    tensor.ClearField("dims")
    tensor.dims.extend(dims)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=hint):
        load_model(tmp_path / "m.onnx", vocabulary)


def test_a_constant_that_doubles_at_every_node_is_refused(tmp_path, vocabulary):
    graph = Graph()
    pairs = [("W0", "twice 0"), *((f"twice {i}", f"twice {i + 1}") for i in range(60))]
    graph.nodes[:0] = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairs]
    with pytest.raises(UserError, match=r"declares 0.0 GB for 'the result of Concat', but has .* bytes itself"):
        load_model(graph.save(tmp_path), vocabulary)


def test_damaged_files_are_an_error_never_a_crash(tmp_path, vocabulary):
    path = Graph().save(tmp_path)
    raw, source = path.read_bytes(), random.Random(0)
    for n in range(0, len(raw), 97):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"m.onnx"):
            load_model(path, vocabulary)
    for _ in range(60):
        damaged = bytearray(raw)
        for _ in range(3):
            damaged[source.randrange(len(raw))] = source.randrange(256)
        path.write_bytes(damaged)
        assert str(path) in outcome(path, vocabulary)


def test_a_missing_package_is_named_with_its_extra(tmp_path, vocabulary, monkeypatch):
    path = Graph().save(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"needs the package onnx, .*: pip install 'lstm-analysis\[onnx\]'"):
        load_model(path, vocabulary)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_what_torch_exports(network, tmp_path, vocabulary, cell, folded):
    """The graph that torch itself writes, constants folded or not; tied weights are found again."""
    net = network(width=5)
    net.rnn, net.decoder.weight = cell(5, 5, 2), net.encoder.weight
    net.forward = lambda ids: net.decoder(net.rnn(net.encoder(ids))[0])
    ids = torch.as_tensor(IDS.astype(np.int64))[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (ids,), tmp_path / "m.onnx", dynamo=False, do_constant_folding=folded)
    model = load_model(tmp_path / "m.onnx", vocabulary)
    assert model.tied
    with torch.inference_mode():
        top, logits = net.rnn(net.encoder(ids))[0][:, 0].numpy(), net(ids)[:, 0].numpy()
    np.testing.assert_allclose(read(model).hidden[1], top, atol=2e-6)
    np.testing.assert_allclose(read(model).logits, logits, atol=2e-5)


def test_a_graph_that_goes_round_in_circles_is_refused(tmp_path, vocabulary):
    graph = Graph()
    graph.nodes[0] = helper.make_node("Identity", ["x0"], ["x0"])
    with pytest.raises(UserError, match="layer 0 reads the output of Identity, not an embedding"):
        load_model(graph.save(tmp_path), vocabulary)
