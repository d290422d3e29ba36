"""Plain text; a document is a file."""

from collections.abc import Iterator

from .files import document_names, expand, read_lines
from .sentences import Sentence, Source
from .splitter import split_text


def read_text(source: Source) -> Iterator[Sentence]:
    """Yield one sentence a line, tokens between blanks; or, with ``sentences="split"``, what the splitter finds."""
    files = expand(source.paths)
    for file, name in zip(files, document_names(files), strict=True):
        if source.sentences == "split":
            sentences: Iterator[list[str]] = split_text("\n".join(read_lines(file)))
        else:
            sentences = (line.split() for line in read_lines(file))
        for tokens in sentences:
            if tokens:
                yield Sentence(name, tokens)
