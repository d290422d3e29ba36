"""Torch files that hold a state dict, loaded with ``weights_only=True``: no code of the file is ever run."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from .checkpoint import Checkpoint
from .vocabulary_file import ordered_tokens

_GLOBAL = re.compile(r"\bGLOBAL\b|\bclass\b")


def read_torch(path: Path) -> Checkpoint:
    """Read a state dict, alone or in a dict under ``state_dict`` or ``model``, with a vocabulary under ``vocab``."""
    found = _load(path)
    if not isinstance(found, Mapping):
        raise UserError(f"{path} holds a {type(found).__name__}, not a state dict. Save model.state_dict().")
    weights = next((found[key] for key in ("state_dict", "model_state_dict", "model") if key in found), found)
    if not isinstance(weights, Mapping):
        raise UserError(f"{path} holds a {type(weights).__name__} under 'state_dict'. Save model.state_dict().")
    strange = [name for name in weights if not isinstance(name, str)]
    if strange:
        raise UserError(
            f"{path} holds a mapping with the key {strange[0]!r}, not a state dict, whose keys are names of weights. "
            "Save model.state_dict()."
        )
    tensors = {name: value for name, value in weights.items() if isinstance(value, Tensor)}
    tokens = found.get("vocab", found.get("vocabulary"))
    if tokens is not None:
        tokens = ordered_tokens(tokens, f"The vocabulary inside {path}")
    metadata = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, str)}
    return Checkpoint(tensors, tokens, metadata=metadata)


def _load(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch's unpickler raise almost anything
        if isinstance(error, pickle.UnpicklingError) and (_GLOBAL.search(str(error)) or _is_plain_pickle(path)):
            raise UserError(
                f"{path} is a pickled object, not a state dict; unpickling it would run code from the file, so it is "
                "refused. Where you trust it, convert it with the program that made it: "
                f"model = torch.load({path.name!r}, weights_only=False, map_location='cpu'); "
                "weights = {'state_dict': model.state_dict(), 'vocab': corpus.dictionary.idx2word}; "
                "torch.save(weights, 'model.pt'). Without 'vocab' (a list of the tokens in the order of their "
                "indices), name a vocabulary file: model.vocabulary, or --vocabulary."
            ) from None
        found = "" if isinstance(error, pickle.UnpicklingError) else str(error)
        reason = found.partition("\n")[0] or "its bytes are not those of torch.save"
        raise UserError(f"{path} is not a whole torch file ({reason}). Copy or save it again.") from None


def _is_plain_pickle(path: Path) -> bool:
    """Whether a file is what ``pickle.dump`` writes: from the protocol's mark to the stop sign."""
    raw = path.read_bytes()
    return raw[:1] == b"\x80" and raw[-1:] == b"."
