"""Keras files: a whole model (``.keras``, ``.h5``, ``.hdf5``) or its weights alone (``.weights.h5``, ``.hdf5``)."""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from .arrays import Array, as_tensors, check_declared, expect_shape
from .checkpoint import Checkpoint
from .hdf5 import Hdf5, read_hdf5
from .keras_cells import convert_layer, is_cudnn
from .keras_config import KerasModel, read_config

Weights = Mapping[str, Array]
_NUMBERED = re.compile(r"(?P<kind>.*?)(?:_(?P<number>\d+))?")


def read_keras_hdf5(path: Path) -> Checkpoint:
    """Read an HDF5 file that Keras saved: a model, or weights alone.

    Raises
    ------
    UserError
        If it is damaged or no stack of LSTM or GRU layers with sigmoid gates on an embedding.
    """
    file = read_hdf5(path, path)
    config = file.attributes[""].get("model_config")
    numbered = "layers" in file.attributes
    layers = _numbered_layers(file) if numbered else _classic_layers(path, file)
    if config is None:
        return _from_weights(path, layers, ordered=not numbered)
    return _from_model(read_config(path, config), layers)


def read_keras_zip(path: Path) -> Checkpoint:
    """Read a ``.keras`` file; errors as for `read_keras_hdf5`."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                check_declared(path, entry.filename, entry.file_size, path.stat().st_size)
            config, weights = archive.read("config.json"), archive.read("model.weights.h5")
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, RuntimeError, ValueError, zlib.error) as error:
        raise UserError(f"{path} is not a whole .keras file ({error}). Copy or save it again.") from None
    model = read_config(path, config)
    file = read_hdf5(path, io.BytesIO(weights))
    groups = _numbered_layers(file)
    return _from_model(model, {name: groups.get(group, {}) for name, group in _groups(model).items()})


def _classic_layers(path: Path, file: Hdf5) -> dict[str, Weights]:
    """Return each layer's weights by their last names, in the order of the model's layers."""
    root = "model_weights" if "model_weights" in file.attributes else ""
    names = file.attributes[root].get("layer_names")
    if names is None:
        raise UserError(f"{path} is an HDF5 file, but Keras did not write it: it names no layers.")
    found: dict[str, Weights] = {}
    for name in map(_text, names):
        group = f"{root}/{name}".lstrip("/")
        weights: dict[str, Array] = {}
        for full in map(_text, file.attributes.get(group, {}).get("weight_names", ())):
            short = full.rsplit("/", 1)[-1].partition(":")[0]
            if short in weights:
                raise UserError(f"{path}: the layer {name!r} has {short} twice, as a Bidirectional one; it is refused.")
            if f"{group}/{full}" not in file.arrays:
                raise UserError(f"{path} lacks {group}/{full}; the file is incomplete.")
            weights[short] = file.arrays[f"{group}/{full}"]
        found[name] = weights
    return found


def _numbered_layers(file: Hdf5) -> dict[str, Weights]:
    """Return the weights of each group of Keras 3, which numbers them, by the names they have elsewhere."""
    found: dict[str, dict[str, Array]] = {}
    for full, array in file.arrays.items():
        match full.split("/"):
            case ["layers", group, "cell", "vars", number]:
                names = ["kernel", "recurrent_kernel", "bias"]
            case ["layers", group, "vars", number] | ["layers", group, "layer", "vars", number]:
                names = ["embeddings"] if group.startswith("embedding") else ["kernel", "bias"]
            case ["layers", group, *rest]:
                found.setdefault(group, {})["/".join(rest)] = array
                continue
            case _:
                continue
        i = int(number) if number.isdecimal() else len(names)
        found.setdefault(group, {})[names[i] if i < len(names) else f"weight {number}"] = array
    return {group: found[group] for group in sorted(found, key=_natural)}


def _groups(model: KerasModel) -> dict[str, str]:
    """Return the group of each layer: its class in snake case, numbered from the second of a class on."""
    count: Counter[str] = Counter()
    found = {}
    for layer in model.layers.values():
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", layer.outer).lower()
        found[layer.name] = f"{kind}_{count[kind]}" if count[kind] else kind
        count[kind] += 1
    return found


def _from_model(model: KerasModel, layers: Mapping[str, Weights]) -> Checkpoint:
    recurrent = [layer.name for layer in model.recurrent]
    decoder = None if model.decoder is None else model.decoder.name
    return _checkpoint(model.path, layers, model.embedding.name, recurrent, decoder, gates_known=True)


def _from_weights(path: Path, layers: Mapping[str, Weights], ordered: bool) -> Checkpoint:
    """Tell the layers by their weights: an embedding, recurrent layers, and what comes behind them."""
    names = [name for name, weights in layers.items() if weights]
    embeddings = [name for name in names if set(layers[name]) == {"embeddings"}]
    recurrent = [name for name in names if "recurrent_kernel" in layers[name]]
    if not recurrent or len(embeddings) != 1:
        raise UserError(
            f"{path} holds {len(embeddings)} embeddings and {len(recurrent)} recurrent layers; one embedding and at "
            f"least one LSTM or GRU are needed. Layers found: {', '.join(names) or 'none'}."
        )
    rest = [name for name in names if name not in (*embeddings, *recurrent)]
    shape = layers[recurrent[-1]]["recurrent_kernel"].shape[:1] + layers[embeddings[0]]["embeddings"].shape[:1]
    decoder = rest[0] if len(rest) == 1 and layers[rest[0]].get("kernel", np.zeros(0)).shape == shape else None
    behind = names[names.index(recurrent[-1]) :]
    strange = [name for name in rest if name != decoder and not (ordered and name in behind)]
    if strange:
        raise UserError(
            f"{path} has weights that an embedding, an LSTM and a decoder would not use: {', '.join(strange)}. Save "
            "the whole model with model.save, so that its wiring can be seen."
        )
    known = all(is_cudnn(layers[name]) for name in recurrent)
    return _checkpoint(path, layers, embeddings[0], recurrent, decoder, gates_known=known)


def _checkpoint(
    path: Path, layers: Mapping[str, Weights], embedding: str, recurrent: list[str], decoder: str | None,
    gates_known: bool,
) -> Checkpoint:  # fmt: skip
    found = {"encoder.weight": _weight(path, layers, embedding, "embeddings")}
    expect_shape(path, f"{embedding}/embeddings", found["encoder.weight"], None, None)
    for i, name in enumerate(recurrent):
        found |= convert_layer(path, name, i, layers.get(name, {}))
    if decoder is not None:
        kernel, n_token = _weight(path, layers, decoder, "kernel"), len(found["encoder.weight"])
        expect_shape(path, f"{decoder}/kernel", kernel, found[f"rnn.weight_hh_l{len(recurrent) - 1}"].shape[1], n_token)
        found["decoder.weight"] = kernel.T
        if "bias" in layers[decoder]:
            expect_shape(path, f"{decoder}/bias", layers[decoder]["bias"], n_token)
            found["decoder.bias"] = layers[decoder]["bias"]
    return Checkpoint(as_tensors(found), states_only=decoder is None, gates_known=gates_known)


def _weight(path: Path, layers: Mapping[str, Weights], layer: str, name: str) -> Array:
    if name not in layers.get(layer, {}):
        raise UserError(f"{path} has no {name} for the layer {layer!r}; the file is incomplete.")
    return layers[layer][name]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _natural(group: str) -> tuple[str, int]:
    match = _NUMBERED.fullmatch(group)
    assert match is not None
    return match["kind"], int(match["number"] or 0)
