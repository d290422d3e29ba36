"""The columns that a corpus of pieces has beside its usual ones, sentence by sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..segmentation import Pieces, Segmenter, require_speller

Unit = Literal["word", "token"]
Rows = dict[str, list[int]]


@dataclass
class PieceColumns:
    """Cuts sentences into pieces and turns their columns into those that `corpus.pieces` describes.

    Parameters
    ----------
    segmenter
        Cuts words into pieces.
    unit
        What a place on ``time`` is: a ``word``, or a ``token``, which is a piece.
    """

    segmenter: Segmenter
    unit: Unit = "word"
    n_piece: int = 0
    n_word: int = 0
    _pieces: Pieces = field(default=Pieces([], [], [], False), repr=False)
    _beside: Rows = field(default_factory=dict, repr=False)

    def cut(self, forms: Sequence[str], begins: bool, before: Sequence[str] | None = None) -> int:
        """Cut the next sentence; return how many rows it has along ``time``.

        Parameters
        ----------
        forms
            Its words, end symbol included.
        begins
            Whether it is the first of a document.
        before
            White space before each word where characters are read as they stand.
        """
        if before is None:
            self._pieces = self.segmenter.segment(forms, self._pieces.goes_on and not begins)
        else:
            self._pieces = require_speller(self.segmenter).segment_exactly(forms, before)
        return len(forms) if self.unit == "word" else len(self._pieces.ids)

    def add(self, rows: Mapping[str, list[int]]) -> Rows:
        """Return the columns along ``time`` of the sentence that was cut.

        Parameters
        ----------
        rows
            Its columns as those of words: ``type_id``, ``sentence`` and the like.
        """
        ids, words = self._pieces.ids, self._pieces.words
        if self.unit == "word":
            found = {**rows, "token_id": [ids[i] for i in self._pieces.last]}
            found["piece_first"] = [self.n_piece + i for i in self._pieces.first]
            found["piece_last"] = [self.n_piece + i for i in self._pieces.last]
            beside: Mapping[str, list[int]] = {"piece_id": ids}
        else:
            found = {name: [column[i] for i in words] for name, column in rows.items()}
            found |= {"sentence_position": list(range(len(ids))), "sentence_length": [len(ids)] * len(ids)}
            found |= {"token_id": ids, "word": [self.n_word + i for i in words]}
            beside = {f"word_{name}": column for name, column in rows.items() if name != "document"}
        for name, column in beside.items():
            self._beside.setdefault(name, []).extend(column)
        self.n_piece += len(ids)
        self.n_word += len(self._pieces.first)
        return found

    def places(self, word: int) -> range:
        """Return the rows along ``time`` of a word of the sentence that was cut, both counted in the sentence."""
        if self.unit == "word":
            return range(word, word + 1)
        return range(self._pieces.first[word], self._pieces.last[word] + 1)

    def take(self) -> Rows:
        """Return, once, what the sentences added along other dims than ``time``."""
        taken, self._beside = self._beside, {}
        return taken

    @property
    def tables(self) -> dict[str, list[str]]:
        """The tables of names that the columns need."""
        return {"token_name": list(self.segmenter.vocabulary.tokens)} if self.unit == "token" else {}
