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
    start, stop
        First character of each token and the one after its last, dims (token).
    annotations, numbers
        Columns, dims (token).
    ends
        Index after the last token of each sentence, dims (sentence).
    """

    start: NDArray[np.int32]
    stop: NDArray[np.int32]
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
    content = read_text(text)
    tokens = find_tokens(content)
    tokens = tokens if text.java.comments else tokens.without_comments()
    columns, n_unmatched = source_columns(tokens, text.java)
    yield from remark_on(name_of(text), tokens, n_unmatched)
    yield from _sentences(text.name, content, columns)


def source_columns(tokens: Tokens, options: JavaOptions) -> tuple[SourceColumns, int]:
    """Return the columns of a source's tokens, and the number of its brackets without partner."""
    nesting = nest(tokens)
    parts = cut_tokens(tokens, options.subtokens)
    owner, start, stop = parts
    kinds, api = tokens.kind.tolist(), _api(tokens)
    owners = owner.tolist()
    annotations: dict[str, Sequence[str]] = {
        "kind": [KINDS[kinds[i]] for i in owners],
        "api": [api[i] for i in owners],
    }
    numbers = {"char_start": start, "char_stop": stop, **line_columns(tokens.text, start)}
    numbers |= {"brace_depth": nesting.brace_depth[owner], "parenthesis_depth": nesting.parenthesis_depth[owner]}
    if options.structure:
        from .structure import structure_columns

        texts, depths = structure_columns(tokens.text, start)
        annotations, numbers = annotations | texts, numbers | depths
    last = np.append(owner[1:] != owner[:-1], True)
    ends = np.flatnonzero(nesting.ends[owner] & last) + 1 if len(owner) else np.zeros(0, np.intp)
    if len(owner) and (not len(ends) or ends[-1] < len(owner)):
        ends = np.append(ends, len(owner))
    return SourceColumns(start, stop, annotations, numbers, ends), nesting.n_unmatched


def _api(tokens: Tokens) -> list[str]:
    code = np.flatnonzero(tokens.kind != COMMENT).tolist()
    forms = tokens.forms
    if len(code) == len(forms):
        return api_column(forms)
    found = [""] * len(forms)
    for i, package in zip(code, api_column([forms[i] for i in code]), strict=True):
        found[i] = package
    return found


def _sentences(document: str, text: str, columns: SourceColumns) -> Iterator[Sentence]:
    starts, stops = columns.start.tolist(), columns.stop.tolist()
    numbers = {name: array("i", column.astype(np.int32).tobytes()) for name, column in columns.numbers.items()}
    first = 0
    for last in columns.ends.tolist():
        places = zip(starts[first:last], stops[first:last], strict=True)
        yield Sentence(
            document,
            [text[start:stop] for start, stop in places],
            {name: column[first:last] for name, column in columns.annotations.items()},
            (),
            {name: column[first:last] for name, column in numbers.items()},
        )
        first = last


read_java = Reader(read, texts=find_texts, files=find_files)
