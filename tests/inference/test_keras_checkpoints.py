"""Keras: whole models and weights alone, plain and CuDNN layers; what is another cell or another model is refused."""

import importlib.util
import itertools
import json
import random
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_files import as_cudnn, config, keras_states, random_weights, write_h5, write_keras
from states_of import TOKENS, assert_same, outcome, read

from lstm_analysis.corpus import read_sentences
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.reader import Stream, StreamReader


@pytest.fixture
def vocabulary(write):
    return write("v.txt", "\n".join(TOKENS))


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "m.keras"])
def test_a_whole_model(tmp_path, vocabulary, cell, name):
    weights = random_weights(cell)
    write_file = write_keras if name == "m.keras" else write_h5
    options = (cell,) if name == "m.keras" else ()
    model = load_model(write_file(tmp_path / name, weights, config(cell, weights), *options), vocabulary)
    assert (model.cell, model.layer_sizes) == (cell.lower(), (5, 4))
    assert_same(model, keras_states(weights))


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("whole", [True, False])
def test_cudnn_layers_have_another_layout_and_sigmoid_gates(tmp_path, vocabulary, cell, whole):
    weights = random_weights(cell, (5, 5))
    path = write_h5(tmp_path / "m.h5", as_cudnn(weights), config(f"CuDNN{cell}", weights) if whole else None)
    assert_same(load_model(path, vocabulary), keras_states(weights))


def test_weights_alone_do_not_say_what_their_gates_are(tmp_path, vocabulary):
    weights = random_weights()
    path = write_h5(tmp_path / "m.h5", weights)
    with pytest.raises(UserError, match=r"does not say what its gates are: .*model.gates: sigmoid, or --gates sigmoid"):
        load_model(path, vocabulary)
    assert_same(load_model(path, vocabulary, gates="sigmoid"), keras_states(weights))


def test_twelve_numbered_layers_come_in_their_order(tmp_path, vocabulary):
    weights = random_weights(sizes=(3,) * 12)
    path = write_keras(tmp_path / "m.keras", weights, config(weights=weights))
    alone = tmp_path / "m.weights.h5"
    alone.write_bytes(zipfile.ZipFile(path).read("model.weights.h5"))
    for found in (load_model(path, vocabulary), load_model(alone, vocabulary, gates="sigmoid")):
        assert_same(found, keras_states(weights))


def functional(sources, kinds=None, keras_3=False):
    """Return the configuration of a functional model: the layers that each layer reads."""
    layers = []
    for entry in config()["config"]["layers"]:
        name = entry["config"]["name"]
        if name in sources:
            layers.append({**entry, "class_name": (kinds or {}).get(name, entry["class_name"])})
    known = {entry["config"]["name"] for entry in layers}
    layers += [{"class_name": kind, "config": {"name": n}} for n, kind in (kinds or {}).items() if n not in known]
    for entry in layers:
        reads = sources[entry["config"]["name"]]
        tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in reads]
        entry["inbound_nodes"] = (
            [{"args": [tensors], "kwargs": {"mask": None}}] if keras_3 else [[[name, 0, 0, {}] for name in reads]]
        )
    layers.insert(0, {"class_name": "InputLayer", "config": {"name": "input"}, "inbound_nodes": []})
    return {"class_name": "Functional", "config": {"layers": layers}}


CHAIN = {
    "embedding": ["input"],
    "rnn_1": ["embedding"],
    "rnn_2": ["rnn_1"],
    "dropout": ["rnn_2"],
    "output": ["dropout"],
}


@pytest.mark.parametrize("keras_3", [True, False])
def test_a_functional_model(tmp_path, vocabulary, keras_3):
    weights = random_weights()
    path = write_h5(tmp_path / "m.h5", weights, functional(CHAIN, keras_3=keras_3))
    assert_same(load_model(path, vocabulary), keras_states(weights))


