"""What a study reads: the keys under ``corpus``."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from .errors import UsageError
from .ranges import at_least, known_choices

AUTOMATIC = "automatic"
LATER = ("comments", "subtokens", "structure", "encoding", "level")
"""Keys that came after the first version, so that its runs do not have them."""


@dataclass(frozen=True)
class CorpusConfig:
    """What to read.

    Parameters
    ----------
    format
        Name of a reader.
    path
        Paths, globs or fsspec URLs; relative ones count from the study file.
    sentences
        For text: ``line`` or ``split``.
    unit
        What a place on ``time`` is: a ``word`` of the corpus, or a ``token`` of a model that reads characters, bytes or
        pieces of words.
    documents
        Glob patterns of the documents to read; empty for all.
    limit_tokens
        Read whole sentences up to this many tokens.
    end_of_sentence
        Symbol appended to each sentence; by default that of the model's vocabulary, none for character models.
    comments, subtokens, structure, encoding
        For Java: whether the words of comments are tokens, whether identifiers are cut into their parts, whether there
        are columns of a syntax tree, and what a source is that is not UTF-8: an error (``utf-8``), or ``latin-1``.
    level
        ``word``, or ``char`` for a model that reads characters or bytes: every character of the text is kept, a line is
        a sentence, and a place on ``time`` is a character (``unit`` is ``token``).
    """

    format: str
    path: tuple[str, ...] = ()
    sentences: Literal["line", "split"] = "line"
    unit: Literal["word", "token"] = "word"
    documents: tuple[str, ...] = ()
    limit_tokens: int | None = None
    end_of_sentence: str | None = AUTOMATIC
    comments: bool = False
    subtokens: bool = False
    structure: bool = False
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    level: Literal["word", "char"] = "word"

    def __post_init__(self) -> None:
        known_choices(self, "corpus")
        at_least(1, self, "corpus", "limit_tokens")
        if self.level == "char":
            self._refuse_cutting()
            object.__setattr__(self, "unit", "token")

    def _refuse_cutting(self) -> None:
        """Refuse keys that say how words are cut from a text, of a corpus of characters."""
        refuse_cut_characters(self.level, self.sentences)
        if self.end_of_sentence not in (AUTOMATIC, "\n"):
            raise UsageError(
                f"corpus.end_of_sentence is {self.end_of_sentence!r}, but with corpus.level: char the lines of the "
                "text end as they stand. Remove corpus.end_of_sentence."
            )

    def without_later(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Return the keys as plain types without those that runs of earlier versions do not know, where not given."""
        defaults = {field.name: field.default for field in fields(self) if field.name in LATER}
        return {key: value for key, value in plain.items() if key not in LATER or value != defaults[key]}


def refuse_cut_characters(level: str, sentences: str) -> None:
    """Refuse to cut running text into sentences where characters are read as they stand.

    Raises
    ------
    UsageError
        If both are asked for.
    """
    if level == "char" and sentences == "split":
        raise UsageError(
            "corpus.sentences is split, but with corpus.level: char a line is a sentence and nothing is cut. Remove "
            "corpus.sentences."
        )
