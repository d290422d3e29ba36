"""Plain text; a document is a file."""

from collections.abc import Iterator

from .files import DocumentNames
from .reader import Reader, Text
from .sentences import Sentence
from .splitter import split_text


def read(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield one sentence a line, tokens between blanks; of running text what the splitter finds."""
    if text.split:
        sentences: Iterator[list[str]] = split_text("\n".join(text.lines()))
    else:
        sentences = (line.split() for line in text.lines())
    name = text.name
    for tokens in sentences:
        if tokens:
            yield Sentence(name, tokens)


read_text = Reader(read, cut="line")
