"""Readers whose sentences are lines with all their characters (``corpus.level: char``)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from io import StringIO

from ..segmentation import NEWLINE
from . import sotu
from .characters import joined_sentence, line_sentence, token_lines
from .conllu import read_conllu
from .files import DocumentNames, line_start, placed_lines
from .java.decoding import name_of
from .java.decoding import read_text as read_java_text
from .java.lexer import find_tokens
from .java.reader import read_java, source_columns
from .java.remarks import remark_on
from .jsonl import read_jsonl
from .nesting import Nesting
from .reader import Reader, Remark, Text
from .sentences import Sentence
from .tsv import read_tsv

Read = Callable[[Text, DocumentNames], Iterator[Sentence] | Iterator[Sentence | Remark]]
STRETCH = 1 << 20
"""Bytes after which quotation marks and brackets that are open are forgotten, if no blank line comes before."""


def read_text(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield the lines of a file of running text.

    What is open is forgotten at each blank line, so that one missing quotation mark does not turn all that comes after
    it, and at the first line that begins in another `STRETCH` of the file. So a line's depths depend on the file alone,
    and a piece of it needs to look back no further than that.
    """
    nesting, stretch = nesting_before(text), text.start // STRETCH
    for at, line in placed_lines(text.file, text.start, text.stop):
        if at // STRETCH != stretch:
            nesting.reset()
            stretch = at // STRETCH
        if line:  # a byte order mark alone is no line
            yield line_sentence(text.name, line, nesting)


def nesting_before(text: Text) -> Nesting:
    """Return what is open where a text begins."""
    nesting = Nesting()
    first = line_start(text.file, text.start // STRETCH * STRETCH, blank=False)
    if first < text.start:
        for _, line in placed_lines(text.file, first, text.start):
            line_sentence(text.name, line, nesting)
    return nesting


def read_address(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield the lines of an address: its paragraphs and the blank lines between them."""
    nesting = Nesting()
    for line in StringIO(sotu.address(text.name), newline=NEWLINE):
        yield line_sentence(text.name, line, nesting)


def read_source(text: Text, names: DocumentNames) -> Iterator[Sentence | Remark]:
    """Yield the lines of a Java source; its words are the tokens, those of comments among them."""
    content = read_java_text(text)
    tokens = find_tokens(content)
    columns, n_unmatched = source_columns(tokens, text.java)
    yield from remark_on(name_of(text), tokens, n_unmatched)
    numbers = {name: column.tolist() for name, column in columns.numbers.items()}
    starts, stops = numbers["char_start"], numbers["char_stop"]
    yield from token_lines(text.name, content, starts, stops, columns.annotations, numbers)


def read_joined(read: Read, text: Text, names: DocumentNames) -> Iterator[Sentence | Remark]:
    """Yield what a reader of sentences yields, each as a line."""
    for found in read(text, names):
        yield found if isinstance(found, Remark) else joined_sentence(found)


def _joined(reader: Reader) -> Reader:
    return replace(reader, read=partial(read_joined, reader.read))


CHARACTER_READERS: dict[str, Reader] = {
    "text": Reader(read_text, cut="line"),
    "conllu": _joined(read_conllu),
    "tsv": _joined(read_tsv),
    "jsonl": _joined(read_jsonl),
    "sotu": Reader(read_address, texts=sotu.texts),
    "java": replace(read_java, read=read_source),
}
"""Readers of lines of characters, by the name of their format."""
