"""Files of a corpus: globs, compressed files and fsspec URLs, read line by line as strict UTF-8."""

import lzma
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import fsspec

from ..errors import UsageError, UserError
from ..locations import open_filesystem

WHAT = "The corpus path"
"""What paths are by default, for errors."""
BLOCK = 1 << 20
"""Bytes that are read at once where lines are counted."""


def expand(paths: Sequence[str], what: str = WHAT) -> list[str]:
    """Return the files that the paths, globs and URLs name, each once, each glob's in sorted order.

    A path that exists is taken as it stands, even if it has a sign of a glob in it.

    Parameters
    ----------
    paths
        Paths, globs or URLs.
    what
        What they are, for errors.

    Raises
    ------
    UsageError
        If one of them names no file.
    """
    files: list[str] = []
    for path in paths:
        filesystem, inner = open_filesystem(path, what)
        try:
            pattern = any(sign in inner for sign in "*?[") and not filesystem.exists(inner)
            found = sorted(filesystem.glob(inner)) if pattern else [inner]
            found = [file for file in found if filesystem.isfile(file)]
        except OSError as error:
            raise UsageError(f"{what} {path!r} cannot be read: {_reason(error)}. Check the path.") from None
        if not found:
            wrong = "is a folder; name the files in it, for example with a glob such as '*.txt'"
            if not filesystem.isdir(inner):
                wrong = "names no file; check the path (relative paths count from the study file)"
            raise UsageError(f"{what} {path!r} {wrong}.")
        files.extend(filesystem.unstrip_protocol(file) for file in found)
    return list(dict.fromkeys(files))


def read_lines(file: str, start: int = 0, stop: int | None = None) -> Iterator[str]:
    """Yield the lines of a file without their line ends; parameters and errors as of `placed_lines`."""
    return (line.rstrip("\r\n") for _, line in placed_lines(file, start, stop))


def placed_lines(file: str, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, str]]:
    """Yield the first byte of each line of a file, and the line as it stands, without a byte order mark.

    Parameters
    ----------
    file
        Path or URL.
    start, stop
        Bytes from and up to which to read, each the beginning of a line; only for files that are not packed.

    Raises
    ------
    UserError
        At the first byte that is not UTF-8, naming file, line and byte; if a compressed file is damaged.
    """
    at = start
    for number, raw in enumerate(raw_lines(file, start, stop), 1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{display(file)} is not valid UTF-8: line {number + count_lines(file, start)} has byte "
                f"0x{raw[error.start]:02x} at byte {at + error.start} of the text. Convert the file first, for example "
                "with 'iconv -f latin1 -t utf-8'."
            ) from None
        yield at, line.removeprefix("\ufeff") if at == 0 else line
        at += len(raw)


def raw_lines(file: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a file, or of a piece of it, as bytes with their line ends.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    with explained(file), fsspec.open(file, "rb", compression="infer") as stream:
        if start:
            stream.seek(start)
        if stop is None:
            yield from stream
            return
        left = stop - start
        while left > 0 and (raw := stream.readline()):
            left -= len(raw)
            yield raw


def line_start(file: str, at: int, blank: bool) -> int:
    """Return where the first line begins at or after a byte, ``blank`` for the first one after a blank line.

    It depends on the file and the byte alone, and is the file's size if there is none.
    """
    if at <= 0:
        return 0
    with explained(file), fsspec.open(file, "rb") as stream:
        stream.seek(at - 1)
        found = at - 1 + len(stream.readline())
        while blank and (raw := stream.readline()):
            found += len(raw)
            blank = bool(raw.strip())
        return found


def count_lines(file: str, stop: int) -> int:
    """Return how many lines end before a byte of a file."""
    if not stop:  # not opened: a file in memory would begin anew for whoever is reading it
        return 0
    found = 0
    with explained(file), fsspec.open(file, "rb") as stream:
        while stop > 0 and (block := stream.read(min(stop, BLOCK))):
            found += block.count(b"\n")
            stop -= len(block)
    return found


def is_packed(file: str) -> bool:
    """Whether a file is unpacked while it is read, so that it cannot be begun in its middle."""
    return fsspec.utils.infer_compression(file) is not None


@contextmanager
def explained(file: str) -> Iterator[None]:
    """Turn what goes wrong with a file into an error for its user."""
    try:
        yield
    except (ImportError, ValueError) as error:
        raise UserError(f"{display(file)} cannot be opened: {str(error).rstrip('.')}.") from None
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UserError(f"{display(file)} cannot be opened: {_reason(error)}. Check the path.") from None
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise UserError(
            f"{display(file)} cannot be read to its end ({error}). Check the file, or copy it again."
        ) from None


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def display(file: str) -> str:
    """Return a file's name as a person would write it: without the ``file://`` of a local one."""
    return file.removeprefix("file://")


def document_names(files: Sequence[str], n_part: Sequence[int] | None = None) -> list[str]:
    """Return the document names of files that are one document each: the name without folders.

    Files of the same name keep as many folders as tell them apart, else two documents would become one. What is not
    UTF-8 in a name is written as ``\\udcff``.

    Parameters
    ----------
    files
        Paths or URLs.
    n_part
        How many of the last parts of each are its name at least; by default one.

    >>> document_names(["file:///wsj/00/a.txt", "file:///wsj/01/a.txt", "file:///wsj/01/b.txt.gz"])
    ['00/a.txt', '01/a.txt', 'b.txt.gz']
    """
    parts = [file.split("/") for file in files]
    depth = [1] * len(files) if n_part is None else list(n_part)
    while True:
        names = ["/".join(part[-n:]) for part, n in zip(parts, depth, strict=True)]
        shared = {name for name, n in Counter(names).items() if n > 1}
        longer = [n + (name in shared and n < len(p)) for name, n, p in zip(names, depth, parts, strict=True)]
        if longer == depth:
            return [name.encode("utf-8", "backslashreplace").decode() for name in names]
        depth = longer


class DocumentNames:
    """Keeps documents of the same name in different files apart, by the name of the later file.

    Parameters
    ----------
    earlier
        Names in files before the first.

    >>> names = DocumentNames()
    >>> names.begin("one.tsv"), names.distinct("preface")
    (None, 'preface')
    >>> names.begin("two.tsv"), names.distinct("preface")
    (None, 'preface (two.tsv)')
    """

    def __init__(self, earlier: Iterable[str] = ()) -> None:
        self._earlier = set(earlier)
        self._here: set[str] = set()
        self._file = ""

    def begin(self, file: str) -> None:
        """Begin a file."""
        self._earlier |= self._here
        self._here, self._file = set(), file

    def go_on(self, file: str) -> None:
        """Go on in the middle of a file."""
        self._file = file

    def taken(self, names: Iterable[str]) -> frozenset[str]:
        """Return which of a few names documents of earlier files have."""
        return frozenset(names) & self._earlier

    def distinct(self, name: str) -> str:
        """Return the name of a document that begins in this file."""
        self._here.add(name)
        return f"{name} ({self._file})" if name in self._earlier else name
