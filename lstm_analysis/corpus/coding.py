"""Sentences as numbers: codes of their words, annotations and marks, counted from the first of them."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import UserError
from ..schema import MISSING
from ..segmentation import Pieces, require_speller
from .coded import Coded, CodedPieces, Integers, starts
from .piece_columns import PieceColumns
from .sentences import Sentence

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


@dataclass
class _Pending:
    """What the sentences since the last `Coder.take` have, as far as it is not yet looked up."""

    n_word: list[int] = field(default_factory=list)
    document: list[int] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    annotations: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, "array[int]"] = field(default_factory=dict)
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
        self.numbers: tuple[str, ...] = ()
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
        if sentence.before is not None:
            self._pieces = require_speller(self._cut.segmenter).segment_exactly(sentence.tokens, sentence.before)
        else:
            self._pieces = self._running(sentence)
        return len(self._pieces.first if self._cut.unit == "word" else self._pieces.ids)

    def _running(self, sentence: Sentence) -> Pieces:
        assert self._cut is not None
        begins = not self.documents or self.documents[-1] != sentence.document
        return self._cut.segmenter.segment([*sentence.tokens, *self._end], self.goes_on and not begins)

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
        if sentence.numbers or self.numbers:
            self._number(sentence)
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

    def _number(self, sentence: Sentence) -> None:
        if not self.n_sentence:
            self.numbers = tuple(sentence.numbers)
        if sentence.numbers.keys() != set(self.numbers):
            raise other_columns(sentence.document, sentence.numbers, self.numbers)
        pending = self._pending.numbers
        if not pending:
            pending.update((name, array("i")) for name in self.numbers)
        for name, values in sentence.numbers.items():
            column = pending[name]
            column.extend(values)
            if self._end:
                column.append(MISSING)

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
        numbers = {name: np.array(pending.numbers.get(name, ()), np.int32) for name in self.numbers}
        pieces = None if self._cut is None else code_pieces(pending.pieces)
        types = np.concatenate(pending.type_ids)
        return Coded(n_word, document, types, annotations, numbers, words, concepts, values, pieces)


def code_pieces(sentences: Sequence[Pieces]) -> CodedPieces:
    """Return the pieces of some sentences as numbers."""

    def joined(parts: Iterator[Sequence[int]], lengths: Sequence[int], offsets: Sequence[int]) -> Integers:
        flat = np.fromiter((i for part in parts for i in part), np.int32, sum(lengths))
        return flat + np.repeat(starts(np.array(offsets, np.int32))[:-1], lengths).astype(np.int32)

    n_piece, n_word = [len(found.ids) for found in sentences], [len(found.first) for found in sentences]
    return CodedPieces(
        np.array(n_piece, np.int32),
        joined((found.ids for found in sentences), n_piece, [0] * len(n_piece)),
        joined((found.first for found in sentences), n_word, n_piece),
        joined((found.last for found in sentences), n_word, n_piece),
        joined((found.words for found in sentences), n_piece, n_word),
    )


def other_columns(document: str, found: Iterable[str], wanted: Iterable[str]) -> UserError:
    """Return the error for a document whose columns are not those of the corpus."""
    return UserError(
        f"The document {document!r} has the annotation columns {sorted(found)}, the first sentence of the corpus has "
        f"{sorted(wanted)}. All files of a corpus need the same columns."
    )
