"""The two ends of a state dict: embedding and decoder, found by their shapes and names."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...errors import UserError
from ..model import AdaptiveDecoder, Decoder

_EMBEDDING = re.compile(r"encoder|emb|wte|lookup", re.IGNORECASE)
_DECODER = re.compile(r"decoder|out|linear|softmax|head|proj|fc", re.IGNORECASE)
_BIAS = re.compile(r"(?:.*[^/])?bias")
"""Ends the names of biases; of TensorFlow's, which have slashes, the reader of the format knows those that count."""
_TAIL = re.compile(r"(?P<prefix>.*?)tail\.(?P<cluster>\d+)\.(?P<part>[01])\.weight")


def find_ends(
    path: Path, tensors: Mapping[str, Tensor], width: int, size: int, states_only: bool
) -> tuple[Tensor, Decoder | AdaptiveDecoder | None, str | None]:
    """Return embedding, decoder and what to tell of them; a tied decoder's weight is the embedding itself.

    Parameters
    ----------
    path
        The file, for messages.
    tensors
        All weights that are not those of the recurrent layers.
    width, size
        Inputs of the first layer, neurons of the last.
    states_only
        Whether the model has no decoder that could be used.

    Raises
    ------
    UserError
        If one is missing, or a weight is left that neither uses.
    """
    adaptive, theirs = _find_adaptive(path, tensors, size)
    rest = {name: tensor for name, tensor in tensors.items() if name not in theirs}
    embedding = _embedding_name(path, rest, width)
    rows = rest.pop(embedding)
    decoder: Decoder | AdaptiveDecoder | None = adaptive
    caution = None
    if adaptive is not None and adaptive.cutoffs[-1] != len(rows):
        raise UserError(
            f"{path} has an adaptive softmax over {adaptive.cutoffs[-1]} tokens, but {len(rows)} rows in {embedding!r}."
        )
    if adaptive is None and not states_only:
        decoder, used = _find_decoder(path, rest, rows, size)
        rest = {name: tensor for name, tensor in rest.items() if name not in used}
        caution = _caution(path, used)
    left = [name for name, tensor in rest.items() if not torch.equal(tensor, rows)]
    if left:
        raise UserError(
            f"{path} has weights that an embedding, an LSTM and a decoder would not use: {', '.join(left[:6])}. Run "
            "without them the model would be another one. Only plain LSTM language models are supported."
        )
    return rows, decoder, caution


def _embedding_name(path: Path, tensors: Mapping[str, Tensor], width: int) -> str:
    tables = {name: tensor for name, tensor in tensors.items() if tensor.ndim == 2}
    fitting: dict[tuple[bool, bool, bool], list[str]] = {}
    decoders: list[str] = []
    for name, table in tables.items():
        rank = (not _EMBEDDING.search(name), bool(_DECODER.search(name)), _stem(name) + "bias" in tensors)
        if table.shape[1] == width and sum(rank) > 1:
            decoders.append(name)
        elif table.shape[1] == width:
            fitting.setdefault(rank, []).append(name)
    if not fitting:
        raise _no_embedding(path, tables, width, decoders)
    first, *others = fitting[min(fitting)]
    unlike = [name for name in others if not torch.equal(tables[name], tables[first])]
    if unlike:
        raise UserError(
            f"{path}: each of {', '.join([first, *unlike])} could be the embedding by its shape and its name. Rename "
            "it to encoder.weight, and the decoder to decoder.weight."
        )
    return first


def _no_embedding(path: Path, tables: Mapping[str, Tensor], width: int, decoders: Sequence[str]) -> UserError:
    """Return why no matrix is the embedding; ``decoders`` fit by their shape, but have two marks of a decoder."""
    what = f"{path} has no embedding of width {width} (the input of layer 0)"
    named = [name for name in tables if _EMBEDDING.search(name) and not _DECODER.search(name) and name not in decoders]
    if named:
        other = named[0]
        return UserError(
            f"{what}: {other} has width {tables[other].shape[1]}, but layer 0 reads {width} inputs. The two are not of "
            "one model, or something lies between them; save the state dict of one plain language model."
        )
    if decoders:
        return UserError(
            f"{what}: only {', '.join(decoders[:3])} has it, a decoder by its name or its bias. If the two are tied, "
            "save the matrix under encoder.weight as well; else save the embedding with the rest."
        )
    shapes = {name: tuple(table.shape) for name, table in tables.items()}
    return UserError(f"{what}. Matrices found: {shapes or 'none'}. Save the whole state dict.")


