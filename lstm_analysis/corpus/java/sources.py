"""Java sources of a corpus: files, folders walked for ``*.java``, and zip or jar archives."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from ...errors import UsageError
from ...locations import open_filesystem
from ..files import WHAT, display, document_names, expand
from ..reader import Text
from ..sentences import Source
from .archives import archive_members, is_archive

log = logging.getLogger(__name__)
SUFFIX = ".java"
MOST_NAMED = 3
"""Links that a warning names."""


@dataclass(frozen=True)
class Found:
    """A file of a corpus.

    Parameters
    ----------
    file
        Its URL.
    n_part
        How many of the last parts of its path are its name: those below the folder that was walked.
    """

    file: str
    n_part: int = 1


def find_files(paths: Sequence[str], what: str = WHAT) -> list[str]:
    """Return the files of a corpus, archives as such, each once.

    Raises
    ------
    UsageError
        If a path names no file, or a folder without sources.
    """
    return [found.file for found in _find(paths, what)]


def find_texts(source: Source) -> list[Text]:
    """Return the sources of a corpus that it wants, each a text, named by its path in its folder or archive.

    Sources of the same name keep as many folders before it as tell them apart.

    Raises
    ------
    UserError
        As `find_files`; if an archive cannot be read or has no sources.
    """
    texts: list[Text] = []
    paths: list[str] = []
    n_part: list[int] = []
    for found in _find(source.paths, WHAT):
        inside = _members(found.file) if is_archive(found.file) else [Text(found.file, "")]
        texts += inside
        names = [found.file if text.member is None else f"{found.file}/{text.member.name}" for text in inside]
        paths += names
        n_part += [found.n_part if text.member is None else text.member.name.count("/") + 1 for text in inside]
    names = document_names(paths, n_part)
    named = (_renamed(text, name, source) for text, name in zip(texts, names, strict=True))
    return [text for text in named if source.wants(text.name)]


def _renamed(text: Text, name: str, source: Source) -> Text:
    return Text(text.file, name, n_byte=text.n_byte, member=text.member, java=source.java)


def _members(file: str) -> list[Text]:
    members, links = archive_members(file, SUFFIX)
    if links:
        _warn_once(
            f"{display(file)} holds {len(links)} links in place of sources (such as {_some(links)}), which are not "
            "followed."
        )
    if not members:
        raise UsageError(
            f"The archive {display(file)} holds no Java sources (*{SUFFIX}). If it is a jar of compiled classes, give "
            "the one with its sources, often named *-sources.jar."
        )
    return [Text(file, "", n_byte=n_byte, member=member) for member, n_byte in members]


def _find(paths: Sequence[str], what: str) -> list[Found]:
    found: dict[str, Found] = {}
    for path in paths:
        for one in _in_path(path, what):
            found.setdefault(one.file, one)
    return list(found.values())


def _in_path(path: str, what: str) -> list[Found]:
    filesystem, inner = open_filesystem(path, what)
    try:
        if not filesystem.isdir(inner):
            return [Found(file) for file in expand([path], what)]
        local = isinstance(filesystem, LocalFileSystem)
        files = sorted(_walk(inner) if local else filesystem.find(inner))
    except OSError as error:
        raise UsageError(f"{what} {path!r} cannot be read: {error.strerror or error}. Check it.") from None
    sources = [file for file in files if file.endswith(SUFFIX)]
    if not sources:
        archives = sum(map(is_archive, files))
        hint = f"; it holds {archives} archives: name them, for example with a glob such as '*.jar'" if archives else ""
        raise UsageError(
            f"{what} {path!r} is a folder without Java sources (*{SUFFIX}){hint or ', at any depth'}. Check the path."
        )
    return [_below(filesystem, inner, file) for file in sources]


def _below(filesystem: Any, folder: str, file: str) -> Found:
    depth = file[len(folder.rstrip("/")) :].strip("/").count("/") + 1
    return Found(filesystem.unstrip_protocol(file), depth)


def _walk(folder: str) -> Iterator[str]:
    """Yield the files below a folder; a link to a folder is not followed, so that none can lead in a circle."""
    left: list[str] = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        left += [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in files:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                yield path
            elif name.endswith(SUFFIX):
                left.append(name)
    if left:
        _warn_once(
            f"{len(left)} links to folders, or to what is no file, are not followed in {folder} (such as "
            f"{_some(left)}). Name their targets as paths of their own if they are to be read."
        )


def _some(names: list[str]) -> str:
    return ", ".join(sorted(names)[:MOST_NAMED])


@cache
def _warn_once(text: str) -> None:
    """Warn, once a process: a corpus is looked for when it is checked and again when it is read."""
    log.warning("%s", text)


def _refuse(error: OSError) -> None:
    raise error
