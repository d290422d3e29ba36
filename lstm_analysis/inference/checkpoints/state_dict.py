"""A state dict to a model: finds embedding, stacked LSTM layers and decoder under any prefix."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ...errors import UserError
from ...vocabulary import Normalisation, Vocabulary
from ..model import Decoder, LanguageModel, Layer

_KINDS = "weight_ih|weight_hh|weight_hr|bias_ih|bias_hh"
_LSTM = re.compile(rf"(?P<prefix>.*?)(?P<kind>{_KINDS})_l(?P<layer>\d+)(?P<back>_reverse)?")
_EMBEDDING = re.compile(r"encoder|emb|wte|lookup", re.IGNORECASE)
_DECODER = re.compile(r"decoder|out|linear|softmax|head|proj|fc", re.IGNORECASE)
CELLS = {3: "a GRU", 1: "a plain (Elman) RNN"}


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Parameters
    ----------
    tensors
        Name to weight.
    tokens
        Vocabulary in the order of the embedding's rows, ``None`` if the file has none.
    normalisation
        How text is matched to the vocabulary.
    metadata
        What else the file says of itself.
    """

    tensors: Mapping[str, Tensor]
    tokens: Sequence[str] | None = None
    normalisation: Normalisation = field(default_factory=Normalisation)
    metadata: Mapping[str, str] = field(default_factory=dict)


def assemble(path: Path, checkpoint: Checkpoint, vocabulary: Vocabulary) -> LanguageModel:
    """Return the model of a checkpoint.

    Raises
    ------
    UserError
        If the weights are not those of a one-directional LSTM language model with layers of one size, or if there
        are weights that such a model would not use.
    """
    tensors = {k: v.detach().to(torch.float32) for k, v in checkpoint.tensors.items() if v.is_floating_point()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            n = int((~torch.isfinite(tensor)).sum())
            raise UserError(
                f"The checkpoint {path} has {n} NaN or infinite values in {name!r} {tuple(tensor.shape)}: the training "
                "went astray. Use an earlier checkpoint."
            )
    layers = _layers(path, tensors)
    embedding, decoder, bias = _ends(path, tensors, layers)
    if len(vocabulary) != len(embedding):
        raise UserError(
            f"The vocabulary has {len(vocabulary)} tokens, but the embedding of {path} has {len(embedding)} rows. Each "
            "row needs one token, in the same order; give the vocabulary the model was trained with."
        )
    return LanguageModel(embedding, tuple(layers), Decoder(decoder, bias), vocabulary, dict(checkpoint.metadata))


def _layers(path: Path, tensors: Mapping[str, Tensor]) -> list[Layer]:
    parts: dict[int, dict[str, Tensor]] = {}
    prefixes: set[str] = set()
    for name, tensor in tensors.items():
        if match := _LSTM.fullmatch(name):
            if match["back"]:
                raise UserError(f"{path} is bidirectional ({name}); only left-to-right language models are supported.")
            if match["kind"] == "weight_hr":
                raise UserError(f"{path} is an LSTM with projections ({name}), which is not supported.")
            prefixes.add(match["prefix"])
            parts.setdefault(int(match["layer"]), {})[match["kind"]] = tensor
    if not parts:
        shown = ", ".join(list(tensors)[:6])
        raise UserError(
            f"{path} holds no LSTM: none of its {len(tensors)} tensors is named like weight_ih_l0. Found: {shown}."
        )
    if len(prefixes) > 1:
        raise UserError(
            f"{path} holds {len(prefixes)} LSTMs, named {', '.join(map(repr, sorted(prefixes)))}; it must hold one, "
            "with its layers stacked. If they are the layers of one LSTM, rename them to weight_ih_l0, weight_ih_l1 ..."
        )
    return [_layer(path, i, parts.get(i, {})) for i in range(max(parts) + 1)]


def _layer(path: Path, i: int, part: Mapping[str, Tensor]) -> Layer:
    missing = {"weight_ih", "weight_hh"} - set(part)
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(f'{name}_l{i}' for name in sorted(missing))}; the file is incomplete."
        )
    for name in ("weight_hh", "weight_ih"):
        if part[name].ndim != 2 or not part[name].numel():
            raise UserError(
                f"{path}: {name}_l{i} has shape {tuple(part[name].shape)}, but an LSTM needs a matrix with a row for "
                "each gate of each neuron. Save model.state_dict()."
            )
    rows, size = part["weight_hh"].shape
    if rows != 4 * size:
        cell = CELLS.get(rows // size, "another cell")
        raise UserError(
            f"{path} is {cell}: weight_hh_l{i} has shape ({rows}, {size}), an LSTM has ({4 * size}, {size}). Only "
            "LSTMs are supported."
        )
    zeros = part["weight_hh"].new_zeros(rows)
    width = part["weight_ih"].shape[-1]
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "bias_ih": (rows,), "bias_hh": (rows,)}
    for name, shape in shapes.items():
        if name in part and part[name].shape != shape:
            raise UserError(f"{path}: {name}_l{i} has shape {tuple(part[name].shape)}, but {shape} is needed.")
    return Layer(part["weight_ih"], part["weight_hh"], part.get("bias_ih", zeros) + part.get("bias_hh", zeros))


