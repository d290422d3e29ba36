"""Keras files written by hand, and a slow loop in Keras's own order and layout."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from states_of import IDS, Floats, States, sigmoid

Weights = dict[str, dict[str, Floats]]


def random_weights(cell: str = "LSTM", sizes: tuple[int, ...] = (5, 4), seed: int = 0) -> Weights:
    """Return embedding, recurrent layers of a class of Keras, and a dense layer."""
    rng, width, found = np.random.default_rng(seed), 6, {}
    n_gate = 3 if "GRU" in cell else 4

    def draw(*shape: int) -> Floats:
        return rng.normal(0, 0.7, shape).astype(np.float32)

    found["embedding"] = {"embeddings": draw(11, width)}
    for i, n in enumerate(sizes):
        rows = n_gate * n
        bias = {"LSTM": (rows,), "GRU": (2, rows)}.get(cell, (2 * rows,))
        found[f"rnn_{i + 1}"] = {"kernel": draw(width, rows), "recurrent_kernel": draw(n, rows), "bias": draw(*bias)}
        width = n
    found["output"] = {"kernel": draw(width, 11), "bias": draw(11)}
    return found


def config(cell: str = "LSTM", weights: Weights | None = None, **options: Any) -> dict[str, Any]:
    """Return the configuration of a sequential model; ``options`` change the recurrent layers."""
    given = {"recurrent_activation": "sigmoid", "activation": "tanh", "reset_after": True, "go_backwards": False}
    names = [name for name in weights or random_weights(cell) if name.startswith("rnn")]
    layers = [{"class_name": "Embedding", "config": {"name": "embedding", "input_dim": 11, "output_dim": 6}}]
    layers += [{"class_name": cell, "config": {"name": name, **given, **options}} for name in names]
    layers += [{"class_name": "Dropout", "config": {"name": "dropout", "rate": 0.1}}]
    layers += [{"class_name": "Dense", "config": {"name": "output", "units": 11, "activation": "softmax"}}]
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}


def write_h5(path: Path, weights: Weights, model: dict[str, Any] | None = None) -> Path:
    """Write weights as Keras 2 does: a whole model if there is a configuration, else weights alone."""
    with h5py.File(path, "w") as file:
        root = file if model is None else file.create_group("model_weights")
        if model is not None:
            file.attrs["model_config"] = json.dumps(model).encode()
        file.attrs["keras_version"] = b"2.2.4"
        root.attrs["layer_names"] = [name.encode() for name in ["input", *weights]]
        root.create_group("input").attrs["weight_names"] = []
        for layer, arrays in weights.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
            for name, array in arrays.items():
                group[f"{layer}/{name}:0"] = array
    return path


def write_keras(path: Path, weights: Weights, model: dict[str, Any], cell: str = "LSTM") -> Path:
    """Write a model as Keras 3 does: a zip file of its configuration and its numbered weights."""
    raw = io.BytesIO()
    with h5py.File(raw, "w") as file:
        for i, (layer, arrays) in enumerate(weights.items()):
            group = {"embedding": "embedding/vars", "output": "dense/vars"}.get(layer)
            group = group or f"{cell.lower()}{f'_{i - 1}' if i > 1 else ''}/cell/vars"
            for k, array in enumerate(arrays.values()):
                file[f"layers/{group}/{k}"] = array
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("model.weights.h5", raw.getvalue())
    return path


def keras_states(weights: Weights, decoder: bool = True, ids: Any = IDS) -> States:
    """Return the states by a slow loop over plain (not CuDNN) layers: gates i, f, c, o, or z, r, h."""
    x = weights["embedding"]["embeddings"].astype(np.float64)[ids]
    hidden, cell = [], []
    for name in [name for name in weights if name.startswith("rnn")]:
        layer = {key: array.astype(np.float64) for key, array in weights[name].items()}
        step = _gru_step if layer["bias"].ndim == 2 else _lstm_step
        h, c = (np.zeros(len(layer["recurrent_kernel"])) for _ in range(2))
        out = []
        for row in x:
            h, c = step(layer, row, h, c)
            out.append((h, c))
        hidden.append(np.stack([h for h, _ in out]))
        cell.append(np.stack([c for _, c in out]))
        x = hidden[-1]
    logits = x @ weights["output"]["kernel"] + weights["output"]["bias"] if decoder else None
    return States(hidden, None if step is _gru_step else cell, logits)


def _lstm_step(layer: dict[str, Floats], x: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    i, f, g, o = np.split(x @ layer["kernel"] + h @ layer["recurrent_kernel"] + layer["bias"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def _gru_step(layer: dict[str, Floats], x: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    z, r, g = np.split(x @ layer["kernel"] + layer["bias"][0], 3)
    hz, hr, hg = np.split(h @ layer["recurrent_kernel"] + layer["bias"][1], 3)
    z = sigmoid(z + hz)
    return z * h + (1 - z) * np.tanh(g + sigmoid(r + hr) * hg), c


def as_cudnn(weights: Weights) -> Weights:
    """Return plain layers in the layout of CuDNNLSTM and CuDNNGRU, gate by gate, element by element."""
    found = dict(weights)
    for name in [name for name in weights if name.startswith("rnn")]:
        layer = weights[name]
        n_gate = layer["kernel"].shape[1] // len(layer["recurrent_kernel"])
        bias = layer["bias"]
        found[name] = {
            "kernel": _reread(layer["kernel"], n_gate),
            "recurrent_kernel": _reread(layer["recurrent_kernel"], n_gate),
            "bias": bias.reshape(-1) if bias.ndim == 2 else np.concatenate([bias / 4, bias * 3 / 4]),
        }
    return found


def _reread(kernel: Floats, n_gate: int) -> Floats:
    """Return a kernel whose blocks hold, read along their rows, the values of the transposed blocks."""
    blocks = []
    for block in np.hsplit(kernel, n_gate):
        n_input, n = block.shape
        other = np.empty_like(block)
        for j in range(n):
            for i in range(n_input):
                place = j * n_input + i
                other[place // n, place % n] = block[i, j]
        blocks.append(other)
    return np.hstack(blocks)
