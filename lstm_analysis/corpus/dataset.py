"""Sentences to the corpus dataset: dictionary-coded columns along ``time`` and their tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError
from .piece_columns import PieceColumns, column_dataset
from .sentences import Sentence

COLUMNS = ("type_id", "document", "sentence", "sentence_position", "sentence_length")


class Codes(dict[str, int]):
    """A growing dictionary code: a new name gets the next number."""

    def __missing__(self, name: str) -> int:
        self[name] = code = len(self)
        return code


@dataclass
class CorpusBuilder:
    """Turns sentences into blocks of rows, keeping only the tables in memory.

    Parameters
    ----------
    end_of_sentence
        Symbol appended to each sentence, ``None`` for none.
    limit_tokens
        Stop before the first sentence that would go past this many tokens.
    pieces
        The further columns of a model that reads pieces of words.
    """

    end_of_sentence: str | None = None
    limit_tokens: int | None = None
    pieces: PieceColumns | None = None
    types: Codes = field(default_factory=Codes)
    documents: list[str] = field(default_factory=list)
    document_starts: list[int] = field(default_factory=list)
    annotations: dict[str, Codes] = field(default_factory=dict)
    marked_concepts: Codes = field(default_factory=Codes)
    marks: list[tuple[int, int, int]] = field(default_factory=list)
    n_token: int = 0
    n_sentence: int = 0
    limited: bool = False

    def blocks(self, sentences: Iterable[Sentence], rows: int) -> Iterator[xr.Dataset]:
        """Yield datasets of ``rows`` tokens (the last one shorter), dims ``time``.

        Columns along other dims hold what the sentences read since the block before have added.
        """
        pending: dict[str, list[int]] = {}
        end = [] if self.end_of_sentence is None else [self.end_of_sentence]
        for sentence in sentences:
            forms = [*sentence.tokens, *end]
            begins = not self.documents or self.documents[-1] != sentence.document
            length = len(forms) if self.pieces is None else self.pieces.cut(forms, begins)
            if self.limit_tokens is not None and self.n_token + length > self.limit_tokens:
                self.limited = True
                break
            if begins:
                self.documents.append(sentence.document)
                self.document_starts.append(self.n_token)
            self._add(sentence, forms, length, pending)
            while len(pending["type_id"]) >= rows:
                yield self._block({name: column[:rows] for name, column in pending.items()})
                pending = {name: column[rows:] for name, column in pending.items()}
        if pending.get("type_id"):
            yield self._block(pending)

    def _add(self, sentence: Sentence, forms: list[str], length: int, pending: dict[str, list[int]]) -> None:
        self._declare(sentence)
        rows = self._rows(sentence, forms)
        for name, column in (rows if self.pieces is None else self.pieces.add(rows)).items():
            pending.setdefault(name, []).extend(column)
        for mark in sentence.marks:
            concept = self.marked_concepts[mark.concept]
            for i in mark.tokens:
                places = (i,) if self.pieces is None else self.pieces.places(i)
                self.marks.extend((self.n_token + place, concept, mark.value) for place in places)
        self.n_token += length
        self.n_sentence += 1

    def _rows(self, sentence: Sentence, forms: list[str]) -> dict[str, list[int]]:
        """Return the columns of a sentence, one row a word."""
        n, n_end = len(forms), len(forms) - len(sentence.tokens)
        columns = ([self.types[form] for form in forms], [len(self.documents) - 1] * n, [self.n_sentence] * n,
                   list(range(n)), [n] * n)  # fmt: skip
        rows = dict(zip(COLUMNS, columns, strict=True))
        for name, codes in self.annotations.items():
            rows[f"{name}_id"] = [codes[value] for value in (*sentence.annotations[name], *[""] * n_end)]
        return rows

    def _declare(self, sentence: Sentence) -> None:
        if self.n_sentence == 0:
            self.annotations = {name: Codes() for name in _free(sentence.annotations, self.pieces is not None)}
        if set(sentence.annotations) != set(self.annotations):
            raise UserError(
                f"The document {sentence.document!r} has the annotation columns {sorted(sentence.annotations)}, the "
                f"first sentence of the corpus has {sorted(self.annotations)}. All files of a corpus need the same "
                "columns."
            )

    def _block(self, columns: dict[str, list[int]]) -> xr.Dataset:
        return column_dataset(columns, {} if self.pieces is None else self.pieces.take())

    def tables(self) -> xr.Dataset:
        """Return the code tables and marks of all sentences seen so far."""
        tables: dict[str, list[str]] = {"type": list(self.types), "document_name": self.documents}
        tables |= {name: list(codes) for name, codes in self.annotations.items()}
        tables |= {} if self.pieces is None else self.pieces.tables
        coords = {name: (name, np.array(values, dtype=object)) for name, values in tables.items()}
        starts = np.array(self.document_starts, dtype=schema.VARIABLES["document_start"].dtype)
        variables: dict[str, tuple[str, NDArray[np.generic]]] = {"document_start": ("document_name", starts)}
        if self.marks:
            coords["marked_concept"] = ("marked_concept", np.array(list(self.marked_concepts), dtype=object))
            names = ("mark_time", "mark_concept", "mark_value")
            for name, column in zip(names, zip(*self.marks, strict=True), strict=True):
                variables[name] = ("mark", np.array(column, dtype=schema.VARIABLES[name].dtype))
        return schema.attach_attrs(xr.Dataset(variables, coords))


def _free(names: Iterable[str], of_pieces: bool) -> list[str]:
    """Return the annotation columns if neither their tables nor their code columns have a name that is taken."""
    names = list(names)
    taken = {*schema.VARIABLES, *schema.DIMS, *(dim for v in schema.VARIABLES.values() for dim in v.dims)}
    for name in names:
        if name in taken or f"{name}_id" in taken | set(names) or (of_pieces and f"word_{name}" in names):
            raise UserError(
                f"The annotation column {name!r} cannot be stored: the corpus dataset would need the names {name!r} "
                f"and '{name}_id', and one of them is taken. Rename the column, for example to '{name}_tag'."
            )
    return names


def corpus_dataset(sentences: Iterable[Sentence], end_of_sentence: str | None, limit_tokens: int | None) -> xr.Dataset:
    """Return the corpus of the sentences in memory, dims ``time`` and one dim a table.

    Raises
    ------
    UserError
        If there is no sentence.
    """
    builder = CorpusBuilder(end_of_sentence, limit_tokens)
    blocks = list(builder.blocks(sentences, rows=1 << 20))
    if not blocks:
        raise empty_corpus(builder)
    return xr.concat(blocks, dim="time", combine_attrs="override", data_vars="all", coords="minimal", join="override",
                     compat="override").merge(builder.tables())  # fmt: skip


class EmptyCorpus(UserError):
    """A corpus has no sentence."""


def empty_corpus(builder: CorpusBuilder) -> UserError:
    """Return the error for a corpus without a token."""
    if builder.limited:
        return UserError(
            f"corpus.limit_tokens is {builder.limit_tokens}, but the first sentence alone is longer. Raise the limit."
        )
    return EmptyCorpus(
        "The corpus is empty: its files hold no sentence. Check corpus.path, corpus.format and documents."
    )
