"""Tab-separated tokens with tags, one token a line; a blank line ends a sentence.

The first line ``# columns = token pos ...`` names the columns (default ``token pos``); a line ``# document = NAME``
without a tab starts a document.
"""

from collections.abc import Iterator

from ..errors import UserError
from .files import DocumentNames, display, read_lines
from .reader import Reader, Text
from .sentences import Sentence

DEFAULT_COLUMNS = ["token", "pos"]
HEADER = "# columns ="


def read(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield the sentences of a TSV file, every column after ``token`` as annotation.

    Raises
    ------
    UserError
        If a line has no token, or more or fewer columns than the file declares, naming file and line.
    """
    document = text.document or text.name
    columns = _columns_of_file(text)
    rows: list[list[str]] = []
    for i, line in enumerate(text.lines(), 1):
        if i == 1 and text.start == 0 and line.startswith(HEADER):
            continue
        if (declared := declares(line, text, i)) is not None:
            yield from _sentence(document, columns, rows)
            rows, document = [], names.distinct(declared)
        elif line.strip():
            rows.append(_row(line, columns, text, i))
        else:
            yield from _sentence(document, columns, rows)
            rows = []
    yield from _sentence(document, columns, rows)


def declares(line: str, text: Text, i: int) -> str | None:
    """Return the name of the document that a line begins, ``None`` if it begins none."""
    if line.startswith("# document =") and "\t" not in line:
        return line.partition("=")[2].strip()
    return None


read_tsv = Reader(read, cut="blank line", declares=declares)


def _columns_of_file(text: Text) -> list[str]:
    """Return the columns that the first line of a file names."""
    first = next(read_lines(text.file), "")
    return _columns(first, text.file) if first.startswith(HEADER) else DEFAULT_COLUMNS


def _columns(line: str, file: str) -> list[str]:
    columns = line.partition("=")[2].split()
    if "token" not in columns or len(set(columns)) != len(columns):
        raise UserError(
            f"{display(file)}, line 1: the columns must have distinct names, one of them 'token'; found {columns}."
        )
    return columns


def _row(line: str, columns: list[str], text: Text, i: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) != len(columns):
        raise UserError(
            f"{text.place(i)}: expected {len(columns)} columns ({', '.join(columns)}) separated by tabs, found "
            f"{len(fields)}: {line[:80]!r}. Mend the line, or name the file's columns in its first line: "
            "'# columns = token pos ...'."
        )
    if not fields[columns.index("token")]:
        raise UserError(f"{text.place(i)}: the token is empty: {line[:80]!r}. Mend or remove the line.")
    return fields


def _sentence(document: str, columns: list[str], rows: list[list[str]]) -> Iterator[Sentence]:
    if rows:
        values = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
        yield Sentence(document, values.pop("token"), values)
