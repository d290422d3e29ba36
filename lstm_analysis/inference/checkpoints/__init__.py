"""Checkpoints: one file a format, one line each in `FORMATS`."""

from collections.abc import Callable
from pathlib import Path

from ...errors import UsageError, UserError
from ...vocabulary import Vocabulary
from ..model import LanguageModel
from .safetensors_file import read_safetensors, save_exactly, save_model
from .state_dict import Checkpoint, assemble
from .torch_file import read_torch
from .vocabulary_file import read_vocabulary

__all__ = ["FORMATS", "Checkpoint", "load_model", "save_exactly", "save_model"]

FORMATS: dict[str, Callable[[Path], Checkpoint]] = {
    ".safetensors": read_safetensors,
    ".pt": read_torch,
    ".pth": read_torch,
    ".bin": read_torch,
}


def load_model(path: str | Path, vocabulary: str | Path | None = None) -> LanguageModel:
    """Load a language model from a checkpoint, without ever unpickling code.

    Parameters
    ----------
    path
        ``.safetensors``, or a torch file that holds a state dict (alone or under ``state_dict``).
    vocabulary
        JSON list, JSON map or one token a line; by default the vocabulary inside the checkpoint.

    Returns
    -------
    The model on the CPU in float32.

    Raises
    ------
    UserError
        If the file is no such checkpoint, holds another kind of network, NaN, or does not fit its vocabulary.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"The checkpoint {path} does not exist; check model.checkpoint, or train it first.")
    if path.suffix not in FORMATS:
        raise UsageError(f"Unknown checkpoint format {path.suffix!r} of {path}; known are {', '.join(FORMATS)}.")
    checkpoint = FORMATS[path.suffix](path)
    tokens, normalisation = checkpoint.tokens, checkpoint.normalisation
    if vocabulary is not None:
        tokens = read_vocabulary(Path(vocabulary))
    if tokens is None:
        raise UserError(
            f"The checkpoint {path} has no vocabulary inside. Give one as model.vocabulary: a JSON list, a JSON map "
            "from token to index, or a text file with one token a line in the order of the embedding's rows."
        )
    return assemble(path, checkpoint, Vocabulary(tuple(tokens), normalisation))
