"""Words to the pieces that a model reads: characters, bytes, or those of a tokenizer.

The text of a sentence is its words joined by one blank, and the sentences of a document are one running text. The
blank before a word is a piece of that word, not of the one before: after a word's last piece the model has read the
word and nothing more. An end symbol follows its word without a blank, and no blank follows it.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from .errors import UsageError, UserError
from .vocabulary import END_NAMES, Vocabulary

BLANKS = " \n"
NEWLINE = "\n"
SPELLED = ("char", "byte")
"""Levels of vocabularies that every text can be spelled in."""
MOST_KEPT = 1 << 17
"""Words with the white space before them whose rows are kept: there are far more of these than of words."""


class Pieces(NamedTuple):
    """The pieces of some words.

    Every piece is one of a word; a piece that covers several words is one of each.

    Parameters
    ----------
    ids
        Rows of the vocabulary.
    first, last
        Index in ``ids`` of each word's first and last piece. Both never decrease.
    goes_on
        Whether a blank stands before the word that comes next: not after an end symbol.
    """

    ids: list[int]
    first: list[int]
    last: list[int]
    goes_on: bool

    @property
    def words(self) -> list[int]:
        """Index of the word of each piece; of several words the last."""
        found = [0] * len(self.ids)
        for word, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            found[first : last + 1] = [word] * (last + 1 - first)
        return found


class Segmenter(Protocol):
    """Cuts words into the pieces that a model reads."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The rows that the pieces are."""

    def segment(self, words: Sequence[str], goes_on: bool = False) -> Pieces:
        """Return the pieces of some words in a row.

        Parameters
        ----------
        words
            Surface forms, end symbols among them.
        goes_on
            Whether a blank stands before the first word, because a word of the same document comes before it.

        Raises
        ------
        UserError
            If a word is empty, begins or ends with a blank, or cannot be written in the vocabulary's pieces.
        """


class ExactSegmenter(Segmenter, Protocol):
    """Spells words with the white space before them, nothing left out."""

    def segment_exactly(self, words: Sequence[str], before: Sequence[str]) -> Pieces:
        """Return every character of a text: of each word, and of the white space before it.

        Parameters
        ----------
        words
            Surface forms; a line's end is a word of its own.
        before
            White space before each word, whose piece it is.
        """


def segmenter(vocabulary: Vocabulary) -> Segmenter | None:
    """Return what cuts words into the rows of a vocabulary; ``None`` if its rows are words.

    Raises
    ------
    UserError
        If the vocabulary has a tokenizer, and the package ``tokenizers`` is missing or does not understand it.

    >>> cut = segmenter(Vocabulary((" ", "a", "b", "<unk>")))
    >>> cut.segment(["ab", "b"])
    Pieces(ids=[1, 2, 0, 2], first=[0, 2], last=[1, 3], goes_on=True)
    """
    if vocabulary.level == "word":
        return None
    if vocabulary.level == "subword":
        from .hugging_face import TokenizerSegmenter

        return TokenizerSegmenter(vocabulary)
    return Speller(vocabulary)


