"""The characters of some lines: what each is, and its place in its word and its line."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..vocabulary import BYTE_NAMES, END_NAMES
from .matching import sentence_bounds
from .source import read_rows

NEWLINE = "\n"
NEITHER, OPENING, CLOSING = 0, 1, 2
OPENING_SIGNS = frozenset(("“", "``"))
CLOSING_SIGNS = frozenset(("”", "''"))
STRAIGHT = '"'
BRACKETS = frozenset("()[]{}")

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


class CharacterRows:
    """The characters ``[start, stop)`` of a corpus, and the others of their lines.

    Characters are those of the words' surface forms, so that what the model does not know is still told apart. White
    space is what stands before a word, and the line's end. Where a row is a byte, it has what its character has.

    Parameters
    ----------
    corpus
        Corpus of characters.
    start, stop
        Rows along ``time``.

    Attributes
    ----------
    asked
        The rows ``[start, stop)`` among those of the lines.
    position, length
        Place in the line and rows of the line, dims (row).
    word
        Index of the row's word among those of the lines, dims (row).
    place, n_place
        Place of the character in its word, negative in the white space before it; characters of the word. Dims (row).
    """

    def __init__(self, corpus: xr.Dataset, start: int, stop: int) -> None:
        self._corpus = corpus
        self._first, self._stop = sentence_bounds(corpus, start, stop)
        self.asked = slice(start - self._first, stop - self._first)
        self.position, self.length = self.number("sentence_position"), self.number("sentence_length")
        word = self.number("word")
        self.word: Places = word - word[0]
        self._begins: Places = np.flatnonzero(np.diff(word, prepend=-1))
        n_row = np.diff(self._begins, append=len(word))
        self._types, self._type_of_word = np.unique(self.number("type_id")[self._begins], return_inverse=True)
        self._place_characters(n_row)

    def _place_characters(self, n_row: Places) -> None:
        forms = self._forms
        names = self._corpus["token_name"].to_numpy().tolist()
        of_bytes = tuple(names) == BYTE_NAMES
        spelled = [[i for i, c in enumerate(form) for _ in range(len(c.encode()) if of_bytes else 1)] for form in forms]
        n_spelled = np.array([len(places) for places in spelled])[self._type_of_word]
        row = np.arange(len(self.word)) - (self._begins + n_row - n_spelled)[self.word]
        offset = np.cumsum([0, *map(len, spelled)])[self._type_of_word][self.word]
        flat = np.array([place for places in spelled for place in places], np.int64)
        self.place: Places = np.where(row < 0, row, flat[offset + np.maximum(row, 0)])
        self.n_place: Places = np.array([len(form) for form in forms])[self._type_of_word][self.word]

    @cached_property
    def _forms(self) -> list[str]:
        """The words' distinct forms; an end symbol is the line's end."""
        types = self._corpus["type"].to_numpy()
        return [NEWLINE if types[i] in END_NAMES else str(types[i]) for i in self._types.tolist()]

    def number(self, name: str) -> Places:
        """Return a column along ``time``, dims (row)."""
        return read_rows(self._corpus, name, self._first, self._stop).astype(np.int64)

    def characters_that(self, test: Callable[[str], bool]) -> Flags:
        """Return which rows are a character of a word that passes a test, dims (row)."""
        forms = self._forms
        passed = np.array([test(character) for form in forms for character in form], bool)
        offset = np.cumsum([0, *map(len, forms)])[self._type_of_word][self.word]
        found: Flags = (self.place >= 0) & passed[offset + np.maximum(self.place, 0)]
        return found

    @cached_property
    def white(self) -> Flags:
        """White space and ends of lines, dims (row)."""
        return (self.place < 0) | self.characters_that(str.isspace)

    @cached_property
    def indentation(self) -> Flags:
        """The white space that a line begins with, dims (row)."""
        begins = np.flatnonzero(self.position == 0)
        n_dark = np.cumsum(~self.white)
        before: Places = np.repeat(n_dark[begins] - ~self.white[begins], np.diff(begins, append=len(n_dark)))
        found: Flags = self.white & (n_dark == before) & ~self.characters_that(NEWLINE.__eq__)
        return found

    @cached_property
    def in_word(self) -> Flags:
        """Characters of words, not signs nor white space, dims (row)."""
        is_word = np.array([form[:1].isalnum() or form[:1] == "_" for form in self._forms], bool)
        found: Flags = (self.place >= 0) & is_word[self._type_of_word][self.word]
        return found

    @cached_property
    def quote(self) -> Places:
        """Of each row whether it is an opening or a closing quotation mark, dims (row).

        A straight mark opens if the word after it in its line is inside as well; at the end of a line, if the word
        before it is not.
        """
        forms, depth = np.array(self._forms, object)[self._type_of_word], self.number("quote_depth")[self._begins]
        line = np.cumsum(self.position == 0)[self._begins]
        after = np.append(np.where(np.diff(line) == 0, depth[1:], -1), -1)
        ahead = np.insert(np.where(np.diff(line) == 0, depth[:-1], -1), 0, -1)
        opens = np.where(after >= 0, after >= depth, ahead < depth)
        kind = np.array([_quote_kind(form) for form in self._forms])[self._type_of_word]
        kind = np.where((forms == STRAIGHT) & (depth >= 0), np.where(opens, OPENING, CLOSING), kind)
        return np.where(self.place >= 0, kind[self.word], NEITHER)

    def is_sign(self, depth: str) -> Flags:
        """Return which rows are themselves quotation marks or brackets, dims (row)."""
        return self.quote != NEITHER if depth == "quote_depth" else self.characters_that(BRACKETS.__contains__)

    def depth(self, name: str) -> Places:
        """Return a depth; of white space before an opening sign the one outside, dims (row)."""
        of_sign = self.quote == OPENING if name == "quote_depth" else self.characters_that("([{".__contains__)
        opens = np.zeros(len(self._begins), np.int64)
        opens[self.word[of_sign & (self.place == 0)]] = 1
        return self.number(name) - np.where(self.place < 0, opens[self.word], 0)


def _quote_kind(form: str) -> int:
    return OPENING if form in OPENING_SIGNS else CLOSING if form in CLOSING_SIGNS else NEITHER
