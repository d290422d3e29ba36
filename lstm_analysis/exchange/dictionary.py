"""The dictionary files of LSTMVis: a name and its id on each line."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..disk import write_whole
from ..errors import UsageError

BLANK = "␣"
EMPTY = "\\empty"
_UNSAFE = re.compile(rf"[\s\\{BLANK}]")
_ESCAPED = re.compile(rf"\\u([0-9a-f]{{4}})|{BLANK}")
MOST_ID = 2**31


def read_dictionary(path: Path, escaped: bool = False) -> dict[int, str]:
    """Return the name of each id.

    A line is a name, a tab or blanks, and an id; a blank and an id name the blank itself, as in LSTMVis.

    Parameters
    ----------
    path
        The file.
    escaped
        Whether its names were written by `escape`.

    Raises
    ------
    UsageError
        If it is not UTF-8, a line is none of these, or an id has two names.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 text: byte {error.object[error.start]:#x} at {error.start:,}. Convert it, for "
            f"example with iconv -f latin1 -t utf-8."
        ) from None
    found: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, id_ = _parse(path, number, line)
        if found.setdefault(id_, name) != name:
            raise UsageError(f"{path}, line {number}: the id {id_} is {found[id_]!r} already, and here {name!r}.")
    if not found:
        raise UsageError(f"{path} names no word: it must have a word, a tab and its id on each line.")
    return {id_: unescape(name) for id_, name in found.items()} if escaped else found


def _parse(path: Path, number: int, line: str) -> tuple[str, int]:
    line = line.rstrip()
    name, tab, text = line.rpartition("\t")
    if not (tab and name):
        name, _, text = line.rpartition(" ")
    if not name.strip():
        name = " " if line.startswith(" ") else ""
    if not name:
        raise UsageError(f"{path}, line {number}: expected a word, a tab and its id, found {line[:60]!r}.")
    if not re.fullmatch(r"\s*[0-9]{1,10}\s*", text, re.ASCII) or int(text) >= MOST_ID:
        raise UsageError(f"{path}, line {number}: {text[:40]!r} is no id from 0 on, in {line[:60]!r}.")
    return name, int(text)


def write_dictionary(path: Path, names: Mapping[int, str]) -> None:
    """Write names, escaped, and their ids, separated by tabs."""
    lines = [f"{escape(name)}\t{id_}\n" for id_, name in names.items()]
    write_whole(path, "".join(lines).encode())


def escape(name: str) -> str:
    """Return a name without white space, which LSTMVis could not read; the blank itself stays.

    >>> escape("New York"), escape("a\\nb"), escape(" "), escape("plain")
    ('New␣York', 'a\\\\u000ab', ' ', 'plain')
    """
    return name if name == " " else _UNSAFE.sub(_escape_sign, name) or EMPTY


def _escape_sign(found: re.Match[str]) -> str:
    return BLANK if found[0] == " " else f"\\u{ord(found[0]):04x}"


def unescape(name: str) -> str:
    """Return what `escape` was given.

    >>> unescape(escape("a \\\\ b")), unescape(escape(""))
    ('a \\\\ b', '')
    """
    return "" if name == EMPTY else _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", name)


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names that can be keys and names of arrays, each once, in their order.

    >>> unique_names(["in the red", "in_the_red", "a/b", ""])
    ['in_the_red', 'in_the_red_2', 'a_b', '_']
    """
    found: dict[str, None] = {}
    for name in names:
        stem = candidate = re.sub(r"\W+", "_", name) or "_"
        n = 1
        while candidate in found:
            n += 1
            candidate = f"{stem}_{n}"
        found[candidate] = None
    return list(found)
