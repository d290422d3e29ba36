"""A corpus cut into parts that are read apart: runs of whole files, and pieces of long ones."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .files import line_start
from .reader import Reader, Text

PART_BYTES = 16 << 20
"""Size of a part, as near as whole files and safe places in them allow."""
SPLIT_BYTES = 1 << 20
"""The same for running text, which takes twenty times as long."""
CHARACTER_BYTES = 4 << 20
"""The same for characters, which are more rows than words are."""


@dataclass(frozen=True)
class Part:
    """What one worker reads in one go.

    Parameters
    ----------
    index
        Its number, in the order of the corpus.
    texts
        What it holds. The ends of a piece of a file are to be moved to the next safe place, by `settled`.
    n_byte
        About how large it is.
    earlier
        Names of its documents that documents of earlier files have.
    """

    index: int
    texts: tuple[Text, ...]
    n_byte: int
    earlier: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """SHA-256 of all that says what it is."""
        content = repr((self.index, self.texts, sorted(self.earlier)))
        return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()

    def settled(self, reader: Reader) -> "Part":
        """Return the part with the ends of its texts moved to the next places where they can be cut."""
        return replace(self, texts=tuple(_settled(text, reader.cut == "blank line") for text in self.texts))


def _settled(text: Text, blank: bool) -> Text:
    stop = None if text.stop is None else line_start(text.file, text.stop, blank)
    return replace(text, start=line_start(text.file, text.start, blank), stop=stop)


def plan_parts(
    reader: Reader, texts: list[Text], sizes: Mapping[str, int | None], part_bytes: int | None = None
) -> list[Part]:
    """Return the parts of a corpus in its order; they depend on the files' sizes alone.

    Parameters
    ----------
    reader
        Of the corpus.
    texts
        Its texts, whole.
    sizes
        Bytes of each file; ``None`` where nobody knows.
    part_bytes
        Size of a part.
    """
    if part_bytes is None:
        part_bytes = SPLIT_BYTES if any(text.split for text in texts) else PART_BYTES
    parts: list[Part] = []
    waiting: list[Text] = []
    n_waiting = 0

    def close() -> None:
        nonlocal waiting, n_waiting
        if waiting:
            parts.append(Part(len(parts), tuple(waiting), n_waiting))
        waiting, n_waiting = [], 0

    for text in texts:
        size = sizes.get(text.file) if text.n_byte is None else text.n_byte
        if size is not None and size > part_bytes and reader.cut is not None and not text.whole:
            close()
            for piece, n_byte in _pieces(text, size, part_bytes):
                parts.append(Part(len(parts), (piece,), n_byte))
            continue
        waiting.append(text)
        n_waiting += part_bytes if size is None else size
        if n_waiting >= part_bytes:
            close()
    close()
    return parts


def _pieces(text: Text, size: int, part_bytes: int) -> Iterator[tuple[Text, int]]:
    n = -(-size // part_bytes)
    for i in range(n):
        start, stop = i * size // n, (i + 1) * size // n
        yield replace(text, start=start, stop=None if i + 1 == n else stop), stop - start
