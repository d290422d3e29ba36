"""What every reader yields: one sentence at a time, with its annotation and its marked spans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

Level = Literal["word", "char"]
"""What a corpus is read as: words in sentences, or characters in lines."""


class Mark(NamedTuple):
    """A labelled span: the concept, the marked token indices in the sentence, 1 target or 0 baseline."""

    concept: str
    tokens: tuple[int, ...]
    value: int = 1


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a document.

    Parameters
    ----------
    document
        Name of the document; consecutive sentences of the same name belong together.
    tokens
        Surface forms.
    annotations
        Column name to one value a token.
    marks
        Labelled spans, indices counted in this sentence.
    numbers
        Column name to one whole number a token, `schema.MISSING` for none.
    before
        White space before each token, where characters are read as they stand; ``None`` where words are joined by
        blanks.
    """

    document: str
    tokens: Sequence[str]
    annotations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    numbers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    before: Sequence[str] | None = None


Encoding = Literal["utf-8", "latin-1"]


class JavaOptions(NamedTuple):
    """How Java is read.

    Parameters
    ----------
    comments
        Whether the words of comments are tokens.
    subtokens
        Whether identifiers are cut into their parts.
    structure
        Whether there are columns of a syntax tree.
    encoding
        What a source is that is not UTF-8: an error (``utf-8``), or ``latin-1``.
    """

    comments: bool = False
    subtokens: bool = False
    structure: bool = False
    encoding: Encoding = "utf-8"


PLAIN_JAVA = JavaOptions()


@dataclass(frozen=True)
class Source:
    """Where a reader finds its text, and how running text is cut.

    Parameters
    ----------
    paths
        Paths, globs or fsspec URLs, ``.gz`` and the like are unpacked; empty for a corpus that is a package.
    sentences
        For running text: ``line`` (one sentence a line, tokens between blanks) or ``split`` (the sentence splitter).
    documents
        Glob patterns of the document names to read; empty for all.
    java
        How Java is read.
    level
        ``word``, or ``char``: every character is kept, and a line is a sentence.
    """

    paths: tuple[str, ...] = ()
    sentences: str = "line"
    documents: tuple[str, ...] = ()
    java: JavaOptions = PLAIN_JAVA
    level: Level = "word"

    def wants(self, document: str) -> bool:
        """Whether a document of this name is to be read; a reader may skip the others before it cuts them up."""
        return not self.documents or any(fnmatchcase(document, pattern) for pattern in self.documents)
