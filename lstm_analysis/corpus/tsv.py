"""Tab-separated tokens with tags, one token a line; a blank line ends a sentence.

The first line ``# columns = token pos ...`` names the columns (default ``token pos``); a line ``# document = NAME``
without a tab starts a document.
"""

from collections.abc import Iterator

from ..errors import UserError
from .files import DocumentNames, display, document_names, expand, read_lines
from .sentences import Sentence, Source

DEFAULT_COLUMNS = ["token", "pos"]


def read_tsv(source: Source) -> Iterator[Sentence]:
    """Yield the sentences of TSV files, every column after ``token`` as annotation.

    Raises
    ------
    UserError
        If a line has no token, or more or fewer columns than the file declares, naming file and line.
    """
    files, names = expand(source.paths), DocumentNames()
    for file, document in zip(files, document_names(files), strict=True):
        names.begin(document)
        columns = DEFAULT_COLUMNS
        rows: list[list[str]] = []
        for number, line in enumerate(read_lines(file), 1):
            if number == 1 and line.startswith("# columns ="):
                columns = _columns(line, file)
            elif line.startswith("# document =") and "\t" not in line:
                yield from _sentence(document, columns, rows)
                rows, document = [], names.distinct(line.partition("=")[2].strip())
            elif line.strip():
                rows.append(_row(line, columns, file, number))
            else:
                yield from _sentence(document, columns, rows)
                rows = []
        yield from _sentence(document, columns, rows)


def _columns(line: str, file: str) -> list[str]:
    columns = line.partition("=")[2].split()
    if "token" not in columns or len(set(columns)) != len(columns):
        raise UserError(
            f"{display(file)}, line 1: the columns must have distinct names, one of them 'token'; found {columns}."
        )
    return columns


def _row(line: str, columns: list[str], file: str, number: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) != len(columns):
        raise UserError(
            f"{display(file)}, line {number}: expected {len(columns)} columns ({', '.join(columns)}) separated by "
            f"tabs, found {len(fields)}: {line[:80]!r}. Mend the line, or name the file's columns in its first line: "
            "'# columns = token pos ...'."
        )
    if not fields[columns.index("token")]:
        raise UserError(f"{display(file)}, line {number}: the token is empty: {line[:80]!r}. Mend or remove the line.")
    return fields


def _sentence(document: str, columns: list[str], rows: list[list[str]]) -> Iterator[Sentence]:
    if rows:
        values = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
        yield Sentence(document, values.pop("token"), values)