class Speller:
    """Spells words in characters or in the bytes of UTF-8; each distinct word is spelled once.

    Parameters
    ----------
    vocabulary
        Rows that are characters or bytes.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._blank = vocabulary.encode([" "]).tolist()
        self._spelled: dict[str, tuple[bool, list[int]]] = {}
        self._kept: dict[str, list[int]] = {}

    def segment(self, words: Sequence[str], goes_on: bool = False) -> Pieces:
        """Return the pieces of some words in a row, as `Segmenter.segment` says."""
        ids: list[int] = []
        first: list[int] = []
        last: list[int] = []
        for word in words:
            found = self._spelled.get(word)
            is_end, spelled = found if found is not None else self._spell(word)
            first.append(len(ids))
            ids += spelled if goes_on or is_end else spelled[1:]
            last.append(len(ids) - 1)
            goes_on = not is_end
        return Pieces(ids, first, last, goes_on)

    def segment_exactly(self, words: Sequence[str], before: Sequence[str]) -> Pieces:
        """Return every character of a text, as `ExactSegmenter.segment_exactly` says."""
        ids: list[int] = []
        first: list[int] = []
        last: list[int] = []
        for word, blanks in zip(words, before, strict=True):
            text = blanks + word
            spelled = self._kept.get(text)
            first.append(len(ids))
            ids += self._keep(text) if spelled is None else spelled
            last.append(len(ids) - 1)
        return Pieces(ids, first, last, goes_on=False)

    def _keep(self, text: str) -> list[int]:
        """Return the rows of each character of a text, looked up alone, and keep them."""
        rows = [self._line_end() if character == NEWLINE else self._rows(character) for character in text]
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[text] = found = [row for of_character in rows for row in of_character]
        return found

    def _line_end(self) -> list[int]:
        """Return the row of a line's end: the newline, or the end symbol of a vocabulary that has none."""
        end = self.vocabulary.end_of_sentence
        if end is None or NEWLINE in self.vocabulary.tokens:
            return self._rows(NEWLINE)
        return [end_row(end, self.vocabulary)]

    def _spell(self, word: str) -> tuple[bool, list[int]]:
        """Return whether a word is an end symbol, and its rows, those of other words after a blank."""
        is_end = word == self.vocabulary.end_of_sentence or word in END_NAMES
        if is_end:
            found = (True, [end_row(word, self.vocabulary)])
        else:
            found = (False, self._blank + self._rows(require_word(word)))
        self._spelled[word] = found
        return found

    def _rows(self, word: str) -> list[int]:
        if self.vocabulary.level == "byte":
            return list(self.vocabulary.normalisation.apply(word).encode())
        rows: list[int] = self.vocabulary.encode(list(word)).tolist()
        return rows


def require_speller(segmenter: Segmenter) -> ExactSegmenter:
    """Return what spells characters or bytes.

    Raises
    ------
    UserError
        If it is a tokenizer.
    """
    if hasattr(segmenter, "segment_exactly"):
        return cast(ExactSegmenter, segmenter)
    raise UserError(not_characters("pieces of a tokenizer"))


def require_characters(vocabulary: Vocabulary) -> None:
    """Refuse a model that cannot read every character of a text.

    Raises
    ------
    UsageError
        If its vocabulary's rows are neither characters nor bytes.
    """
    if vocabulary.level not in SPELLED:
        rows = "words" if vocabulary.level == "word" else "pieces of a tokenizer"
        shown = ", ".join(repr(token) for token in vocabulary.tokens[-3:])
        raise UsageError(not_characters(f"{rows} ({len(vocabulary)} of them, such as {shown})"))


def not_characters(rows: str) -> str:
    """Return what to say of a model whose rows are no characters."""
    return (
        f"The model reads {rows}, and the corpus is to be read character by character (corpus.level: char). Give a "
        "model of characters, among them the blank, or of bytes; or read words (corpus.level: word)."
    )


def end_row(word: str, vocabulary: Vocabulary) -> int:
    """Return the row of an end symbol.

    Raises
    ------
    UserError
        If the vocabulary has none.
    """
    if vocabulary.end_of_sentence is None:
        raise UserError(
            f"The corpus has the end symbol {word!r}, but the model's vocabulary has none. Read the corpus with "
            "end_of_sentence: null."
        )
    (row,) = vocabulary.encode([word])
    return int(row)


def require_word(word: str) -> str:
    """Return a word that can be joined to others by blanks; blanks inside it are part of it.

    Raises
    ------
    UserError
        If it is empty, begins or ends with a blank, or is no text.
    """
    if not word or word != word.strip(BLANKS):
        raise UserError(
            f"The corpus has the word {word!r}, but the model reads words joined by blanks, so a word cannot be empty "
            "or begin or end with a blank. Where the tokens of the corpus are characters, give the words instead: "
            "with corpus.unit: token each character has its own row."
        )
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"The word {word!a} of the corpus has half a surrogate pair at character {error.start}, which is no text. "
            "Mend the corpus."
        ) from None
    return word
