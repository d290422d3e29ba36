"""Torch files that hold a state dict, loaded with ``weights_only=True``: no code of the file is ever run."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from .checkpoint import Checkpoint
from .torch_refusal import refusal
from .vocabulary_file import ordered_tokens


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
        raise refusal(path, error) from None
