"""Vocabulary files: a JSON list, a JSON map from token to index, or one token a line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError, UserError


def read_vocabulary(path: Path) -> list[str]:
    """Return the tokens in the order of their indices.

    Raises
    ------
    UserError
        If the file is none of the three.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"The vocabulary {path} cannot be read ({error.strerror}); check model.vocabulary.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"The vocabulary {path} is not valid UTF-8 at byte {error.start}. Convert it first.") from None
    if path.suffix != ".json":
        return text.removesuffix("\n").split("\n")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"The vocabulary {path} is not valid JSON ({error}). Mend the file.") from None
    return ordered_tokens(found, f"The vocabulary {path}")


def ordered_tokens(found: Any, what: str) -> list[str]:
    """Return the tokens of a list, or of a map from token to index, in the order of their indices.

    Raises
    ------
    UserError
        If it is neither; ``what`` begins the message.
    """
    if isinstance(found, Mapping):
        whole = all(type(i) is int for i in found.values()) and set(found.values()) == set(range(len(found)))
        found = sorted(found, key=found.__getitem__) if whole else None
    if isinstance(found, list | tuple) and all(isinstance(token, str) for token in found):
        return list(found)
    raise UserError(f"{what} must be a list of tokens, or a map from each token to one of the indices 0 to n - 1.")