def _find_decoder(
    path: Path, tensors: Mapping[str, Tensor], embedding: Tensor, size: int
) -> tuple[Decoder, tuple[str | None, str | None]]:
    """Return the decoder, and the names of its weight and its bias."""
    n_token, width = embedding.shape
    weights = [name for name, tensor in tensors.items() if tensor.shape == (n_token, size)]
    name = min(weights, key=lambda k: not _DECODER.search(k), default=None)
    if name is None and width != size:
        raise UserError(
            f"{path} has no decoder of shape ({n_token}, {size}); its embedding is of another width, not tied. Save "
            "the whole state dict, with the decoder in it."
        )
    stem = _stem(name or "decoder.weight")
    biases = [name for name, tensor in tensors.items() if tensor.shape == (n_token,) and _BIAS.fullmatch(name)]
    bias = min(biases, key=lambda k: not k.startswith(stem), default=None)
    tied = name is None or torch.equal(tensors[name], embedding)
    weight = embedding if name is None or tied else tensors[name]
    return Decoder(weight, torch.zeros(n_token) if bias is None else tensors[bias]), (name, bias)


def _caution(path: Path, used: tuple[str | None, str | None]) -> str | None:
    """Return what to tell of a decoder whose weight is not in the file."""
    name, bias = used
    if name is not None:
        return None
    has = "neither weight nor bias of a decoder" if bias is None else f"the bias of a decoder ({bias}), but no weight"
    return (
        f"{path} has {has}, so the embedding is taken for its weight, as in a tied model. If the file is of a model "
        "with a decoder of its own, that is missing: set inference.surprisal: false."
    )


def _stem(name: str) -> str:
    return name.removesuffix("weight")


def _find_adaptive(path: Path, tensors: Mapping[str, Tensor], size: int) -> tuple[AdaptiveDecoder | None, set[str]]:
    """Return the adaptive softmax, if there is one, and the names that are its."""
    tails = {name: match for name in tensors if (match := _TAIL.fullmatch(name))}
    prefixes = {match["prefix"] for match in tails.values()}
    if len(prefixes) != 1:
        return None, set()
    prefix = prefixes.pop()
    n = 1 + max(int(match["cluster"]) for match in tails.values())
    head, bias = f"{prefix}head.weight", f"{prefix}head.bias"
    names = [head, *(f"{prefix}tail.{k}.{part}.weight" for k in range(n) for part in (0, 1))]
    missing = [name for name in names if name not in tensors]
    if missing:
        raise UserError(f"{path} has an adaptive softmax without {', '.join(missing)}; the file is incomplete.")
    _check_adaptive(path, {name: tensors[name] for name in names}, names, size)
    found = AdaptiveDecoder(
        tensors[head],
        tensors.get(bias, torch.zeros(len(tensors[head]))),
        tuple((tensors[a], tensors[b]) for a, b in zip(names[1::2], names[2::2], strict=True)),
    )
    if found.head_bias.shape != (len(found.head),):
        raise UserError(f"{path}: {bias} has shape {tuple(found.head_bias.shape)}, but ({len(found.head)},) is needed.")
    return found, {*names, bias}


def _check_adaptive(path: Path, tensors: Mapping[str, Tensor], names: Sequence[str], size: int) -> None:
    n_cluster = len(names) // 2
    for name in names:
        tensor = tensors[name]
        second = name.endswith(".1.weight") and name != names[0]
        inputs = len(tensors[names[names.index(name) - 1]]) if second else size
        if tensor.ndim != 2 or tensor.shape[1] != inputs or len(tensor) < 1:
            raise UserError(
                f"{path}: {name} has shape {tuple(tensor.shape)}, but an adaptive softmax over {size} neurons needs "
                f"(rows, {inputs}) there."
            )
    if len(tensors[names[0]]) <= n_cluster:
        raise UserError(
            f"{path}: {names[0]} has {len(tensors[names[0]])} rows, too few for {n_cluster} clusters and a token."
        )
