"""The characters of a corpus that is read without a model."""

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise

from ..segmentation import Pieces
from ..vocabulary import Vocabulary
from .coding import Codes


class Alphabet:
    """Spells words in characters, which are numbered as they are met."""

    def __init__(self) -> None:
        self._rows = Codes()

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters met so far."""
        return Vocabulary(tuple(self._rows))

    def segment(self, words: Sequence[str], goes_on: bool = False) -> Pieces:
        """Return the characters of some words in a row, without white space between them."""
        return self.segment_exactly(words, [""] * len(words))

    def segment_exactly(self, words: Sequence[str], before: Sequence[str]) -> Pieces:
        """Return every character of a text, as `ExactSegmenter.segment_exactly` says."""
        ends = [0, *accumulate(len(blanks) + len(word) for word, blanks in zip(words, before, strict=True))]
        text = chain.from_iterable(blanks + word for word, blanks in zip(words, before, strict=True))
        bounds = list(pairwise(ends))
        ids = [self._rows[character] for character in text]
        return Pieces(ids, [first for first, _ in bounds], [stop - 1 for _, stop in bounds], goes_on=False)