HEADS = {
    "a skip": (CHAIN | {"joined": ["embedding", "rnn_2"], "output": ["joined"]}, {"joined": "Concatenate"}),
    "own code": (CHAIN | {"mean": ["rnn_2"], "output": ["mean"]}, {"mean": "AttentionWeightedAverage"}),
    "two heads": (CHAIN | {"other": ["rnn_2"]}, {"other": "Dense"}),
    "something behind": (CHAIN | {"other": ["output"]}, {"other": "Rescaling"}),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_is_no_decoder_leaves_the_states(tmp_path, vocabulary, head):
    weights = random_weights()
    path = write_h5(tmp_path / "m.h5", weights, functional(*HEADS[head]))
    model = load_model(path, vocabulary)
    assert model.decoder is None
    assert_same(model, keras_states(weights, decoder=False))


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (config(recurrent_activation="hard_sigmoid"), "trained with hard_sigmoid gates .* default of Keras before 2.3"),
        (config(recurrent_activation={"class_name": "function"}), "has recurrent_activation {'class_name'"),
        (config(activation="relu"), "activation 'relu'; only 'sigmoid' and 'tanh'"),
        (config(go_backwards=True), "reads backwards; only left-to-right"),
        (config("GRU", reset_after=False), "reset_after=False: it resets h before the product instead of after"),
        (config("SimpleRNN"), "holds no LSTM or GRU layer. Found: Embedding, SimpleRNN"),
        (config("Bidirectional"), "has a Bidirectional layer, 'rnn_1'"),
        (config("Lambda"), "has a Lambda layer, 'rnn_1' .code of its own, which is never run"),
        (
            functional(CHAIN | {"joined": ["embedding"], "rnn_1": ["joined"]}, {"joined": "Mine"}),
            "'joined' .Mine., not 'e",
        ),
        (functional(CHAIN | {"rnn_2": ["rnn_1", "embedding"]}), "'rnn_2' reads 'several layers'"),
        (functional(CHAIN | {"rnn_2": ["embedding"]}), "'rnn_2' reads 'embedding' .Embedding., not 'rnn_1'"),
        (functional(CHAIN | {"more": ["input"]}, {"more": "Embedding"}), "has 2 Embedding layers"),
        ({"class_name": "MyModel", "config": {"layers": []}}, "a model of the class 'MyModel', whose wiring is in its"),
        ({"class_name": "Sequential", "config": {}}, "is not that of a Keras model .KeyError"),
        ([], "is not that of a Keras model .TypeError"),
    ],
)
@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_another_model_is_refused(tmp_path, vocabulary, name, model, hint):
    path = (write_h5 if name == "m.h5" else write_keras)(tmp_path / name, random_weights(), model)
    with pytest.raises(UserError, match=hint):
        load_model(path, vocabulary)


def change(layer, name, make):
    def apply(weights):
        weights[layer][name] = make(weights[layer][name])

    return apply


@pytest.mark.parametrize(
    ("apply", "hint"),
    [
        (
            change("rnn_1", "kernel", lambda w: w[:, :19]),
            r"rnn_1/kernel has shape \(6, 19\), but \(any, 20\) is needed",
        ),
        (change("rnn_1", "kernel", lambda w: w[:5]), "no embedding of width 5"),
        (change("rnn_2", "kernel", lambda w: w[:3]), "weight_ih_l1 reads 3 inputs, but the layer before it has 5"),
        (change("rnn_1", "recurrent_kernel", lambda w: w[0]), r"recurrent_kernel has shape \(20,\), but \(any, any\)"),
        (change("rnn_1", "recurrent_kernel", lambda w: w[:, :7]), r"shape \(5, 7\); an LSTM has \(5, 20\), a GRU"),
        (change("rnn_1", "bias", lambda w: w[:3]), r"rnn_1/bias has shape \(3,\), but 20 values"),
        (change("rnn_1", "bias", lambda w: w * np.nan), r"has 20 NaN or infinite values in 'rnn.bias_ih_l0'"),
        (change("embedding", "embeddings", lambda w: w[0]), r"embedding/embeddings has shape \(6,\)"),
        (change("output", "kernel", lambda w: w[:, :9]), r"output/kernel has shape \(4, 9\), but \(4, 11\) is needed"),
        (change("output", "bias", lambda w: w[:9]), r"output/bias has shape \(9,\), but \(11,\) is needed"),
        (lambda w: w.pop("embedding"), "has no embeddings for the layer 'embedding'; the file is incomplete"),
        (lambda w: w["rnn_2"].pop("recurrent_kernel"), "the layer 'rnn_2' has bias, kernel; a recurrent layer"),
        (lambda w: w["output"].clear(), "has no kernel for the layer 'output'"),
    ],
)
def test_wrong_weights_are_refused(tmp_path, vocabulary, apply, hint):
    weights = random_weights()
    apply(weights)
    with pytest.raises(UserError, match=hint):
        load_model(write_h5(tmp_path / "m.h5", weights, config()), vocabulary)


