"""Safetensors checkpoints: ours, and any state dict with the classic names."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ...conversion import convert
from ...disk import write_whole
from ...errors import UsageError, UserError
from ...vocabulary import Normalisation, Vocabulary
from ..model import LanguageModel
from .checkpoint import Checkpoint
from .naming import STATES_ONLY, named_weights
from .vocabulary_file import ordered_tokens


def read_safetensors(path: Path) -> Checkpoint:
    """Read tensors and metadata; the metadata keys ``vocabulary``, ``normalisation`` and ``tokenizer`` hold JSON."""
    try:
        with safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except SafetensorError as error:
        raise UserError(f"{path} is not a whole safetensors file ({error}). Copy or save it again.") from None
    _put_back(tensors, metadata)
    states_only = metadata.pop(STATES_ONLY, None) is not None
    vocabulary, normalisation = metadata.pop("vocabulary", None), metadata.pop("normalisation", None)
    try:
        tokens = None if vocabulary is None else json.loads(vocabulary)
        rules = None
        if normalisation is not None:
            rules = convert(json.loads(normalisation), Normalisation, "metadata", "normalisation")
    except (ValueError, UsageError) as error:
        raise UserError(
            f"The metadata of {path} is not understood ({str(error).rstrip('.')}): 'vocabulary' must be a JSON list of "
            "tokens, 'normalisation' a JSON map with 'lower_case', 'number', 'unknown', 'end_of_sentence' and "
            "'literals'. Save the file again without them."
        ) from None
    if tokens is not None:
        tokens = ordered_tokens(tokens, f"The vocabulary inside {path}")
    tokenizer = metadata.pop("tokenizer", None)
    return Checkpoint(tensors, tokens, rules, metadata, states_only, tokenizer=tokenizer)


def _put_back(tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Put back the second names of tied matrices, which are stored once.

    The library's ``save_model`` says in the metadata which name a left out one is the same as; our files leave out the
    weight of a tied decoder.
    """
    for name in [name for name, kept in metadata.items() if kept in tensors and name not in tensors]:
        tensors[name] = tensors[metadata.pop(name)]
    if "normalisation" in metadata and {"encoder.weight", "decoder.bias"} <= set(tensors):
        tensors.setdefault("decoder.weight", tensors["encoder.weight"])


def save_weights(
    path: Path, tensors: Mapping[str, Tensor], vocabulary: Vocabulary, metadata: Mapping[str, str], dtype: torch.dtype
) -> None:
    """Write weights, vocabulary and metadata as one safetensors file, in one step; the same make the same bytes."""
    header = {**metadata, **_vocabulary_header(vocabulary)}
    path.parent.mkdir(parents=True, exist_ok=True)
    found = save({name: _converted(name, tensor, dtype) for name, tensor in tensors.items()}, header)
    write_whole(path, _in_order(found))


def _vocabulary_header(vocabulary: Vocabulary) -> dict[str, str]:
    """Return all that a vocabulary is; what it has not is left out, so that the file's bytes stay what they were."""
    rules = asdict(vocabulary.normalisation)
    for name in ("unknown", "end_of_sentence"):
        if rules[name] is None:
            del rules[name]
    if not rules["literals"]:
        del rules["literals"]
    header = {"vocabulary": json.dumps(vocabulary.tokens), "normalisation": json.dumps(rules)}
    return header if vocabulary.tokenizer is None else {**header, "tokenizer": vocabulary.tokenizer}


def _in_order(file: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted by name: the library's order changes from call to call."""
    stop = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:stop])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + file[stop:]


def _converted(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    found = tensor.detach().to(dtype).contiguous()
    if not torch.isfinite(found).all():
        raise UserError(
            f"The weight {name} reaches {float(tensor.abs().max()):g}, which {str(dtype).removeprefix('torch.')} "
            "cannot hold. Save in float32."
        )
    return found


def save_model(model: LanguageModel, path: str | Path, dtype: Literal["float32", "float16"] = "float32") -> None:
    """Write a model as one safetensors file with its vocabulary, in one step.

    Parameters
    ----------
    model
        Any model that `load_model` gives.
    path
        The file to write.
    dtype
        Of the weights: in ``float32`` what is read back has the same digest.

    Raises
    ------
    UserError
        If a weight is too large for the type.
    """
    mark = {STATES_ONLY: "no decoder reads the top layer's h alone"} if model.decoder is None else {}
    metadata = {**model.metadata, **mark}
    save_weights(Path(path), named_weights(model), model.vocabulary, metadata, getattr(torch, dtype))
