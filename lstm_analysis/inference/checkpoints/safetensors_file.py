"""Safetensors checkpoints: ours, and any state dict with the classic names."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ...errors import UserError
from ...vocabulary import Normalisation, Vocabulary
from ..model import Decoder, LanguageModel
from .state_dict import Checkpoint
from .vocabulary_file import ordered_tokens


def read_safetensors(path: Path) -> Checkpoint:
    """Read tensors and metadata; the metadata keys ``vocabulary`` and ``normalisation`` hold JSON."""
    try:
        with safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except SafetensorError as error:
        raise UserError(f"{path} is not a whole safetensors file ({error}). Copy or save it again.") from None
    vocabulary, normalisation = metadata.pop("vocabulary", None), metadata.pop("normalisation", "{}")
    try:
        tokens = None if vocabulary is None else json.loads(vocabulary)
        rules = Normalisation(**json.loads(normalisation))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"The metadata of {path} is not understood ({error}): 'vocabulary' must be a JSON list of tokens, "
            "'normalisation' a JSON map with 'lower_case' and 'number'. Save the file again without them."
        ) from None
    if tokens is not None:
        tokens = ordered_tokens(tokens, f"The vocabulary inside {path}")
    return Checkpoint(tensors, tokens, rules, metadata)


def save_model(
    path: Path, tensors: Mapping[str, Tensor], vocabulary: Vocabulary, metadata: Mapping[str, str], dtype: torch.dtype
) -> None:
    """Write weights, vocabulary and metadata as one safetensors file, in one step; the same make the same bytes."""
    rules = {"lower_case": vocabulary.normalisation.lower_case, "number": vocabulary.normalisation.number}
    header = {**metadata, "vocabulary": json.dumps(vocabulary.tokens), "normalisation": json.dumps(rules)}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    found = save({name: tensor.detach().to(dtype).contiguous() for name, tensor in tensors.items()}, header)
    try:
        temporary.write_bytes(_in_order(found))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _in_order(file: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted by name: the library's order changes from call to call."""
    stop = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:stop])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + file[stop:]


def save_exactly(path: Path, model: LanguageModel) -> None:
    """Write a loaded model in float32: what is read back has the same digest."""
    assert isinstance(model.decoder, Decoder)
    tensors = {"encoder.weight": model.embedding, "decoder.bias": model.decoder.bias}
    if not model.tied:
        tensors["decoder.weight"] = model.decoder.weight
    for i, layer in enumerate(model.layers):
        tensors |= {
            f"rnn.weight_ih_l{i}": layer.weight_input,
            f"rnn.weight_hh_l{i}": layer.weight_recurrent,
            f"rnn.bias_ih_l{i}": layer.bias,
        }
    save_model(path, tensors, model.vocabulary, model.metadata, torch.float32)
