"""Sources in zip archives: an archive is opened once a process, and nothing of it is written to a disk."""

import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import fsspec

from ...errors import UserError
from ..files import display, explained
from ..reader import Member

SUFFIXES = (".zip", ".jar")
_ENCRYPTED = 1


class _Opened(NamedTuple):
    file: str
    stamp: str
    archive: zipfile.ZipFile


_lock = threading.Lock()
_opened: list[_Opened] = []
"""The archive that was read last, if any."""


def is_archive(file: str) -> bool:
    """Whether a file is an archive by its name."""
    return file.lower().endswith(SUFFIXES)


def archive_members(file: str, suffix: str) -> tuple[list[tuple[Member, int]], list[str]]:
    """Return the files of an archive whose names end so, with their sizes in bytes, and the names of its links to such.

    Of two files of the same name the later one counts, as where an archive is unpacked.

    Raises
    ------
    UserError
        If the file is no archive, or is damaged.
    """
    with explained(file):
        filesystem, inner = fsspec.core.url_to_fs(file)
        stamp = str(filesystem.ukey(inner))
    with _lock, _reading(file, "its table of contents"):
        entries = {entry.filename: entry for entry in _archive(file, stamp).infolist() if not entry.is_dir()}
    chosen = [entries[name] for name in sorted(entries) if name.endswith(suffix)]
    links = [entry.filename for entry in chosen if stat.S_ISLNK(entry.external_attr >> 16)]
    return [(Member(e.filename, stamp), e.file_size) for e in chosen if e.filename not in links], links


def read_member(file: str, member: Member, most: int) -> bytes:
    """Return a file of an archive, or one byte more than ``most`` of a longer one.

    Raises
    ------
    UserError
        If it is encrypted, damaged or packed in a way that is not known.
    """
    with _lock, _reading(file, member.name):
        archive = _archive(file, member.stamp)
        entry = archive.getinfo(member.name)
        if entry.flag_bits & _ENCRYPTED:
            raise UserError(
                f"{place(file, member.name)} is encrypted, and there is no way to give a password. Unpack the archive "
                "and name the folder instead."
            )
        with archive.open(entry) as stream:
            return stream.read(most + 1)


def place(file: str, name: str) -> str:
    """Return how an error names a file of an archive."""
    return f"{display(file)}: {name}"


def _archive(file: str, stamp: str) -> zipfile.ZipFile:
    if not _opened or _opened[0][:2] != (file, stamp):
        while _opened:
            archive = _opened.pop().archive
            stream = archive.fp
            archive.close()
            if stream is not None:
                stream.close()
        stream = fsspec.open(file, "rb").open()
        try:
            _opened.append(_Opened(file, stamp, zipfile.ZipFile(stream)))
        except BaseException:
            stream.close()
            raise
    return _opened[0].archive


@contextmanager
def _reading(file: str, what: str) -> Iterator[None]:
    """Turn what goes wrong with an archive into an error for its user."""
    with explained(file):
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, KeyError) as error:
            raise UserError(
                f"{place(file, what)} cannot be read ({error}): the archive is damaged, or is no zip archive. Check it "
                "with 'unzip -t', or copy it again."
            ) from None
        except RuntimeError as error:
            raise UserError(
                f"{place(file, what)} cannot be unpacked ({error}). Unpack the archive and name the folder instead."
            ) from None
