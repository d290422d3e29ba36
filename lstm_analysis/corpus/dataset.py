"""Sentences to the corpus dataset: dictionary-coded columns along ``time`` and their tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError
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
    """

    end_of_sentence: str | None = None
    limit_tokens: int | None = None
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
        """Yield datasets of ``rows`` tokens (the last one shorter), dims ``time``."""
        pending: dict[str, list[int]] = {}
        for sentence in sentences:
            length = len(sentence.tokens) + (self.end_of_sentence is not None)
            if self.limit_tokens is not None and self.n_token + length > self.limit_tokens:
                self.limited = True
                break
            self._add(sentence, length, pending)
            while len(pending["type_id"]) >= rows:
                yield self._block({name: column[:rows] for name, column in pending.items()})
                pending = {name: column[rows:] for name, column in pending.items()}
        if pending.get("type_id"):
            yield self._block(pending)

    def _add(self, sentence: Sentence, length: int, pending: dict[str, list[int]]) -> None:
        if not self.documents or self.documents[-1] != sentence.document:
            self.documents.append(sentence.document)
            self.document_starts.append(self.n_token)
        self._declare(sentence, pending)
        end = [] if self.end_of_sentence is None else [self.end_of_sentence]
        pending["type_id"].extend(self.types[form] for form in (*sentence.tokens, *end))
        pending["document"].extend([len(self.documents) - 1] * length)
        pending["sentence"].extend([self.n_sentence] * length)
        pending["sentence_position"].extend(range(length))
        pending["sentence_length"].extend([length] * length)
        for name, codes in self.annotations.items():
            pending[f"{name}_id"].extend(codes[value] for value in (*sentence.annotations[name], *[""] * len(end)))
        for mark in sentence.marks:
            concept = self.marked_concepts[mark.concept]
            self.marks.extend((self.n_token + i, concept, mark.value) for i in mark.tokens)
        self.n_token += length
        self.n_sentence += 1

    def _declare(self, sentence: Sentence, pending: dict[str, list[int]]) -> None:
        if self.n_sentence == 0:
            self.annotations = {name: Codes() for name in _free(sentence.annotations)}
        for name in COLUMNS:
            pending.setdefault(name, [])
        for name in self.annotations:
            pending.setdefault(f"{name}_id", [])
        if set(sentence.annotations) != set(self.annotations):
            raise UserError(
                f"The document {sentence.document!r} has the annotation columns {sorted(sentence.annotations)}, the "
                f"first sentence of the corpus has {sorted(self.annotations)}. All files of a corpus need the same "
                "columns."
            )

    def _block(self, columns: dict[str, list[int]]) -> xr.Dataset:
        types = {name: schema.VARIABLES[name].dtype if name in schema.VARIABLES else "int32" for name in columns}
        arrays = {name: ("time", np.array(column, dtype=types[name])) for name, column in columns.items()}
        return schema.attach_attrs(xr.Dataset(arrays))

    def tables(self) -> xr.Dataset:
        """Return the code tables and marks of all sentences seen so far."""
        tables: dict[str, list[str]] = {"type": list(self.types), "document_name": self.documents}
        tables |= {name: list(codes) for name, codes in self.annotations.items()}
        coords = {name: (name, np.array(values, dtype=object)) for name, values in tables.items()}
        starts = np.array(self.document_starts, dtype=schema.VARIABLES["document_start"].dtype)
        variables: dict[str, tuple[str, NDArray[np.generic]]] = {"document_start": ("document_name", starts)}
        if self.marks:
            coords["marked_concept"] = ("marked_concept", np.array(list(self.marked_concepts), dtype=object))
            names = ("mark_time", "mark_concept", "mark_value")
            for name, column in zip(names, zip(*self.marks, strict=True), strict=True):
                variables[name] = ("mark", np.array(column, dtype=schema.VARIABLES[name].dtype))
        return schema.attach_attrs(xr.Dataset(variables, coords))


def _free(names: Iterable[str]) -> list[str]:
    """Return the annotation columns if neither their tables nor their code columns have a name that is taken."""
    names = list(names)
    taken = {*schema.VARIABLES, *schema.DIMS, *(dim for v in schema.VARIABLES.values() for dim in v.dims)}
    for name in names:
        if name in taken or f"{name}_id" in taken | set(names):
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


def empty_corpus(builder: CorpusBuilder) -> UserError:
    """Return the error for a corpus without a token."""
    if builder.limited:
        return UserError(
            f"corpus.limit_tokens is {builder.limit_tokens}, but the first sentence alone is longer. Raise the limit."
        )
    return UserError("The corpus is empty: its files hold no sentence. Check corpus.path, corpus.format and documents.")
