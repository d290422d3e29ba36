"""Vocabulary files: a JSON list, a JSON map from token to index, one token a line, or a tokenizer's JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError, UserError
from ...hugging_face import tokenizer_vocabulary
from ...vocabulary import BYTE_NAMES, BYTES, Normalisation, Vocabulary

PADDING = "<pad>"


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
        return Vocabulary(tuple(text.removesuffix("\n").split("\n")), normalisation)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"{what} is not valid JSON ({error}). Mend the file.") from None
    if isinstance(found, Mapping) and isinstance(found.get("model"), Mapping):
        return tokenizer_vocabulary(text, normalisation, what)
    return Vocabulary(tuple(ordered_tokens(found, what)), normalisation)


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