def _ends(path: Path, tensors: Mapping[str, Tensor], layers: Sequence[Layer]) -> tuple[Tensor, Tensor, Tensor]:
    """Return embedding, decoder weight (the embedding itself if tied) and decoder bias."""
    width, size = layers[0].weight_input.shape[1], _common_size(path, layers)
    others = {k: v for k, v in tensors.items() if not _LSTM.fullmatch(k)}
    tables = {k: v for k, v in others.items() if v.ndim == 2}
    embeddings = [k for k, v in tables.items() if v.shape[1] == width]
    name = min(embeddings, key=lambda k: (not _EMBEDDING.search(k), bool(_DECODER.search(k))), default=None)
    if name is None:
        shapes = {k: tuple(v.shape) for k, v in tables.items()}
        raise UserError(f"{path} has no embedding of width {width} (the input of layer 0). Matrices found: {shapes}.")
    n_token = len(tables[name])
    decoders = [k for k, v in tables.items() if k != name and v.shape == (n_token, size)]
    decoder = min(decoders, key=lambda k: not _DECODER.search(k), default=None)
    if decoder is None and width != size:
        raise UserError(
            f"{path} has no decoder of shape ({n_token}, {size}); its embedding is of another width, not tied."
        )
    stem = (decoder or "decoder.weight").removesuffix("weight")
    biases = [k for k, v in others.items() if v.shape == (n_token,)]
    bias = min(biases, key=lambda k: not k.startswith(stem), default=None)
    _refuse_unused(path, [k for k, v in others.items() if v.ndim and k not in (name, decoder, bias)])
    weight = tables[name] if decoder is None or torch.equal(tables[decoder], tables[name]) else tables[decoder]
    return tables[name], weight, others.get(bias or "", torch.zeros(n_token))


def _common_size(path: Path, layers: Sequence[Layer]) -> int:
    sizes = [layer.n_neuron for layer in layers]
    if len(set(sizes)) > 1:
        raise UserError(f"{path} has layers of different sizes {sizes}, which is not supported; all must be equal.")
    for i, layer in enumerate(layers[1:], 1):
        if layer.weight_input.shape[1] != sizes[0]:
            raise UserError(
                f"{path}: weight_ih_l{i} reads {layer.weight_input.shape[1]} inputs, but the layer before it has "
                f"{sizes[0]} neurons."
            )
    return sizes[0]


def _refuse_unused(path: Path, names: Sequence[str]) -> None:
    if names:
        raise UserError(
            f"{path} has weights that an embedding, an LSTM and a decoder would not use: {', '.join(names[:6])}. Run "
            "without them the model would be another one. Only plain LSTM language models are supported."
        )
