"""A corpus read and written one sentence after the other: what reading in parts must equal byte for byte."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from lstm_analysis import schema
from lstm_analysis.corpus import PieceColumns, Sentence
from lstm_analysis.corpus.coding import Codes
from lstm_analysis.corpus.columns import column_dataset
from lstm_analysis.store import FINGERPRINT, new_store
from lstm_analysis.vocabulary import Vocabulary

COLUMNS = ("type_id", "document", "sentence", "sentence_position", "sentence_length")


@dataclass
class SequentialBuilder:
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
            length = len(forms) if self.pieces is None else self.pieces.cut(forms, begins, sentence.before)
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
        rows |= {name: [*values, *[schema.MISSING] * n_end] for name, values in sentence.numbers.items()}
        return rows

    def _declare(self, sentence: Sentence) -> None:
        if self.n_sentence == 0:
            self.annotations = {name: Codes() for name in sentence.annotations}

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


def write_sequentially(
    path: Path,
    sentences: Iterable[Sentence],
    builder: SequentialBuilder,
    vocabulary: Vocabulary,
    rows: int,
    fingerprint: str,
) -> dict[str, Any]:
    """Write the corpus store of the sentences, each column in one piece; return its counts."""
    encoder = Encoder(vocabulary)
    columns: dict[str, list[xr.DataArray]] = {}
    with new_store(path) as folder:
        group = zarr.open_group(folder, mode="w", zarr_format=3)
        for block in builder.blocks(sentences, rows):
            if builder.pieces is None:
                block = block.assign(token_id=("time", encoder.encode(builder.types, block["type_id"].values)))
            elif "piece_id" in block:
                encoder.count(block["piece_id"].values)
            elif "piece_first" not in block:  # else the sentences of this block came with the pieces of an earlier one
                encoder.count(block["token_id"].values)
            for name, column in block.items():
                columns.setdefault(str(name), []).append(column)
        for name, blocks in columns.items():
            _write(group, name, blocks, rows)
        tables = builder.tables().assign_attrs({FINGERPRINT: fingerprint})
        tables.to_zarr(folder, mode="a", consolidated=False, zarr_format=3)
    return {
        "n_token": builder.n_token,
        "n_sentence": builder.n_sentence,
        "n_document": len(builder.documents),
        "n_type": len(builder.types),
        "n_mark": len(builder.marks),
        "limited": builder.limited,
        "n_unknown": encoder.n_unknown,
    } | ({} if builder.pieces is None else {"n_piece": builder.pieces.n_piece, "n_word": builder.pieces.n_word})


class Encoder:
    """Rows of the vocabulary for types, each looked up once, and how often the unknown one was met.

    Parameters
    ----------
    vocabulary
        Of the model.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.n_unknown = 0
        self._token_of_type = np.zeros(0, np.int32)

    def encode(self, types: Iterable[str], type_id: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the row of each token, dims (time); ``types`` may have grown since the call before."""
        new = list(islice(types, len(self._token_of_type), None))
        if new:
            self._token_of_type = np.concatenate([self._token_of_type, self.vocabulary.encode(new)])
        token_id: NDArray[np.int32] = self._token_of_type[type_id]
        self.count(token_id)
        return token_id

    def count(self, token_id: NDArray[np.int32]) -> None:
        """Count the unknown among rows that the model reads."""
        if self.vocabulary.unknown is not None:
            self.n_unknown += int(np.count_nonzero(token_id == self.vocabulary.unknown))


def _write(group: zarr.Group, name: str, blocks: list[xr.DataArray], rows: int) -> None:
    variable = schema.VARIABLES.get(name)
    unknown = f"index in `{_table(name)}`" if name.endswith("_id") else "number that the corpus gives; -1 for none"
    values = np.concatenate([block.values for block in blocks])
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=(rows,),
        dtype=values.dtype,
        fill_value=0,
        dimension_names=[str(dim) for dim in blocks[0].dims],
        attributes=dict(variable.attrs) if variable else {"units": "1", "long_name": unknown},
    )
    array[:] = values


def _table(name: str) -> str:
    """Return the table of names that an annotation's column counts in."""
    return name.removeprefix("word_").removesuffix("_id")
