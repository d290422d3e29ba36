"""Files written as a whole; what to tell a user whose disk is full or whose path cannot be used."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import UsageError, UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM = (*FULL, errno.EFBIG)
"""Errors that every later write would meet as well."""


def explain_os_error(error: OSError, folder: Path, needed: str = "") -> UserError:
    """Return what an error of the operating system means for a user.

    Parameters
    ----------
    error
        With an ``errno``.
    folder
        Where the command writes, for errors that name no file.
    needed
        A sentence on how much is still to be written, if that is known.
    """
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else folder
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return UserError(
            f"The disk of {place} is full ({reason}; {_free(place)}). {needed}What was finished is kept: make room and "
            "run the same command again. store: {activations: float16} halves the space of states, store: none needs "
            "next to none."
        )
    if error.errno == errno.EFBIG:
        return UserError(
            f"{place} cannot grow further: {reason}. Either this program may not write files of that size (ulimit -f, "
            f"or a batch system's limit), or the file system holds none. {needed}What was finished is kept: raise the "
            "limit, or give --output on another file system, and run the same command again."
        )
    return UserError(f"{place} cannot be used: {reason}. Check the path and who may write there, or give another.")


def temporary_name(path: Path) -> Path:
    """Return a name beside a path that no other program has."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")


@contextmanager
def new_file(path: Path, temporary: Path | None = None) -> Iterator[Path]:
    """Give a file to write and move it to ``path`` when it is whole: a reader sees the old one or the new, no part.

    Parameters
    ----------
    path
        Where it is to be.
    temporary
        Its name until then; by default one of its own, so that two programs may write at once.
    """
    temporary = temporary or temporary_name(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: it is there as a whole or not at all, and an error names it."""
    try:
        with new_file(path, path.with_name(path.name + ".new")) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def check_folder(path: Path) -> None:
    """Refuse a path that can never be a folder, before any work is done for it.

    Raises
    ------
    UsageError
        If it is a file, or lies under one.
    """
    for place in (path, *path.parents):
        if place.is_dir():
            return
        if place.exists() or place.is_symlink():
            what = "is no folder" if place == path else f"lies under {place}, which is no folder"
            raise UsageError(f"The output {path} {what}. Give another --output.")


def _free(path: Path) -> str:
    for place in (path, *path.absolute().parents):
        try:
            return f"{shutil.disk_usage(place).free / 1e6:,.0f} MB free"
        except OSError:
            continue
    return "free space unknown"
