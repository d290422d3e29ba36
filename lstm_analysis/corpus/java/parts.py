"""Tokens cut further: comments into their words, identifiers into sub-tokens."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...subtokens import split_identifier
from .lexer import COMMENT, IDENTIFIER, Tokens

_WORD = re.compile(r"//+|/\*+|\*+/|\w+(?:['’]\w+)*|([^\w\s])\1*")
_KEPT = 1 << 16
Places = NDArray[np.int32]


class Parts(NamedTuple):
    """Parts of tokens in a row.

    Parameters
    ----------
    owner
        Index of the token that each is a part of, dims (part).
    start, stop
        First character of each and the one after its last, dims (part).
    forms
        Their surface forms, dims (part).
    """

    owner: NDArray[np.intp]
    start: Places
    stop: Places
    forms: list[str]


def cut_tokens(tokens: Tokens, subtokens: bool) -> Parts:
    """Return the parts of tokens: the words of comments, sub-tokens of identifiers if wanted, all others as they are.

    No character but the white space in comments is left out.
    """
    wanted = tokens.kind == COMMENT
    if subtokens:
        wanted |= tokens.kind == IDENTIFIER
    if not wanted.any():
        return Parts(np.arange(len(wanted)), tokens.start, tokens.stop, tokens.forms)
    n_part = np.ones(len(wanted), np.intp)
    spans: list[tuple[int, int]] = []
    starts = tokens.start.tolist()
    for i in np.flatnonzero(wanted).tolist():
        form, at = tokens.forms[i], starts[i]
        found = comment_words(form) if tokens.kind[i] == COMMENT else identifier_parts(form)
        n_part[i] = len(found)
        spans += [(at + start, at + stop) for start, stop in found]
    owner = np.repeat(np.arange(len(wanted)), n_part)
    start, stop = tokens.start[owner], tokens.stop[owner]
    start[wanted[owner]], stop[wanted[owner]] = np.array(spans, np.int32).T
    places = zip(start.tolist(), stop.tolist(), strict=True)
    return Parts(owner, start, stop, [tokens.text[start:stop] for start, stop in places])


def comment_words(comment: str) -> list[tuple[int, int]]:
    """Return the half-open intervals of a comment's words: its marks, words, and runs of any other sign.

    >>> comment = "/** The list's {@code size()}. */"
    >>> [comment[start:stop] for start, stop in comment_words(comment)]
    ['/**', 'The', "list's", '{', '@', 'code', 'size', '(', ')', '}', '.', '*/']
    """
    return [match.span() for match in _WORD.finditer(comment)]


@lru_cache(_KEPT)
def identifier_parts(name: str) -> tuple[tuple[int, int], ...]:
    """Return the half-open intervals of an identifier's parts: its sub-tokens, and what separates them.

    >>> [name[start:stop] for name in ("parseXMLFile2", "MAX_VALUE") for start, stop in identifier_parts(name)]
    ['parse', 'XML', 'File', '2', 'MAX', '_', 'VALUE']
    """
    return tuple(_with_gaps(split_identifier(name), len(name)))


def _with_gaps(spans: Iterable[tuple[int, int]], size: int) -> Iterable[tuple[int, int]]:
    at = 0
    for start, stop in (*spans, (size, size)):
        if start > at:
            yield at, start
        if stop > start:
            yield start, stop
        at = stop