@pytest.mark.parametrize(
    ("apply", "hint"),
    [
        (lambda w: w.pop("embedding"), "holds 0 embeddings and 2 recurrent layers; one embedding"),
        (lambda w: [w.pop(name) for name in ("rnn_1", "rnn_2")], "holds 1 embeddings and 0 recurrent layers"),
        (lambda w: w["rnn_1"].update(peephole=np.zeros(5)), "the layer 'rnn_1' has bias, kernel, peephole, recurrent"),
        (
            lambda w: w.update(rnn_2=dict(norm=np.ones(5)), rnn_3=w["rnn_2"]),
            "would not use: rnn_2, output. Save the whole",
        ),
        (
            lambda w: w.update(rnn_1=random_weights("GRU")["rnn_1"] | {"bias": np.ones(15)}),
            "no recurrent bias, as with",
        ),
    ],
)
def test_wrong_weights_alone_are_refused(tmp_path, vocabulary, apply, hint):
    weights = random_weights()
    apply(weights)
    with pytest.raises(UserError, match=hint):
        load_model(write_h5(tmp_path / "m.h5", weights), vocabulary, gates="sigmoid")


def test_a_second_kernel_in_a_layer_is_a_bidirectional_one(tmp_path, vocabulary):
    path = write_h5(tmp_path / "m.h5", random_weights())
    with h5py.File(path, "a") as file:
        file["rnn_1"].attrs["weight_names"] = [b"rnn_1/kernel:0", b"rnn_1/backward/kernel:0"]
    with pytest.raises(UserError, match="'rnn_1' has kernel twice, as a Bidirectional one"):
        load_model(path, vocabulary)


def test_other_files_are_never_read(tmp_path, vocabulary):
    weights = random_weights()
    path = write_h5(tmp_path / "m.h5", weights)
    secret = weights["embedding"]["embeddings"]
    (tmp_path / "secret").write_bytes(secret.tobytes())
    with h5py.File(path, "a") as file:
        del file["embedding/embedding/embeddings:0"]
        file.create_dataset(
            "embedding/embedding/embeddings:0", secret.shape, "f4", external=[(str(tmp_path / "secret"), 0, 264)]
        )
    with pytest.raises(UserError, match="keeps 'embedding/embedding/embeddings:0' in another file, which is refused"):
        load_model(path, vocabulary, gates="sigmoid")
    write_h5(tmp_path / "other.h5", weights)
    with h5py.File(path, "a") as file:
        del file["embedding"]
        file["embedding"] = h5py.ExternalLink("other.h5", "/embedding")
    with pytest.raises(UserError, match="holds 0 embeddings"):
        load_model(path, vocabulary, gates="sigmoid")


def test_a_huge_declared_size_is_refused_before_it_is_read(tmp_path, vocabulary):
    path = write_h5(tmp_path / "m.h5", random_weights())
    with h5py.File(path, "a") as file:
        file.create_dataset("huge", (10**6, 10**6), "f4", chunks=(100, 100))
    with pytest.raises(UserError, match=r"declares 4,000.0 GB for 'huge', but has .* bytes itself"):
        load_model(path, vocabulary, gates="sigmoid")
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 10**7)
    with pytest.raises(UserError, match=r"declares 0.0 GB for 'config.json'"):
        load_model(tmp_path / "m.keras", vocabulary)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_a_file_cut_anywhere_is_an_error_never_a_crash(tmp_path, vocabulary, name):
    path = (write_h5 if name == "m.h5" else write_keras)(tmp_path / name, random_weights(), config())
    raw = path.read_bytes()
    for n in range(0, len(raw) - 30, 499):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"is not a whole (HDF5|.keras) file \(.+\)\. Copy or save it again"):
            load_model(path, vocabulary)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_flipped_bytes_are_an_error_or_other_numbers_never_a_crash(tmp_path, vocabulary, name):
    path = (write_h5 if name == "m.h5" else write_keras)(tmp_path / name, random_weights(), config())
    raw, draw = path.read_bytes(), random.Random(0)
    for _ in range(60):
        damaged = bytearray(raw)
        for _ in range(3):
            damaged[draw.randrange(len(raw))] = draw.randrange(256)
        path.write_bytes(damaged)
        assert str(path) in outcome(path, vocabulary)


def test_other_hdf5_files_are_refused(tmp_path, vocabulary):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(UserError, match="Keras did not write it: it names no layers"):
        load_model(tmp_path / "m.h5", vocabulary)


def test_a_missing_package_is_named_with_its_extra(tmp_path, vocabulary, monkeypatch):
    path = write_h5(tmp_path / "m.h5", random_weights(), config())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"needs the package h5py, .*: pip install 'lstm-analysis\[keras\]'"):
        load_model(path, vocabulary)


