"""The tables of words that tests over word types are read off: sums of the one pass, counts of the corpus."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from .. import fixed_point, reductions
from ..store import open_dataset

COLUMN_TOKENS = 1 << 20
"""Tokens of a column of the corpus that are held at once."""
_KEPT = (
    "table_type_id", "type_n_token", "type_value_sum", "document_group_n_token", "document_group_value_sum",
    "type_target_n_token", "type_labelled_n_token", "position_type_n_token", "position_table_value_sum",
    "table_square_sum_high", "table_square_sum_low", "value_min", "value_max",
)  # fmt: skip
_MOMENTS = ("position_n_token", "position_value_sum", "position_square_sum_high", "position_square_sum_low")


def type_tables(summary: xr.Dataset, corpus: Mapping[str, Any]) -> xr.Dataset:
    """Return what is known of each frequent type of a corpus.

    Parameters
    ----------
    summary
        With the type table, in memory.
    corpus
        The columns ``type_id, document`` and, if there are parts of speech, ``pos_id`` (time), the tables ``type`` and
        ``document_start``; a Zarr group or a dataset. Columns are read once, in pieces.

    Returns
    -------
    The ``type_`` and ``document_group_`` variables of the summary; ``pair_type, pair_document_group, pair_n_token``
    (pair); ``type_n_document`` and ``type_pos`` (table_type), the latter the most frequent part of speech, -1 where the
    corpus has none; ``value_sd`` (layer, neuron) over all tokens.
    """
    tables = summary[[name for name in _KEPT if name in summary]]
    rows, n_type = table_rows(summary, corpus), summary.sizes["table_type"]
    by_group, by_document, found = reductions.PairCounter(), reductions.PairCounter(), []
    n_document = np.zeros(n_type, np.int64)
    tags = np.zeros((n_type, corpus["pos"].shape[0] if "pos_id" in corpus else 0), np.int64)
    for type_id, document, tag in columns(corpus, "type_id", "document", "pos_id"):
        row = rows.type_row[type_id]
        known = row >= 0
        found.append(by_group.add(row[known], rows.document_group[document[known]]))
        n_document += np.bincount(by_document.add(row[known], document[known])[:, 0], minlength=n_type)
        if tags.size:
            np.add.at(tags, (row[known], tag[known]), 1)
    pairs = np.concatenate([*found, by_group.close()])
    n_document += np.bincount(by_document.close()[:, 0], minlength=n_type)
    every = summary[list(_MOMENTS)].sum("sentence_position")
    return tables.assign(
        {
            "pair_type": ("pair", pairs[:, 0]),
            "pair_document_group": ("pair", pairs[:, 1]),
            "pair_n_token": ("pair", pairs[:, 2]),
            "type_n_document": ("table_type", n_document),
            "type_pos": ("table_type", tags.argmax(axis=1) if tags.size else np.full(n_type, -1)),
            "value_sd": fixed_point.variance(every, "position_").where(summary["value_min"].notnull()) ** 0.5,
        }
    )


def run_tables(run: Path) -> xr.Dataset:
    """Return the `type_tables` of a run; of its summary no more is read than they are made of."""
    summary = open_dataset(run / "summary.zarr")
    return type_tables(summary[[name for name in (*_KEPT, *_MOMENTS) if name in summary]].load(), corpus_columns(run))


def corpus_columns(run: Path) -> Mapping[str, Any]:
    """Return the columns of a run's corpus, read piece by piece."""
    return cast(Mapping[str, Any], zarr.open_group(run / "corpus.zarr", mode="r"))


def table_rows(summary: xr.Dataset, corpus: Mapping[str, Any]) -> reductions.TypeRows:
    """Return the rows that the tables of a summary have."""
    type_row = np.full(corpus["type"].shape[0], -1, dtype=np.int32)
    type_row[summary["table_type_id"].values] = np.arange(summary.sizes["table_type"])
    starts = np.asarray(corpus["document_start"][:])
    return reductions.TypeRows(type_row, reductions.group_documents(starts, corpus["type_id"].shape[0]))


def count_types(corpus: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the tokens of each type, dims (type)."""
    counts = np.zeros(corpus["type"].shape[0], dtype=np.int64)
    for (type_id,) in columns(corpus, "type_id"):
        counts += np.bincount(type_id, minlength=len(counts))
    return counts


def columns(corpus: Mapping[str, Any], *names: str) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yield pieces of some columns of the corpus, in order; of a column it lacks an empty one."""
    for start in range(0, corpus["type_id"].shape[0], COLUMN_TOKENS):
        part = slice(start, start + COLUMN_TOKENS)
        yield tuple(np.asarray(corpus[name][part] if name in corpus else []) for name in names)
