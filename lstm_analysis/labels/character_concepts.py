"""What characters are and where they stand, as concepts: quotations, brackets, ends of lines and words, kinds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, UserError, nearest
from ..vocabulary import Vocabulary
from .character_rows import CLOSING, OPENING, CharacterRows
from .source import BASELINE, LEFT_OUT, TARGET

Says = Callable[[CharacterRows, int], NDArray[np.bool_]]
VOWELS = frozenset("aeiouAEIOU")


def _kind(test: Callable[[str], bool]) -> Says:
    return lambda rows, n: rows.characters_that(test)


CONCEPTS: dict[str, Says] = {
    "inside quotes": lambda rows, n: rows.depth("quote_depth") > 0,
    "opening quote": lambda rows, n: rows.quote == OPENING,
    "closing quote": lambda rows, n: rows.quote == CLOSING,
    "inside brackets": lambda rows, n: rows.depth("bracket_depth") > 0,
    "line start": lambda rows, n: rows.position < n,
    "line end": lambda rows, n: rows.position >= rows.length - n,
    "indentation": lambda rows, n: rows.indentation,
    "word start": lambda rows, n: rows.in_word & (rows.place == 0),
    "word end": lambda rows, n: rows.in_word & (rows.place == rows.n_place - 1),
    "capital letter": _kind(str.isupper),
    "vowel": _kind(VOWELS.__contains__),
    "digit": _kind(str.isdigit),
    "punctuation": _kind(lambda character: not character.isalnum() and not character.isspace()),
    "white space": lambda rows, n: rows.white,
}
"""What says of rows which of them are targets of a concept; also told how many characters of a line are its start."""
DEPTHS = {"inside quotes": "quote_depth", "opening quote": "quote_depth", "closing quote": "quote_depth",
          "inside brackets": "bracket_depth"}  # fmt: skip
"""The column of numbers that a concept needs."""


@dataclass(frozen=True)
class Characters:
    """Properties of single characters of a corpus of characters.

    Inside quotes and brackets the signs themselves are left out, so that the concept is not that of the signs, and so
    are ends of lines, of which nobody says whether they are inside.

    Parameters
    ----------
    concepts
        Keys of `CONCEPTS`; ``None`` for all that the corpus has the columns for.
    line
        How many characters at either end of a line are its start and its end, the end symbol among them.
    """

    concepts: tuple[str, ...] | None = None
    line: int = 5
    of_words: ClassVar[bool] = False
    default_name: ClassVar[str] = "characters"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the concepts.

        Raises
        ------
        UserError
            If the places of the corpus are no characters, or it lacks a column.
        """
        if "token_name" not in corpus.coords:
            raise UserError(
                "The label source characters labels characters, but the places of this corpus are words. Read it with "
                "corpus.level: char, through a model that reads characters or bytes."
            )
        if not Vocabulary(tuple(corpus["token_name"].to_numpy().tolist())).single_characters:
            raise UserError(
                "The label source characters labels characters, but the places of this corpus are pieces of a "
                "tokenizer. Read it through a model that reads characters or bytes, or leave the source out."
            )
        for concept in self.concepts or ():
            if DEPTHS.get(concept, "word") not in corpus:
                raise UserError(
                    f"The concept {concept!r} needs the column {DEPTHS[concept]!r}, which this corpus lacks. Read the "
                    "corpus with corpus.level: char, or leave the concept out."
                )
        return [name for name in self.concepts or CONCEPTS if DEPTHS.get(name, "word") in corpus]

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the characters ``[start, stop)``, dims (time, concept)."""
        rows = CharacterRows(corpus, start, stop)
        columns = []
        for name in self.names(corpus):
            column = np.where(CONCEPTS[name](rows, self.line), TARGET, BASELINE).astype(np.int8)
            if name.startswith("inside"):
                column[rows.is_sign(DEPTHS[name]) | (rows.number(DEPTHS[name]) < 0)] = LEFT_OUT
            columns.append(column[rows.asked])
        return np.stack(columns, axis=1)


def characters(concepts: Sequence[str] | None = None, line: int = 5) -> Characters:
    """Label characters by what they are and where they stand.

    Parameters
    ----------
    concepts
        Some of ``inside quotes``, ``opening quote``, ``closing quote``, ``inside brackets``, ``line start``,
        ``line end``, ``indentation``, ``word start``, ``word end``, ``capital letter``, ``vowel``, ``digit``,
        ``punctuation``, ``white space``; by default all.
    line
        How many characters at either end of a line are ``line start`` and ``line end``.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If ``concepts`` is no list of these, or ``line`` is below 1.

    >>> characters(["vowel"]).concepts
    ('vowel',)
    """
    if isinstance(line, bool) or not isinstance(line, int) or line < 1:
        raise UsageError(f"line must be a number of characters, at least 1, found {line!r}.")
    if concepts is None:
        return Characters(None, line)
    if isinstance(concepts, str) or not isinstance(concepts, Sequence) or not concepts:
        raise UsageError(f"concepts must be a list, such as [inside quotes, line end], found {concepts!r}.")
    for name in concepts:
        if not isinstance(name, str) or name not in CONCEPTS:
            raise UsageError(f"The label source characters has no concept {name!r}; {nearest(str(name), CONCEPTS)}")
    return Characters(tuple(dict.fromkeys(concepts)), line)
