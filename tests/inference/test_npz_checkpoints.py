"""TensorFlow's ``BasicLSTMCell`` and the sentiment neuron's multiplicative LSTM, from ``.npz``."""

import logging
import random

import numpy as np
import pytest
import torch
from states_of import IDS, TOKENS, States, assert_same, outcome, sigmoid

from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model, save_model


@pytest.fixture
def vocabulary(write):
    return write("v.txt", "\n".join(TOKENS))


@pytest.fixture
def put(tmp_path):
    def save(arrays):
        np.savez(tmp_path / "m.npz", **arrays)
        return tmp_path / "m.npz"

    return save


def draw(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(0, 0.7, shape).astype(np.float32)


PLACES = {
    "tutorial": "Model/RNN/multi_rnn_cell/cell_{i}/basic_lstm_cell/",
    "dynamic": "rnn/multi_rnn_cell/cell_{i}/lstm_cell/",
}


def tensorflow(sizes=(5, 4), place=PLACES["tutorial"], names=("kernel", "bias"), **more):
    found, width = {"Model/embedding": draw(11, 6)}, 6
    for i, n in enumerate(sizes):
        at = place.format(i=i)
        found |= {at + names[0]: draw(width + n, 4 * n, seed=i), at + names[1]: draw(4 * n, seed=i)}
        width = n
    return found | {"Model/softmax_w": draw(width, 11), "Model/softmax_b": draw(11)} | more


def tensorflow_states(arrays, forget_bias):
    """Return the states by a slow loop in TensorFlow's order: i, j, f, o, and a constant on f."""
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    x, hidden, cell = arrays["Model/embedding"][IDS], [], []
    kernels = [name for name in arrays if name.endswith(("lstm_cell/kernel", "lstm_cell/weights"))]
    for kernel in kernels:
        bias = arrays[kernel.replace("kernel", "bias").replace("weights", "biases")]
        h, c, out = np.zeros(len(bias) // 4), np.zeros(len(bias) // 4), []
        for row in x:
            i, j, f, o = np.split(np.concatenate([row, h]) @ arrays[kernel] + bias, 4)
            c = c * sigmoid(f + forget_bias) + sigmoid(i) * np.tanh(j)
            h = np.tanh(c) * sigmoid(o)
            out.append((h, c))
        hidden.append(np.stack([h for h, _ in out]))
        cell.append(np.stack([c for _, c in out]))
        x = hidden[-1]
    return States(hidden, cell, x @ arrays["Model/softmax_w"] + arrays["Model/softmax_b"])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("names", [("kernel", "bias"), ("weights", "biases")])
def test_basic_lstm_cells(put, vocabulary, caplog, place, names):
    arrays = tensorflow(place=PLACES[place], names=names)
    with caplog.at_level(logging.WARNING, "lstm_analysis"):
        model = load_model(put(arrays), vocabulary)
    assert "does not say which forget_bias" in caplog.text
    assert model.metadata == {"forget_bias": "1"}
    assert_same(model, tensorflow_states(arrays, forget_bias=1))


def test_another_forget_bias_is_said_in_the_file(put, vocabulary, caplog):
    arrays = tensorflow()
    with caplog.at_level(logging.WARNING, "lstm_analysis"):
        model = load_model(put(arrays | {"forget_bias": np.float32(0)}), vocabulary)
    assert not caplog.text
    assert_same(model, tensorflow_states(arrays, forget_bias=0))


def test_twelve_cells_come_in_their_order_and_what_an_optimiser_left_is_ignored(put, vocabulary):
    arrays = tensorflow((3,) * 12)
    left = {f"{name}/Adam": array for name, array in arrays.items()} | {"global_step": np.int64(5)}
    turned = dict(reversed((arrays | left).items()))
    named = {f"{name}:0": array for name, array in turned.items()}
    assert_same(load_model(put(named), vocabulary), tensorflow_states(arrays, forget_bias=1))


K = "Model/RNN/multi_rnn_cell/cell_0/basic_lstm_cell/"


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda a: a.pop(K + "bias"), "lacks .*cell_0/basic_lstm_cell/bias; the file is incomplete"),
        (lambda a: a.update({K + "bias": draw(19)}), r"basic_lstm_cell/bias has shape \(19,\), but \(20,\) is needed"),
        (lambda a: a.update({K + "kernel": draw(11, 19)}), r"kernel has shape \(11, 19\); a cell of n neurons"),
        (lambda a: a.update({K + "kernel": draw(5, 20)}), r"kernel has shape \(5, 20\); a cell of n neurons"),
        (lambda a: a.update({K + "kernel": draw(20)}), r"kernel has shape \(20,\), but \(any, any\)"),
        (lambda a: a.update({K + "w_f_diag": draw(5)}), r"is an LSTM with peepholes \(.*w_f_diag\), which is another"),
        (lambda a: a.update({K + "projection/kernel": draw(5, 3)}), r"is an LSTM with projections \(.*/kernel\)"),
        (lambda a: a.update({"rnn/layer_norm_basic_lstm_cell/input/gamma": draw(5)}), "with layer normalisation"),
        (lambda a: a.update({"temperature": np.float32(2)}), "would not use: temperature"),
        (lambda a: a.update(forget_bias=draw(2)), r"forget_bias must be one number, but has shape \(2,\)"),
        (lambda a: a.update({"Other/embedding": draw(11, 6)}), "more than one array for encoder.weight"),
        (lambda a: a.pop("Model/embedding"), "has no embedding of width 6"),
        (
            lambda a: a.pop("Model/softmax_b") is a.update({"Model/prior/bias": draw(11)}),
            "would not use: Model/prior/b",
        ),
        (lambda a: a.pop("Model/softmax_w"), r"has no decoder of shape \(11, 4\)"),
        (lambda a: a.update({"Model/softmax_b": draw(11) * np.nan}), "has 11 NaN or infinite values in 'decoder.bias'"),
        (lambda a: [a.pop(name) for name in list(a) if "cell" in name], "holds no LSTM: none of its 3 arrays"),
        (lambda a: a.clear(), "none of its 0 arrays .* Found: nothing"),
    ],
)
def test_wrong_arrays_are_refused(put, vocabulary, change, hint):
    arrays = tensorflow()
    change(arrays)
    with pytest.raises(UserError, match=hint):
        load_model(put(arrays), vocabulary)


