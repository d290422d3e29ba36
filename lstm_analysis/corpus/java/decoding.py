"""The text of a Java source: its bytes within a limit, decoded strictly."""

import fsspec

from ...errors import UserError
from ..files import display, explained
from ..reader import Text
from .archives import place, read_member

MOST_BYTES = 8 << 20
"""Largest source, ten times the largest of the JDK: one is held in memory as a whole, at a hundred times its size."""


def name_of(text: Text) -> str:
    """Return how an error names a source."""
    return display(text.file) if text.member is None else place(text.file, text.member.name)


def read_text(text: Text) -> str:
    """Return the text of a source, without the mark of its byte order.

    Raises
    ------
    UserError
        If it cannot be read, is too large, is no text, or not UTF-8 (nor to be read as Latin-1 then).
    """
    raw = _read(text)
    if len(raw) > MOST_BYTES:
        raise UserError(
            f"{name_of(text)} is larger than {MOST_BYTES >> 20} MB, more than any source that javac "
            "is given, and one must fit into a worker's memory. Take it out of the corpus, or cut it in pieces."
        )
    if (at := raw.find(b"\0")) >= 0:
        raise UserError(
            f"{name_of(text)} is no text: it has a zero byte at byte {at}. Take it out of the corpus, or, if it is "
            "UTF-16, convert it with 'iconv -f utf-16 -t utf-8'."
        )
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if text.java.encoding == "latin-1":
            return raw.decode("latin-1")
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{name_of(text)} is not valid UTF-8: line {line} has byte 0x{raw[error.start]:02x} at byte {error.start} "
            "of the file. If it is Latin-1, set corpus.encoding: latin-1, which leaves files that are UTF-8 as they "
            "are; or convert it first, for example with 'iconv -f latin1 -t utf-8'."
        ) from None


def _read(text: Text) -> bytes:
    if text.member is not None:
        return read_member(text.file, text.member, MOST_BYTES)
    with explained(text.file), fsspec.open(text.file, "rb", compression="infer") as stream:
        found: bytes = stream.read(MOST_BYTES + 1)
        return found
