"""The columns of coded sentences: one row a token along ``time``, and what lies beside them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from .. import schema
from .coded import Coded
from .piece_columns import Unit

Columns = dict[str, NDArray[np.integer]]
TIME = "time"


class Place(NamedTuple):
    """What comes before some sentences of a corpus: tokens, sentences, words, pieces and documents."""

    time: int = 0
    sentence: int = 0
    word: int = 0
    piece: int = 0
    document: int = 0

    def after(self, coded: Coded, n_sentence: int, unit: Unit) -> "Place":
        """Return the place after the first sentences of some; documents are counted by whoever numbers them."""
        n_word = int(coded.word_start[n_sentence])
        n_piece = 0 if coded.pieces is None else int(coded.piece_start[n_sentence])
        n_time = n_word if unit == "word" else n_piece
        return Place(self.time + n_time, self.sentence + n_sentence, self.word + n_word, self.piece + n_piece,
                     self.document)  # fmt: skip


def beside(pieces: bool, unit: Unit) -> str | None:
    """Return the dim of the columns that do not lie along ``time``, ``None`` if there are none.

    >>> beside(True, "word"), beside(True, "token"), beside(False, "word")
    ('piece', 'corpus_word', None)
    """
    return None if not pieces else "piece" if unit == "word" else "corpus_word"


def dim_start(coded: Coded, dim: str, unit: Unit) -> NDArray[np.int64]:
    """Return the first row on a dim of each sentence, and the end, dims (sentence)."""
    by_piece = dim == "piece" or (dim == TIME and unit == "token")
    return coded.piece_start if by_piece else coded.word_start


def columns_along(dim: str, coded: Coded, at: Place, unit: Unit) -> Columns:
    """Return the columns of sentences along one dim, in the order in which they are stored."""
    if dim == "piece":
        assert coded.pieces is not None
        return _typed({"piece_id": coded.pieces.piece_id})
    rows = _word_rows(coded, at)
    if dim == "corpus_word":
        return _typed({f"word_{name}": column for name, column in rows.items() if name != "document"})
    if coded.pieces is None:
        return _typed(rows)
    return _typed(rows | _last_pieces(coded, at) if unit == "word" else _piece_rows(coded, at, rows))


def _word_rows(coded: Coded, at: Place) -> Columns:
    """Return columns with one row a word."""
    n = coded.n_word
    rows: Columns = {
        "type_id": coded.type_id,
        "document": np.repeat(coded.document.astype(np.int64) + at.document, n),
        "sentence": np.repeat(np.arange(at.sentence, at.sentence + len(n), dtype=np.int64), n),
        "sentence_position": np.arange(len(coded.type_id)) - np.repeat(coded.word_start[:-1], n),
        "sentence_length": np.repeat(n, n),
    }
    return rows | {f"{name}_id": codes for name, codes in coded.annotations.items()} | dict(coded.numbers)


def _last_pieces(coded: Coded, at: Place) -> Columns:
    """Return the further columns of words beside their pieces."""
    pieces = coded.pieces
    assert pieces is not None
    first, last = (ends.astype(np.int64) + at.piece for ends in (pieces.first, pieces.last))
    return {"token_id": pieces.piece_id[pieces.last], "piece_first": first, "piece_last": last}


def _piece_rows(coded: Coded, at: Place, rows: Columns) -> Columns:
    """Return columns with one row a piece."""
    pieces = coded.pieces
    assert pieces is not None
    n = pieces.n_piece
    found = {name: column[pieces.word] for name, column in rows.items()}
    found["sentence_position"] = np.arange(len(pieces.piece_id)) - np.repeat(coded.piece_start[:-1], n)
    found["sentence_length"] = np.repeat(n, n)
    return found | {"token_id": pieces.piece_id, "word": pieces.word.astype(np.int64) + at.word}


def _typed(columns: Columns) -> Columns:
    return {name: column.astype(column_dtype(name), copy=False) for name, column in columns.items()}


def column_dtype(name: str) -> str:
    """Return the stored type of a column: the schema's, or that of codes and numbers."""
    return schema.VARIABLES[name].dtype if name in schema.VARIABLES else "int32"


def column_dataset(time: Mapping[str, ArrayLike], others: Mapping[str, ArrayLike]) -> xr.Dataset:
    """Return columns along ``time`` as a dataset, with those of another dim."""
    dim = "piece" if "piece_id" in others else "corpus_word"
    variables = {name: (TIME, np.asarray(column, column_dtype(name))) for name, column in time.items()}
    variables |= {name: (dim, np.asarray(column, column_dtype(name))) for name, column in others.items()}
    dataset: xr.Dataset = schema.attach_attrs(xr.Dataset(variables))
    return dataset
