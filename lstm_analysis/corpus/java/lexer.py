"""The lexical structure of Java 17 (JLS 3): where the tokens and comments of a text begin and end, and their kinds."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from . import scanning
from .alphabet import BLANK, DIGIT, LETTER, N_ASCII, character_classes
from .escapes import read_characters
from .scanning import APOSTROPHE, QUOTE, SLASH, STAR, Classes, Codes

KINDS = ("", "keyword", "identifier", "literal", "operator", "separator", "comment")
"""Names of the kinds by number; the first is that of characters that begin no token of Java."""
STRAY, KEYWORD, IDENTIFIER, LITERAL, OPERATOR, SEPARATOR, COMMENT = range(len(KINDS))
UNFINISHED = 8
"""Added to the kind of a literal or comment that does not end."""
AT_ONCE = 1 << 16
"""Tokens that are found in one go."""
SUBSTITUTE = 26
"""A control-Z that ends a text is none of its characters (JLS 3.5)."""


@dataclass(frozen=True)
class Tokens:
    """Tokens and comments of a text in a row: what is between them is white space.

    Parameters
    ----------
    text
        The text.
    start, stop
        First character of each and the one after its last, dims (token).
    kind
        Index in `KINDS`, dims (token).
    sign
        Code point of an operator or separator that is one character, else 0, dims (token).
    n_unfinished
        How many of a kind do not end.
    """

    text: str
    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    kind: NDArray[np.uint8]
    sign: NDArray[np.int32]
    n_unfinished: Counter[str]

    @cached_property
    def forms(self) -> list[str]:
        """Their surface forms."""
        text = self.text
        return [text[start:stop] for start, stop in zip(self.start.tolist(), self.stop.tolist(), strict=True)]

    def without_comments(self) -> "Tokens":
        """Return those that are no comments."""
        kept = self.kind != COMMENT
        if kept.all():
            return self
        return replace(self, start=self.start[kept], stop=self.stop[kept], kind=self.kind[kept], sign=self.sign[kept])


def find_tokens(text: str) -> Tokens:
    """Return the tokens and comments of a Java source.

    Any text will do: a literal that does not end ends with its line, a comment or text block with the text, and a
    character that begins no token is one without a kind. So every character that is not white space belongs to one.

    Keywords are the reserved ones and ``_``; contextual ones (``var``, ``record``, ``yield``) are identifiers. Several
    ``>`` are one operator as in an expression, also at the end of type arguments (``List<List<String>>``).
    """
    characters = read_characters(text)
    code = characters.code
    classes = character_classes(ascii=not len(code) or int(code.max()) < N_ASCII)
    size = min(len(code), AT_ONCE)
    start, stop, kind = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.uint8)
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]] = []
    at = n = 0
    while True:
        n, at = _scan(code, classes, at, start, stop, kind)
        parts.append((start[:n].copy(), stop[:n].copy(), kind[:n].copy()))
        if at == len(code):
            break
    first, end, kinds = (np.concatenate(found) for found in zip(*parts, strict=True))
    single = (end - first == 1) & ((kinds == OPERATOR) | (kinds == SEPARATOR))
    sign = np.where(single, code[first] if len(code) else 0, 0).astype(np.int32)
    numbers, counts = np.unique(kinds[kinds >= UNFINISHED] - UNFINISHED, return_counts=True)
    unfinished = Counter({KINDS[i]: n for i, n in zip(numbers.tolist(), counts.tolist(), strict=True)})
    place = characters.place
    return Tokens(text, place(first), place(end), kinds % UNFINISHED, sign, unfinished)


@compiled
def _scan(
    code: Codes,
    classes: Classes,
    at: int,
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    kind: NDArray[np.uint8],
) -> tuple[int, int]:
    """Find tokens from a place on until the arrays are full; return how many, and the place after them."""
    n, end = 0, len(code)
    while True:
        while at < end and (classes[code[at]] == BLANK or (code[at] == SUBSTITUTE and at + 1 == end)):
            at += 1
        if at == end or n == len(start):
            return n, at
        start[n] = at
        at, kind[n] = _next(code, classes, at)
        stop[n] = at
        n += 1


@compiled
def _next(code: Codes, classes: Classes, at: int) -> tuple[int, int]:
    """Return where the token or comment ends that begins at a place, and its kind."""
    found = classes[code[at]]
    if found == LETTER:
        end = scanning.name_end(code, classes, at)
        word = scanning.word_kind(code, at, end)
        return end, KEYWORD if word == 1 else LITERAL if word == 2 else IDENTIFIER
    after = code[at + 1] if at + 1 < len(code) else np.uint32(0)
    if found == DIGIT or (code[at] == 46 and 48 <= after <= 57):
        return scanning.number_end(code, at), LITERAL
    if code[at] == SLASH and after == SLASH:
        return scanning.line_end(code, at), COMMENT
    if code[at] == SLASH and after == STAR:
        end = scanning.comment_end(code, at + 2)
        return (len(code), COMMENT + UNFINISHED) if end < 0 else (end, COMMENT)
    if code[at] == QUOTE:
        return _string(code, at)
    if code[at] == APOSTROPHE:
        end = scanning.character_end(code, at + 1)
        return (at + 1, STRAY + UNFINISHED) if end < 0 else (end, LITERAL)
    end, separator = scanning.operator_end(code, at)
    if end == at:
        return at + 1, STRAY
    return end, SEPARATOR if separator else OPERATOR


@compiled
def _string(code: Codes, at: int) -> tuple[int, int]:
    if scanning.opens_text_block(code, at):
        end = scanning.text_block_end(code, at + 3)
        return (len(code), LITERAL + UNFINISHED) if end < 0 else (end, LITERAL)
    end = scanning.string_end(code, at + 1)
    return (scanning.line_end(code, at), LITERAL + UNFINISHED) if end < 0 else (end, LITERAL)
