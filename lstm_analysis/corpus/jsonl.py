"""JSON lines, a sentence a line: ``{"document": NAME, "tokens": [...], "spans": [{"concept", "tokens", "value"}]}``."""

import json
from collections.abc import Iterator
from typing import Any

from ..errors import UserError
from .files import DocumentNames
from .reader import Reader, Text
from .sentences import Mark, Sentence


def read(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield the sentences of a file of JSON lines with their marked spans; other keys of a line are ignored.

    Raises
    ------
    UserError
        If a line is not such an object, naming file, line and what is wrong.
    """
    for i, line in enumerate(text.lines(), 1):
        if line.strip():
            try:
                yield _sentence(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
                raise UserError(
                    f"{text.place(i)}: expected an object with 'document' and 'tokens' (a list of strings) and "
                    f"optional 'spans'; {what}. Mend the line."
                ) from None


read_jsonl = Reader(read, cut="line")


def _sentence(entry: dict[str, Any]) -> Sentence:
    tokens = entry["tokens"]
    if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
        raise ValueError("'tokens' is not a list of non-empty strings")
    if not tokens:
        raise ValueError("'tokens' is empty")
    for text in (*tokens, str(entry["document"])):
        _refuse_surrogate(text)
    marks = [_mark(span, len(tokens)) for span in entry.get("spans", [])]
    return Sentence(str(entry["document"]), tokens, {}, marks)


def _refuse_surrogate(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{text!a} has half a surrogate pair at character {error.start}, which is no text") from None


def _mark(span: dict[str, Any], n_token: int) -> Mark:
    indices, value = tuple(span["tokens"]), span.get("value", 1)
    if not indices or not all(type(i) is int and 0 <= i < n_token for i in indices):
        raise ValueError(f"the span of {span.get('concept')!r} marks tokens {list(indices)} of a sentence of {n_token}")
    if value not in (0, 1):
        raise ValueError(f"the span of {span.get('concept')!r} has value {value!r}; only 1 and 0 have a meaning")
    return Mark(str(span["concept"]), indices, int(value))
