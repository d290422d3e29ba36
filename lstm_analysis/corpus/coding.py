"""Sentences as numbers: codes of their words, annotations and marks, counted from the first of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..segmentation import Pieces
from .piece_columns import PieceColumns, Unit
from .sentences import Sentence

Integers = NDArray[np.int32]
AT_ONCE = 1 << 16
"""Words that are looked up in one go."""


class Codes(dict[str, int]):
    """A growing dictionary code: a new name gets the next number."""

    def __missing__(self, name: str) -> int:
        self[name] = code = len(self)
        return code

    def of(self, names: Sequence[str]) -> Integers:
        """Return the codes of names, in their order."""
        return np.fromiter(map(self.__getitem__, names), np.int32, len(names))


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
    mark_word, mark_concept, mark_value
        Index of each marked word, code of the concept, and 1 or 0, dims (mark).
    pieces
        For a model that reads pieces of words.
    """

    n_word: Integers
    document: Integers
    type_id: Integers
    annotations: Mapping[str, Integers]
    mark_word: Integers
    mark_concept: Integers
    mark_value: Integers
    pieces: CodedPieces | None = None

    @cached_property
    def word_start(self) -> NDArray[np.int64]:
        """First word of each sentence, and the end, dims (sentence)."""
        return _starts(self.n_word)

    @cached_property
    def piece_start(self) -> NDArray[np.int64]:
        """First piece of each sentence, and the end, dims (sentence)."""
        assert self.pieces is not None
        return _starts(self.pieces.n_piece)

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
        within = np.arange(n.sum()) - np.repeat(_starts(n)[:-1], n)
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


def _starts(lengths: Integers) -> NDArray[np.int64]:
    found = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=found[1:])
    return found


@dataclass
class _Pending:
    """What the sentences since the last `Coder.take` have, as far as it is not yet looked up."""

    n_word: list[int] = field(default_factory=list)
    document: list[int] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    annotations: dict[str, list[str]] = field(default_factory=dict)
    mark_word: list[int] = field(default_factory=list)
    mark_concept: list[int] = field(default_factory=list)
    mark_value: list[int] = field(default_factory=list)
    pieces: list[Pieces] = field(default_factory=list)
    type_ids: list[Integers] = field(default_factory=list)
    annotation_ids: dict[str, list[Integers]] = field(default_factory=dict)
    n_looked_up: int = 0


class Coder:
    """Turns sentences into `Coded`, and keeps the tables of the codes.

    Parameters
    ----------
    end_of_sentence
        Symbol appended to each sentence, ``None`` for none.
    pieces
        How words are cut for a model that reads pieces.
    """

    def __init__(self, end_of_sentence: str | None, pieces: PieceColumns | None) -> None:
        self.types, self.marked_concepts = Codes(), Codes()
        self.annotations: dict[str, Codes] = {}
        self.documents: list[str] = []
        self.n_sentence = 0
        self.goes_on = False
        """Whether a blank stands before the next word, if it is one of the same document."""
        self._end = [] if end_of_sentence is None else [end_of_sentence]
        self._cut = pieces
        self._pending, self._n_pending = _Pending(), 0

    @property
    def n_row(self) -> int:
        """Rows along ``time`` since the last `take`."""
        return self._n_pending

    def measure(self, sentence: Sentence) -> int:
        """Return how many rows along ``time`` the next sentence has; nothing is added yet."""
        if self._cut is None:
            return len(sentence.tokens) + len(self._end)
        begins = not self.documents or self.documents[-1] != sentence.document
        self._pieces = self._cut.segmenter.segment([*sentence.tokens, *self._end], self.goes_on and not begins)
        return len(self._pieces.first if self._cut.unit == "word" else self._pieces.ids)

    def add(self, sentence: Sentence, n_row: int) -> None:
        """Add the sentence that was measured.

        Raises
        ------
        UserError
            If it has other annotation columns than the first one.
        """
        pending = self._pending
        if sentence.annotations or self.annotations or not self.n_sentence:
            self._annotate(sentence)
        if not self.documents or self.documents[-1] != sentence.document:
            self.documents.append(sentence.document)
        at = pending.n_looked_up + len(pending.forms)
        for mark in sentence.marks:
            pending.mark_word += [at + i for i in mark.tokens]
            pending.mark_concept += [self.marked_concepts[mark.concept]] * len(mark.tokens)
            pending.mark_value += [mark.value] * len(mark.tokens)
        pending.forms += sentence.tokens
        pending.forms += self._end
        pending.n_word.append(len(sentence.tokens) + len(self._end))
        pending.document.append(len(self.documents) - 1)
        if self._cut is not None:
            pending.pieces.append(self._pieces)
            self.goes_on = self._pieces.goes_on
        self.n_sentence += 1
        self._n_pending += n_row
        if len(pending.forms) >= AT_ONCE:
            self._look_up()

    def _annotate(self, sentence: Sentence) -> None:
        if not self.n_sentence:
            self.annotations = {name: Codes() for name in sentence.annotations}
        if sentence.annotations.keys() != self.annotations.keys():
            raise other_columns(sentence.document, sentence.annotations, self.annotations)
        empty = [""] * len(self._end)
        for name, values in sentence.annotations.items():
            self._pending.annotations.setdefault(name, []).extend((*values, *empty))

    def _look_up(self) -> None:
        pending = self._pending
        pending.type_ids.append(self.types.of(pending.forms))
        for name, codes in self.annotations.items():
            pending.annotation_ids.setdefault(name, []).append(codes.of(pending.annotations.pop(name, [])))
        pending.n_looked_up += len(pending.forms)
        pending.forms = []

    def take(self) -> Coded:
        """Return, once, the sentences added since the last call."""
        self._look_up()
        pending, self._pending, self._n_pending = self._pending, _Pending(), 0
        lists = (pending.n_word, pending.document, pending.mark_word, pending.mark_concept, pending.mark_value)
        n_word, document, words, concepts, values = (np.array(found, np.int32) for found in lists)
        annotations = {name: np.concatenate(parts) for name, parts in pending.annotation_ids.items()}
        pieces = None if self._cut is None else code_pieces(pending.pieces)
        types = np.concatenate(pending.type_ids)
        return Coded(n_word, document, types, annotations, words, concepts, values, pieces)


def code_pieces(sentences: Sequence[Pieces]) -> CodedPieces:
    """Return the pieces of some sentences as numbers."""

    def joined(parts: Iterator[Sequence[int]], lengths: Sequence[int], offsets: Sequence[int]) -> Integers:
        flat = np.fromiter((i for part in parts for i in part), np.int32, sum(lengths))
        return flat + np.repeat(_starts(np.array(offsets, np.int32))[:-1], lengths).astype(np.int32)

    n_piece, n_word = [len(found.ids) for found in sentences], [len(found.first) for found in sentences]
    return CodedPieces(
        np.array(n_piece, np.int32),
        joined((found.ids for found in sentences), n_piece, [0] * len(n_piece)),
        joined((found.first for found in sentences), n_word, n_piece),
        joined((found.last for found in sentences), n_word, n_piece),
        joined((found.words for found in sentences), n_piece, n_word),
    )


def other_columns(document: str, found: Mapping[str, object], wanted: Mapping[str, object]) -> UserError:
    """Return the error for a document whose annotation columns are not those of the corpus."""
    return UserError(
        f"The document {document!r} has the annotation columns {sorted(found)}, the first sentence of the corpus has "
        f"{sorted(wanted)}. All files of a corpus need the same columns."
    )
