"""CoNLL-U (Universal Dependencies): syntactic words with their annotation; documents by ``# newdoc``."""

import re
from collections.abc import Iterator

from ..errors import UserError
from .files import DocumentNames
from .reader import Reader, Text
from .sentences import Sentence

COLUMNS = {2: "lemma", 3: "upos", 4: "xpos"}
N_COLUMNS = 10
_ID = re.compile(r"[0-9]+(?:[-.][0-9]+)?", re.ASCII)


def read(text: Text, names: DocumentNames) -> Iterator[Sentence]:
    """Yield the sentences of a CoNLL-U file.

    Tokens are the syntactic words (integer ids); the lines of multi-word tokens and empty nodes repeat or add to
    them and are not tokens. Annotation: ``lemma, upos, xpos``.

    Raises
    ------
    UserError
        If a word line has not ten columns or no proper id, naming file and line.
    """
    document = text.document or text.name
    rows: list[list[str]] = []
    for i, line in enumerate(text.lines(), 1):
        if line.startswith("#"):
            if (declared := declares(line, text, i)) is not None:
                yield from _sentence(document, rows)
                rows, document = [], names.distinct(declared)
        elif line.strip():
            rows.append(_word(line, text, i))
        else:
            yield from _sentence(document, rows)
            rows = []
    yield from _sentence(document, rows)


def declares(line: str, text: Text, i: int) -> str | None:
    """Return the name of the document that a line begins, ``None`` if it begins none."""
    if line.startswith("#") and line.split("=")[0].strip("# \t").startswith("newdoc"):
        return line.partition("=")[2].strip() or f"{text.name}:{text.line_number(i)}"
    return None


read_conllu = Reader(read, cut="blank line", declares=declares)


def _word(line: str, text: Text, i: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) != N_COLUMNS:
        raise UserError(
            f"{text.place(i)}: a CoNLL-U word has {N_COLUMNS} columns separated by tabs, found {len(fields)}: "
            f"{line[:80]!r}. Mend the line, or read the file with format tsv."
        )
    if not _ID.fullmatch(fields[0]):
        raise UserError(
            f"{text.place(i)}: the id of a CoNLL-U word is like 7, 7-8 or 7.1, found {fields[0]!r}. Mend the line."
        )
    return fields


def _sentence(document: str, rows: list[list[str]]) -> Iterator[Sentence]:
    words = [fields for fields in rows if fields[0].isdigit()]
    if words:
        annotations = {name: [fields[i] for fields in words] for i, name in COLUMNS.items()}
        yield Sentence(document, [fields[1] for fields in words], annotations)
