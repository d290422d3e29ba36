"""What a reader is: how it finds its texts, where it may cut them, and how it reads one."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .files import DocumentNames, count_lines, display, document_names, expand, is_packed, read_lines
from .sentences import PLAIN_JAVA, JavaOptions, Sentence, Source

log = logging.getLogger(__name__)
Cut = Literal["line", "blank line"]


class Member(NamedTuple):
    """A file in an archive.

    Parameters
    ----------
    name
        Its name there.
    stamp
        What tells the archive from a later one at the same place.
    """

    name: str
    stamp: str


class Remark(NamedTuple):
    """What a reader has to say of a text that it reads all the same."""

    text: str


@dataclass(frozen=True)
class Text:
    """A file of a corpus, or a piece of it.

    Parameters
    ----------
    file
        Path or URL; what a packaged corpus calls a text of its own.
    name
        Name of the document that the file is.
    start, stop
        Its bytes, each the beginning of a line; ``None`` for all to the end.
    split
        Whether it is running text, to be cut into sentences.
    document
        Name of the document that goes on at ``start``, where it is not that of the file.
    lines_before
        Lines of the file before ``start``; ``None`` if nobody has counted them.
    n_byte
        Size of a text that is no file.
    member
        The file in the archive ``file`` that it is, ``None`` for the whole file.
    java
        How Java is read.
    """

    file: str
    name: str
    start: int = 0
    stop: int | None = None
    split: bool = False
    document: str | None = None
    lines_before: int | None = None
    n_byte: int | None = None
    member: Member | None = None
    java: JavaOptions = PLAIN_JAVA

    @property
    def whole(self) -> bool:
        """Whether it must be read from its beginning to its end."""
        return self.split or is_packed(self.file)

    def lines(self) -> Iterator[str]:
        """Yield its lines without their line ends."""
        return read_lines(self.file, self.start, self.stop)

    def line_number(self, i: int) -> int:
        """Return the number in the file of its line ``i``, which counts from 1."""
        return i + (count_lines(self.file, self.start) if self.lines_before is None else self.lines_before)

    def place(self, i: int) -> str:
        """Return how an error names its line ``i``, which counts from 1."""
        return f"{display(self.file)}, line {self.line_number(i)}"


def file_texts(source: Source) -> list[Text]:
    """Return the files of a source, each a text."""
    files, split = expand(source.paths), source.sentences == "split"
    return [Text(file, name, split=split) for file, name in zip(files, document_names(files), strict=True)]


@dataclass(frozen=True)
class Reader:
    """Reads a format.

    Parameters
    ----------
    read
        Yields the sentences of a text, and remarks on it; what its lines declare as documents are named by the
        `DocumentNames`.
    cut
        Where a file can be cut in two that can be read apart: at any ``line``, or after a ``blank line``.
    texts
        Finds the texts of a source; by default its files.
    declares
        Returns the name of the document that a line begins, ``None`` if it begins none; called with the line, the text
        and the number of the line in it. ``None`` for formats whose lines begin no documents.
    files
        Finds the files that a corpus is made from, which tell it from another; called with paths, and what they are
        for errors.
    """

    read: Callable[[Text, DocumentNames], Iterator[Sentence] | Iterator[Sentence | Remark]]
    cut: Cut | None = None
    texts: Callable[[Source], list[Text]] = file_texts
    declares: Callable[[str, Text, int], str | None] | None = None
    files: Callable[[Sequence[str], str], list[str]] = expand

    def __call__(self, source: Source) -> Iterator[Sentence]:
        """Yield the sentences of a source, one text after the other; remarks are logged."""
        names = DocumentNames()
        for text in self.texts(source):
            names.begin(text.name)
            for found in self.read(text, names):
                if isinstance(found, Remark):
                    log.warning("%s", found.text)
                else:
                    yield found