def of_places(*places, size=6):
    """Return cells of one size at several places, with the ends that would fit a stack of them."""
    found = {"embedding": draw(11, 6), "softmax_w": draw(size, 11), "softmax_b": draw(11)}
    for i, place in enumerate(places):
        kernel, bias = draw(6 + size, 4 * size, seed=i), draw(4 * size, seed=i)
        found |= {f"{place}basic_lstm_cell/kernel": kernel, f"{place}basic_lstm_cell/bias": bias}
    return found


@pytest.mark.parametrize(
    ("places", "hint"),
    [
        (
            ("bidirectional_rnn/fw/", "bidirectional_rnn/bw/"),
            r"is bidirectional \(bidirectional_rnn/bw/basic_lstm_cell",
        ),
        (("bidirectional_rnn/fw/cell_0/", "bidirectional_rnn/bw/cell_1/"), "is bidirectional"),
        (("encoder/rnn/", "decoder/rnn/"), r"cells of several networks \(decoder/rnn/basic_lstm_cell, encoder"),
        (("encoder/cell_0/", "decoder/cell_1/"), "cells of several networks"),
        (("rnn/", "rnn/cell_1/"), "cells of several networks"),
        (("rnn/cell_0/", "rnn/cell_2/"), r"has the layers \[0, 2\] .* but not all from 0 on"),
        (("rnn/cell_1/",), r"has the layers \[1\]"),
    ],
)
def test_cells_that_are_no_stack_are_refused_though_their_shapes_fit(put, vocabulary, caplog, places, hint):
    with pytest.raises(UserError, match=hint):
        load_model(put(of_places(*places)), vocabulary)
    assert not caplog.text


def test_what_is_refused_is_not_warned_of(put, vocabulary, caplog):
    with caplog.at_level(logging.WARNING, "lstm_analysis"), pytest.raises(UserError, match="would not use: other"):
        load_model(put(tensorflow() | {"other": draw(5, 3)}), vocabulary)
    assert not caplog.text


def test_projections_and_peepholes_are_named_before_shapes_and_ends(put, vocabulary):
    arrays = of_places("rnn/") | {"rnn/basic_lstm_cell/kernel": draw(10, 24)}
    with pytest.raises(UserError, match="is an LSTM with projections"):
        load_model(put(arrays | {"rnn/basic_lstm_cell/projection/kernel": draw(6, 4)}), vocabulary)
    with pytest.raises(UserError, match="is an LSTM with peepholes"):
        load_model(put({"rnn/lstm_cell/w_i_diag": draw(6), "rnn/lstm_cell/kernel": draw(3)}), vocabulary)


def test_numbers_of_the_training_are_ignored(put, vocabulary):
    left = {"beta1_power": np.float32(0.9), "Train/Model/Variable": np.float32(0.1), "step": np.int64(7)}
    assert_same(load_model(put(tensorflow() | left), vocabulary), tensorflow_states(tensorflow(), forget_bias=1))


def test_an_array_of_softmax_is_not_taken_for_the_embedding(put, vocabulary):
    arrays = of_places("rnn/")
    del arrays["embedding"]
    with pytest.raises(UserError, match=r"no embedding of width 6 .*: only decoder.weight has it, a decoder by"):
        load_model(put(arrays), vocabulary)


FLAT = ("embedding", "wx", "wh", "wmx", "wmh", "b", "gx", "gh", "gmx", "gmh", "softmax_w", "softmax_b")
SCOPES = {"embedding": "model/embedding/w:0", "softmax_w": "model/out/w:0", "softmax_b": "model/out/b:0"}


