"""Checkpoints: one file a format, one line each in `FORMATS`."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ...errors import UsageError, UserError
from ...vocabulary import Normalisation, Vocabulary
from ..model import LanguageModel
from .checkpoint import Checkpoint
from .keras_file import read_keras_hdf5, read_keras_zip
from .npz_file import read_npz
from .onnx_file import read_onnx
from .safetensors_file import read_safetensors, save_model
from .state_dict import assemble
from .torch_file import read_torch
from .vocabulary_file import read_vocabulary

__all__ = ["FORMATS", "Checkpoint", "load_model", "save_model"]

FORMATS: dict[str, Callable[[Path], Checkpoint]] = {
    ".safetensors": read_safetensors,
    ".pt": read_torch,
    ".pth": read_torch,
    ".bin": read_torch,
    ".h5": read_keras_hdf5,
    ".hdf5": read_keras_hdf5,
    ".keras": read_keras_zip,
    ".npz": read_npz,
    ".onnx": read_onnx,
}


def load_model(
    path: str | Path,
    vocabulary: str | Path | None = None,
    gates: Literal["sigmoid"] | None = None,
    unknown: str | None = None,
    lower_case: bool | None = None,
    number: str | None = None,
) -> LanguageModel:
    """Load a language model from a checkpoint, without ever unpickling code.

    Parameters
    ----------
    path
        ``.safetensors``; a torch file that holds a state dict (alone or under ``state_dict``); a Keras model or its
        weights; an ``.npz`` of TensorFlow variables; an ONNX file.
    vocabulary
        JSON list, JSON map, one token a line, the ``tokenizer.json`` of a Hugging Face tokenizer, or ``bytes``; by
        default the vocabulary inside the checkpoint.
    gates
        For a file of Keras that holds weights and nothing else: that its gates are ``sigmoid``.
    unknown
        Name of the token that stands for what the vocabulary lacks; by default its ``<unk>`` or the like.
    lower_case, number
        For a file that does not record how its text was normalised: whether words were lower-cased, and the token that
        every number was written as (``N`` in the Penn Treebank convention); by default neither.

    Returns
    -------
    The model on the CPU in float32.

    Raises
    ------
    UserError
        If the file is no such checkpoint, holds another kind of network, NaN, does not fit its vocabulary, or records
        another normalisation than is given.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"The checkpoint {path} is a folder; name the file in it that holds the weights.")
    if not path.is_file():
        raise UsageError(f"The checkpoint {path} does not exist; check model.checkpoint, or train it first.")
    if path.suffix not in FORMATS:
        raise UsageError(f"Unknown checkpoint format {path.suffix!r} of {path}; known are {', '.join(FORMATS)}.")
    checkpoint = FORMATS[path.suffix](path)
    if not checkpoint.gates_known and gates is None:
        raise UserError(
            f"{path} holds weights alone and does not say what its gates are: Keras before 2.3 had hard_sigmoid gates "
            "by default, whose states would be wrong here. If it was trained with recurrent_activation='sigmoid' (the "
            "default since), say so: model.gates: sigmoid, or --gates sigmoid."
        )
    rules = _rules(path, checkpoint.normalisation, unknown, lower_case, number)
    if vocabulary is not None:
        found = read_vocabulary(vocabulary, rules)
    elif checkpoint.tokens is not None:
        found = Vocabulary(tuple(checkpoint.tokens), rules, checkpoint.tokenizer)
    else:
        raise UserError(
            f"The checkpoint {path} has no vocabulary inside. Give one as model.vocabulary: a JSON list, a JSON map "
            "from token to index, a text file with one token a line in the order of the embedding's rows, a Hugging "
            "Face tokenizer.json, or 'bytes' for a model that reads bytes."
        )
    open_ = checkpoint.normalisation is None and found.level in ("word", "char")
    if number is not None and open_ and number not in found.tokens:
        raise UsageError(
            f"Numbers are to be read as {number!r} (model.number, or --number), which is none of the vocabulary's "
            f"{len(found)} tokens. Give the token that numbers are in the text of its training."
        )
    return assemble(path, checkpoint, found)


def _rules(
    path: Path, recorded: Normalisation | None, unknown: str | None, lower_case: bool | None, number: str | None
) -> Normalisation:
    """Return what the checkpoint records, with what it leaves open as it is given."""
    given: dict[str, Any] = {
        name: value for name, value in (("lower_case", lower_case), ("number", number)) if value is not None
    }
    for name, value in given.items():
        if recorded is not None and getattr(recorded, name) != value:
            raise UsageError(
                f"model.{name} is {json.dumps(value)}, but {path} records {name}: "
                f"{json.dumps(getattr(recorded, name))}, as its text was read when it was trained or converted. Remove "
                f"the key, or convert the original file anew with --{name.replace('_', '-')}."
            )
    rules = replace(recorded or Normalisation(), **given)
    return rules if unknown is None else replace(rules, unknown=unknown)
