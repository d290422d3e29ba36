"""Java sources: a document is a file, a sentence is a statement, a token what the lexer finds."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..files import DocumentNames
from ..reader import Reader, Remark, Text
from ..sentences import JavaOptions, Sentence
from .decoding import name_of, read_text
from .imports import api_column
from .lexer import COMMENT, KINDS, Tokens, find_tokens
from .lines import line_columns
from .nesting import nest
from .parts import cut_tokens
from .remarks import remark_on
from .sources import find_files, find_texts


class SourceColumns(NamedTuple):
    """A source as columns along its tokens.

    Parameters
    ----------
    forms
        Surface forms, dims (token).
    annotations, numbers
        Columns, dims (token).
    ends
        Index after the last token of each sentence, dims (sentence).
    """

    forms: Sequence[str]
    annotations: Mapping[str, Sequence[str]]
    numbers: Mapping[str, NDArray[np.int32]]
    ends: NDArray[np.intp]


def read(text: Text, names: DocumentNames) -> Iterator[Sentence | Remark]:
    """Yield the statements of a source, with kind and API of each token and its place in the text.

    Raises
    ------
    UserError
        If the source cannot be read as text.
    """
    tokens = find_tokens(read_text(text))
    tokens = tokens if text.java.comments else tokens.without_comments()
    columns, n_unmatched = source_columns(tokens, text.java)
    yield from remark_on(name_of(text), tokens, n_unmatched)
    yield from _sentences(text.name, columns)


def source_columns(tokens: Tokens, options: JavaOptions) -> tuple[SourceColumns, int]:
    """Return the columns of a source's tokens, and the number of its brackets without partner."""
    nesting = nest(tokens)
    parts = cut_tokens(tokens, options.subtokens)
    owner = parts.owner
    annotations = {"kind": list(map(KINDS.__getitem__, tokens.kind[owner].tolist())), "api": _api(tokens)}
    if parts.forms is not tokens.forms:
        annotations["api"] = list(map(annotations["api"].__getitem__, owner.tolist()))
    numbers = {"char_start": parts.start, "char_stop": parts.stop, **line_columns(tokens.text, parts.start)}
    numbers |= {"brace_depth": nesting.brace_depth[owner], "parenthesis_depth": nesting.parenthesis_depth[owner]}
    if options.structure:
        from .structure import structure_columns

        texts, depths = structure_columns(tokens.text, parts.start)
        annotations, numbers = annotations | texts, numbers | depths
    return SourceColumns(parts.forms, annotations, numbers, _ends(nesting.ends[owner], owner)), nesting.n_unmatched


def _ends(ends: NDArray[np.bool_], owner: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the index after the last part of each sentence; the last sentence ends with the source."""
    if not len(owner):
        return owner
    last = np.append(owner[1:] != owner[:-1], True)
    found = np.flatnonzero(ends & last) + 1
    return found if len(found) and found[-1] == len(owner) else np.append(found, len(owner))


def _api(tokens: Tokens) -> list[str]:
    code = np.flatnonzero(tokens.kind != COMMENT).tolist()
    forms = tokens.forms
    if len(code) == len(forms):
        return api_column(forms)
    found = [""] * len(forms)
    for i, package in zip(code, api_column([forms[i] for i in code]), strict=True):
        found[i] = package
    return found


def _sentences(document: str, columns: SourceColumns) -> Iterator[Sentence]:
    numbers = {name: array("i", column.astype(np.int32).tobytes()) for name, column in columns.numbers.items()}
    first = 0
    for last in columns.ends.tolist():
        place = slice(first, last)
        annotations = {name: column[place] for name, column in columns.annotations.items()}
        yield Sentence(
            document, columns.forms[place], annotations, (), {name: column[place] for name, column in numbers.items()}
        )
        first = last


read_java = Reader(read, texts=find_texts, files=find_files)
