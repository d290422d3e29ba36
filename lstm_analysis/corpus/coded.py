"""Sentences as numbers: what a part of a corpus is once its words are codes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .piece_columns import Unit

Integers = NDArray[np.int32]


@dataclass(frozen=True)
class CodedPieces:
    """The pieces of some sentences.

    Parameters
    ----------
    n_piece
        Of each sentence, dims (sentence).
    piece_id
        Rows of the vocabulary, dims (piece).
    first, last
        Index on ``piece`` of each word's first and last piece, dims (word).
    word
        Index of the word of each piece, dims (piece).
    """

    n_piece: Integers
    piece_id: Integers
    first: Integers
    last: Integers
    word: Integers


@dataclass(frozen=True)
class Coded:
    """Some sentences in a row as numbers.

    Parameters
    ----------
    n_word
        Words of each sentence, end symbol included, dims (sentence).
    document
        Index of its document in the coder's list, dims (sentence).
    type_id
        Codes of the words, dims (word).
    annotations
        Codes of each annotation column, dims (word).
    numbers
        Each column of numbers, dims (word).
    mark_word, mark_concept, mark_value
        Index of each marked word, code of the concept, and 1 or 0, dims (mark).
    pieces
        For a model that reads pieces of words.
    """

    n_word: Integers
    document: Integers
    type_id: Integers
    annotations: Mapping[str, Integers]
    numbers: Mapping[str, Integers]
    mark_word: Integers
    mark_concept: Integers
    mark_value: Integers
    pieces: CodedPieces | None = None

    @cached_property
    def word_start(self) -> NDArray[np.int64]:
        """First word of each sentence, and the end, dims (sentence)."""
        return starts(self.n_word)

    @cached_property
    def piece_start(self) -> NDArray[np.int64]:
        """First piece of each sentence, and the end, dims (sentence)."""
        assert self.pieces is not None
        return starts(self.pieces.n_piece)

    def start(self, unit: Unit) -> NDArray[np.int64]:
        """Return the first row on ``time`` of each sentence, and the end, dims (sentence)."""
        return self.word_start if unit == "word" else self.piece_start

    def marked_rows(self, unit: Unit) -> tuple[NDArray[np.int64], Integers, Integers]:
        """Return row on ``time``, concept and value of each marked row: a word, or each of its pieces."""
        if unit == "word":
            return self.mark_word.astype(np.int64), self.mark_concept, self.mark_value
        assert self.pieces is not None
        first, last = self.pieces.first[self.mark_word], self.pieces.last[self.mark_word]
        n = last - first + 1
        within = np.arange(n.sum()) - np.repeat(starts(n)[:-1], n)
        return np.repeat(first, n) + within, np.repeat(self.mark_concept, n), np.repeat(self.mark_value, n)

    def sentences(self, start: int, stop: int) -> "Coded":
        """Return the sentences ``[start, stop)``, counted from the first of them."""
        words = slice(*self.word_start[[start, stop]].tolist())
        marks = slice(*np.searchsorted(self.mark_word, [words.start, words.stop]).tolist())
        return Coded(
            self.n_word[start:stop],
            self.document[start:stop],
            self.type_id[words],
            {name: codes[words] for name, codes in self.annotations.items()},
            {name: column[words] for name, column in self.numbers.items()},
            self.mark_word[marks] - np.int32(words.start),
            self.mark_concept[marks],
            self.mark_value[marks],
            self._pieces_of(start, stop, words),
        )

    def _pieces_of(self, start: int, stop: int, words: slice) -> CodedPieces | None:
        if self.pieces is None:
            return None
        at = slice(*self.piece_start[[start, stop]].tolist())
        return CodedPieces(
            self.pieces.n_piece[start:stop],
            self.pieces.piece_id[at],
            self.pieces.first[words] - np.int32(at.start),
            self.pieces.last[words] - np.int32(at.start),
            self.pieces.word[at] - np.int32(words.start),
        )

    def with_head(self, head: CodedPieces) -> "Coded":
        """Return the sentences with other pieces of the first one."""
        assert self.pieces is not None
        rest = self.sentences(1, len(self.n_word)).pieces
        assert rest is not None
        n_piece, n_word = np.int32(len(head.piece_id)), np.int32(len(head.first))
        joined = CodedPieces(
            np.concatenate([head.n_piece, rest.n_piece]),
            np.concatenate([head.piece_id, rest.piece_id]),
            np.concatenate([head.first, rest.first + n_piece]),
            np.concatenate([head.last, rest.last + n_piece]),
            np.concatenate([head.word, rest.word + n_word]),
        )
        return replace(self, pieces=joined)


def starts(lengths: Integers) -> NDArray[np.int64]:
    """Return where each of some things in a row begins, and the end, from their lengths."""
    found = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=found[1:])
    return found