def test_the_padding_row_of_a_vocabulary_that_begins_at_1(tmp_path, write):
    words = {token: i + 1 for i, token in enumerate(TOKENS[1:])}
    path = write_h5(tmp_path / "m.h5", random_weights(), config())
    assert load_model(path, write("v.json", json.dumps(words))).vocabulary.tokens == ("<pad>", *TOKENS[1:])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_what_keras_itself_saves_and_says(tmp_path, vocabulary, cell, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    keras = pytest.importorskip("keras")
    layers, rnn = keras.layers, getattr(keras.layers, cell)
    head = layers.TimeDistributed(layers.Dense(11, activation="softmax"))
    body = [rnn(5, return_sequences=True), layers.SpatialDropout1D(0.2), rnn(4, return_sequences=True, name="second")]
    net = keras.Sequential([layers.Input((None,), dtype="int32"), layers.Embedding(11, 6), *body, head])
    for array in net.weights:
        array.assign(np.random.default_rng(1).normal(0, 0.7, array.shape))
    weights = {"embedding": {"embeddings": net.layers[0].get_weights()[0]}}
    for i, layer in enumerate((net.layers[1], net.layers[3])):
        weights[f"rnn_{i + 1}"] = dict(zip(("kernel", "recurrent_kernel", "bias"), layer.get_weights(), strict=True))
    weights["output"] = dict(zip(("kernel", "bias"), net.layers[4].get_weights(), strict=True))
    ids = np.array([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 0, 7]])
    hidden = keras.Model(net.inputs, [net.layers[1].output, net.layers[3].output]).predict(ids, verbose=0)
    for name in ("m.keras", "m.h5", "m.weights.h5"):
        alone = name == "m.weights.h5"
        net.save_weights(tmp_path / name) if alone else net.save(tmp_path / name)
        model = load_model(tmp_path / name, vocabulary, gates="sigmoid" if alone else None)
        assert_same(model, keras_states(weights))
        for ours, theirs in zip(read(model).hidden, hidden, strict=True):
            np.testing.assert_allclose(ours, theirs[0], atol=2e-6)
        logits = read(model).logits
        found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found, net.predict(ids, verbose=0)[0], atol=2e-6)


@pytest.fixture(scope="module")
def textgenrnn():
    """The folder of the package: nothing of it is imported, so it needs no TensorFlow."""
    found = importlib.util.find_spec("textgenrnn")
    if found is None or found.origin is None:
        pytest.skip("the package is not installed: pip install --no-deps textgenrnn")
    return Path(found.origin).parent


def test_the_weights_of_textgenrnn(textgenrnn, real_data):
    """Weights alone of two CuDNNLSTM layers under an attention head: states, and no decoder.

    That these are its states shows in what the package's own head makes of them: 2.4 bits a character. With the gates
    or the layout of a plain LSTM of its time they would give 3.2 or 70.
    """
    path = textgenrnn / "textgenrnn_weights.hdf5"
    model = load_model(path, textgenrnn / "textgenrnn_vocab.json")
    assert (model.layer_sizes, model.decoder, len(model.vocabulary)) == ((128, 128), None, 465)
    assert model.vocabulary.level == "char"
    sentences = itertools.islice(read_sentences("tsv", [str(real_data("english/gum_open.tsv.gz"))]), 100)
    known = set(model.vocabulary.tokens)
    ids = model.vocabulary.encode([c for c in " ".join(" ".join(s.tokens) for s in sentences) if c in known])
    starts = range(0, 8_000, 20)
    hidden = np.empty((40 * len(starts), 2, 128), np.float32)
    streams = [Stream(ids[start : start + 40], row=40 * k) for k, start in enumerate(starts)]
    StreamReader(model).read(streams, {"hidden": hidden})
    with h5py.File(path) as file:
        attention = file["attention/attention/attention_W:0"][...]
        kernel, bias = file["output/output/kernel:0"][...], file["output/output/bias:0"][...]
    below = model.embedding.numpy()[np.concatenate([stream.token_id for stream in streams])]
    joined = np.concatenate([below, hidden[:, 0], hidden[:, 1]], axis=1).reshape(len(starts), 40, -1)
    weight = np.exp(joined @ attention)
    logits = (joined * weight).sum(axis=1) / weight.sum(axis=1) @ kernel + bias
    after = ids[np.array(starts) + 40]
    log_p = logits[np.arange(len(starts)), after] - np.log(np.exp(logits).sum(axis=1))
    assert -log_p.mean() / np.log(2) == pytest.approx(2.4, abs=0.2)
