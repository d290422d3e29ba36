"""CoNLL-U (Universal Dependencies): syntactic words with their annotation; documents by ``# newdoc``."""

import re
from collections.abc import Iterator

from ..errors import UserError
from .files import DocumentNames, display, document_names, expand, read_lines
from .sentences import Sentence, Source

COLUMNS = {2: "lemma", 3: "upos", 4: "xpos"}
N_COLUMNS = 10
_ID = re.compile(r"[0-9]+(?:[-.][0-9]+)?", re.ASCII)


def read_conllu(source: Source) -> Iterator[Sentence]:
    """Yield the sentences of CoNLL-U files.

    Tokens are the syntactic words (integer ids); the lines of multi-word tokens and empty nodes repeat or add to
    them and are not tokens. Annotation: ``lemma, upos, xpos``.

    Raises
    ------
    UserError
        If a word line has not ten columns or no proper id, naming file and line.
    """
    files, names = expand(source.paths), DocumentNames()
    for file, name in zip(files, document_names(files), strict=True):
        names.begin(name)
        document = name
        rows: list[list[str]] = []
        for number, line in enumerate(read_lines(file), 1):
            if line.startswith("#"):
                if line.split("=")[0].strip("# \t").startswith("newdoc"):
                    yield from _sentence(document, rows)
                    rows, document = [], names.distinct(line.partition("=")[2].strip() or f"{name}:{number}")
            elif line.strip():
                rows.append(_word(line, file, number))
            else:
                yield from _sentence(document, rows)
                rows = []
        yield from _sentence(document, rows)


def _word(line: str, file: str, number: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) != N_COLUMNS:
        raise UserError(
            f"{display(file)}, line {number}: a CoNLL-U word has {N_COLUMNS} columns separated by tabs, found "
            f"{len(fields)}: {line[:80]!r}. Mend the line, or read the file with format tsv."
        )
    if not _ID.fullmatch(fields[0]):
        raise UserError(
            f"{display(file)}, line {number}: the id of a CoNLL-U word is like 7, 7-8 or 7.1, found {fields[0]!r}. "
            "Mend the line."
        )
    return fields


def _sentence(document: str, rows: list[list[str]]) -> Iterator[Sentence]:
    words = [fields for fields in rows if fields[0].isdigit()]
    if words:
        annotations = {name: [fields[i] for fields in words] for i, name in COLUMNS.items()}
        yield Sentence(document, [fields[1] for fields in words], annotations)
