"""Vocabulary files: a JSON list, a JSON map from token to index, one token a line, or a tokenizer's JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from ...errors import UsageError, UserError
from ...hugging_face import tokenizer_vocabulary
from ...vocabulary import BYTE_NAMES, BYTES, Normalisation, Vocabulary

PADDING = "<pad>"
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_COUNTED = {1: re.compile(rf"\s*\S+\s+{_NUMBER}\s*"), 2: re.compile(rf"\s*{_NUMBER}\s+\S+\s*")}
"""Lines of a word and its count, by the number of the word's column."""


def read_vocabulary(path: str | Path, normalisation: Normalisation) -> Vocabulary:
    """Return the vocabulary of a file, its tokens in the order of their indices.

    Parameters
    ----------
    path
        The file; or ``bytes``, for the 256 bytes.
    normalisation
        How text is matched to it.

    Raises
    ------
    UserError
        If the file is none that is understood.
    """
    if str(path) == BYTES:
        return Vocabulary(BYTE_NAMES, normalisation)
    path, what = Path(path), f"The vocabulary {path}"
    text = _read(path)
    if path.suffix != ".json":
        lines = text.removesuffix("\n").split("\n")
        _refuse_counts(path, lines)
        return Vocabulary(tuple(lines), normalisation)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"{what} is not valid JSON ({error}). Mend the file.") from None
    if isinstance(found, Mapping) and isinstance(found.get("model"), Mapping):
        return tokenizer_vocabulary(text, normalisation, what)
    return Vocabulary(tuple(ordered_tokens(found, what)), normalisation)


def _refuse_counts(path: Path, lines: Sequence[str]) -> None:
    """Refuse a list of words with their counts, none of which would be found in a corpus."""
    for column, pattern in _COUNTED.items():
        if all(map(pattern.fullmatch, lines)):
            raise UserError(
                f"Each line of the vocabulary {path} is a word and a number, as {lines[0]!r}, but one token a line is "
                f"needed, in the order of the embedding's rows. Cut the words out: awk '{{print ${column}}}' "
                f"{quote(path.name)} > {quote(f'{path.stem}-words{path.suffix}')}"
            )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"The vocabulary {path} cannot be read ({error.strerror}); check model.vocabulary.") from None
    except UnicodeDecodeError as error:
        if path.suffix == ".model":
            raise UserError(
                f"The vocabulary {path} is a SentencePiece model, which is not read. Convert it to a tokenizer.json: "
                "AutoTokenizer.from_pretrained(FOLDER).backend_tokenizer.save('tokenizer.json') of the package "
                "transformers."
            ) from None
        raise UserError(f"The vocabulary {path} is not valid UTF-8 at byte {error.start}. Convert it first.") from None


def ordered_tokens(found: Any, what: str) -> list[str]:
    """Return the tokens of a list, or of a map from token to index, in the order of their indices.

    The indices of a map that begins at 1 leave row 0 to padding, as in Keras.

    Raises
    ------
    UserError
        If it is neither; ``what`` begins the message.
    """
    if isinstance(found, Mapping):
        first = 1 if 0 not in found.values() else 0
        whole = all(type(i) is int for i in found.values()) and set(found.values()) == set(
            range(first, len(found) + first)
        )
        found = [PADDING] * first + sorted(found, key=found.__getitem__) if whole else None
    if isinstance(found, list | tuple) and all(isinstance(token, str) for token in found):
        return list(found)
    raise UserError(
        f"{what} must be a list of tokens, or a map from each token to one of the indices 0 to n - 1 (or 1 to n, as in "
        "Keras, where row 0 is for padding)."
    )