def sentiment_neuron(normed=True):
    shapes = [(11, 6), (6, 20), (5, 20), (6, 5), (5, 5), (20,), (20,), (20,), (5,), (5,), (5, 11), (11,)]
    arrays = {name: draw(*shape, seed=i) for i, (name, shape) in enumerate(zip(FLAT, shapes, strict=True))}
    return {name: array for name, array in arrays.items() if normed or not name.startswith("g")}


def sentiment_neuron_states(arrays):
    """Return the states by a slow loop: weight norm along columns, m = (x wmx) (h wmh), gates i, f, o, u."""
    w = {name: array.astype(np.float64) for name, array in arrays.items()}
    for name in ("wx", "wh", "wmx", "wmh"):
        if "g" + name[1:] in w:
            for k in range(w[name].shape[1]):
                w[name][:, k] *= w["g" + name[1:]][k] / np.linalg.norm(w[name][:, k])
    h, c, out = np.zeros(5), np.zeros(5), []
    for token in IDS:
        x = w["embedding"][token]
        m = (x @ w["wmx"]) * (h @ w["wmh"])
        i, f, o, u = np.split(x @ w["wx"] + m @ w["wh"] + w["b"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(u)
        h = sigmoid(o) * np.tanh(c)
        out.append((h, c))
    hidden, cell = (np.stack(states) for states in zip(*out, strict=True))
    return States([hidden], [cell], hidden @ w["softmax_w"] + w["softmax_b"])


@pytest.mark.parametrize("normed", [True, False])
@pytest.mark.parametrize("scoped", [True, False])
def test_the_sentiment_neuron(put, vocabulary, tmp_path, normed, scoped):
    arrays = sentiment_neuron(normed)
    named = {SCOPES.get(name, f"model/rnn/{name}:0") if scoped else name: array for name, array in arrays.items()}
    model = load_model(put(named), vocabulary)
    assert (model.cell, model.layer_sizes) == ("mlstm", (5,))
    assert_same(model, sentiment_neuron_states(arrays))
    save_model(model, tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors").digest == model.digest


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda a: a.pop("wmh"), "lacks wmh of a multiplicative LSTM"),
        (lambda a: a.update(wx=draw(7, 20)), r"wx has shape \(7, 20\), but \(6, 20\) is needed"),
        (lambda a: a.update(gmx=draw(4)), r"gmx has shape \(4,\), but \(5,\) is needed"),
        (lambda a: a.update(extra=draw(4)), "has an array 'extra' that a multiplicative LSTM has not"),
        (lambda a: a.update({"rnn/wh": draw(5, 20)}), "has an array 'rnn/wh' .*, or has it twice"),
        (lambda a: a.update(embedding=draw(11)), r"embedding has shape \(11,\), but \(any, any\)"),
    ],
)
def test_another_multiplicative_lstm_is_refused(put, vocabulary, change, hint):
    arrays = sentiment_neuron()
    change(arrays)
    with pytest.raises(UserError, match=hint):
        load_model(put(arrays), vocabulary)


def test_bytes_are_its_vocabulary(put):
    arrays = sentiment_neuron() | {"embedding": draw(256, 6), "softmax_w": draw(5, 256), "softmax_b": draw(256)}
    assert load_model(put(arrays), "bytes").vocabulary.level == "byte"


def test_pickled_objects_are_refused(put, vocabulary):
    path = put(tensorflow() | {"objects": np.array([{}], object)})
    with pytest.raises(UserError, match=r"holds a pickled object; unpickling it would run code .* refused"):
        load_model(path, vocabulary)


def test_damaged_files_are_an_error_never_a_crash(put, vocabulary):
    path = put(tensorflow())
    raw, source = path.read_bytes(), random.Random(0)
    for n in range(0, len(raw), 397):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"is not a whole .npz file \(.*\)\. Copy or save it again"):
            load_model(path, vocabulary)
    for _ in range(60):
        damaged = bytearray(raw)
        for _ in range(3):
            damaged[source.randrange(len(raw))] = source.randrange(256)
        path.write_bytes(damaged)
        assert str(path) in outcome(path, vocabulary)


def test_a_huge_declared_size_is_refused(tmp_path, vocabulary):
    np.savez_compressed(tmp_path / "m.npz", a=np.zeros(10**7, np.float32))
    with pytest.raises(UserError, match=r"declares 0.0 GB for 'a.npy', but has .* bytes itself"):
        load_model(tmp_path / "m.npz", vocabulary)


def test_many_arrays_are_as_huge_as_one(tmp_path, vocabulary):
    arrays = {f"a{i}": np.zeros(2 * 10**4, np.float32) for i in range(40)}
    np.savez_compressed(tmp_path / "m.npz", **arrays, b=np.random.default_rng(0).random(1000))
    with pytest.raises(UserError, match=r"declares 0.0 GB for 'a\d+.npy', but has .* bytes itself"):
        load_model(tmp_path / "m.npz", vocabulary)


def test_float64_arrays_become_float32(put, vocabulary):
    arrays = {name: array.astype(np.float64) for name, array in tensorflow().items()}
    assert load_model(put(arrays), vocabulary).embedding.dtype == torch.float32
