"""Sums by surface form and by group of documents: what tests that exchange words, not tokens, are read off."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError
from ..fixed_point import LOW_BITS, LOW_MASK, SCALE, carry
from ..schema import LAST_POSITION
from .states import by_neuron, check_same_tokens

MIN_TYPE_TOKEN = 5
MAX_TYPE = 1 << 14
MIN_GROUP_TOKEN = 100
MAX_GROUP = 1 << 12
_NEURON = ("layer", "neuron")
_SCALE, _ZERO = np.float32(SCALE), np.float32(0)


@dataclass(frozen=True)
class TypeRows:
    """Which types have a row of the type table, and which documents are taken together.

    Parameters
    ----------
    type_row
        Row of each type, -1 for types without one, dims (type).
    document_group
        Group of each document, dims (document).
    """

    type_row: NDArray[np.int32]
    document_group: NDArray[np.int32]

    @property
    def n_type(self) -> int:
        """Rows of the type table."""
        return int(self.type_row.max(initial=-1)) + 1

    @property
    def n_group(self) -> int:
        """Groups of documents."""
        return int(self.document_group.max(initial=-1)) + 1

    @property
    def table_type_id(self) -> NDArray[np.int32]:
        """The type of each row, dims (table_type)."""
        types = np.flatnonzero(self.type_row >= 0)
        return types[np.argsort(self.type_row[types])].astype(np.int32)


def plan_type_rows(
    type_n_token: NDArray[np.integer],
    document_start: NDArray[np.integer],
    n_token: int,
    *,
    min_token: int = MIN_TYPE_TOKEN,
    max_type: int = MAX_TYPE,
) -> TypeRows:
    """Return the rows of the type table of a corpus.

    Parameters
    ----------
    type_n_token
        Tokens of each type, dims (type).
    document_start
        First token of each document, dims (document).
    n_token
        Tokens of the corpus.
    min_token, max_type
        A type needs so many tokens; of more types the most frequent ones have a row, of equals the first.

    Examples
    --------
    >>> plan_type_rows(np.array([9, 2, 7]), np.array([0, 8]), 18).type_row.tolist()
    [0, -1, 1]
    """
    return TypeRows(frequent_rows(type_n_token, min_token, max_type), group_documents(document_start, n_token))


def frequent_rows(
    type_n_token: NDArray[np.integer], min_token: int = MIN_TYPE_TOKEN, max_type: int = MAX_TYPE
) -> NDArray[np.int32]:
    """Return the row of each type in a table of the frequent ones, -1 for none; parameters as of `plan_type_rows`."""
    order = np.argsort(-type_n_token.astype(np.int64), kind="stable")[:max_type]
    kept = np.sort(order[type_n_token[order] >= min_token])
    row = np.full(len(type_n_token), -1, dtype=np.int32)
    row[kept] = np.arange(len(kept))
    return row


def group_documents(document_start: NDArray[np.integer], n_token: int) -> NDArray[np.int32]:
    """Return the group of each document, dims (document): neighbours together until a group has tokens enough.

    A group has at least `MIN_GROUP_TOKEN` tokens, because a mean of a few tokens says nothing of a topic, and there
    are at most `MAX_GROUP` groups; the last one may be smaller.

    Examples
    --------
    >>> group_documents(np.array([0, 60, 130, 400, 410]), 600).tolist()
    [0, 0, 1, 2, 2]
    """
    least = max(MIN_GROUP_TOKEN, -(-n_token // MAX_GROUP))
    group = np.empty(len(document_start), dtype=np.int32)
    current, began = 0, 0
    for d, start in enumerate(document_start.tolist()):
        if start - began >= least:
            current, began = current + 1, start
        group[d] = current
    return group


def add_by_type(
    values: NDArray[np.float32],
    label: NDArray[np.int8],
    sentence_position: NDArray[np.integer] | None,
    type_id: NDArray[np.integer],
    document: NDArray[np.integer],
    rows: TypeRows,
) -> xr.Dataset:
    """Return the exact sums of a block by type and by group of documents.

    Parameters
    ----------
    values
        `bounded` values, dims (time, layer, neuron).
    label
        Dims (time, concept).
    sentence_position, type_id, document
        Columns of the corpus, dims (time).
    rows
        The rows of the tables.

    Returns
    -------
    ``type_n_token`` (table_type), ``type_value_sum`` (table_type, layer, neuron); of the tokens whose type has a row
    ``document_group_n_token`` (document_group), ``document_group_value_sum`` (document_group, layer, neuron);
    ``table_square_sum_high, table_square_sum_low`` (layer, neuron);
    ``type_target_n_token, type_labelled_n_token`` (concept, table_type); with positions also ``position_type_n_token``
    (sentence_position, table_type) and, of the same tokens, ``position_table_value_sum`` (sentence_position, layer,
    neuron). All of int64.

    Raises
    ------
    UserError
        If a type or a document is not among those of the rows.
    """
    check_same_tokens(values, label=label, type_id=type_id, document=document)
    for name, column, known in (("type", type_id, rows.type_row), ("document", document, rows.document_group)):
        if len(column) and (column.min() < 0 or column.max() >= len(known)):
            raise UserError(f"The {name}s of the type table are 0 to {len(known) - 1}, found {column.max()}.")
    row = rows.type_row[type_id].astype(np.int64)
    group = np.where(row >= 0, rows.document_group[document], -1).astype(np.int64)
    places = np.zeros_like(row) if sentence_position is None else np.minimum(sentence_position, LAST_POSITION)
    position = np.where(row >= 0, places, -1).astype(np.int64)
    flat, shape = by_neuron(values), values.shape[1:]
    n_type, n_group, n_position = rows.n_type, rows.n_group, LAST_POSITION + 1
    sums = [np.zeros((n, flat.shape[1]), np.int64) for n in (n_type, n_group, n_position, 2)]
    _add_rows(flat, row, group, position, *sums)
    by_type, by_group, by_position, squares = (part.reshape(len(part), *shape) for part in sums)
    high, low = carry(squares[0], squares[1])
    counts = np.zeros((2, label.shape[1], n_type), np.int64)
    _count_labels(np.ascontiguousarray(label), row, counts)
    found: dict[str, tuple[tuple[str, ...], NDArray[np.int64]]] = {
        "type_n_token": (("table_type",), _count(row, n_type)),
        "type_value_sum": (("table_type", *_NEURON), by_type),
        "document_group_n_token": (("document_group",), _count(group, n_group)),
        "document_group_value_sum": (("document_group", *_NEURON), by_group),
        "table_square_sum_high": (_NEURON, high),
        "table_square_sum_low": (_NEURON, low),
        "type_target_n_token": (("concept", "table_type"), counts[1]),
        "type_labelled_n_token": (("concept", "table_type"), counts.sum(axis=0)),
    }
    if sentence_position is not None:
        table = _count(np.where(row >= 0, position * n_type + row, -1), n_position * n_type)
        found["position_type_n_token"] = (("sentence_position", "table_type"), table.reshape(n_position, n_type))
        found["position_table_value_sum"] = (("sentence_position", *_NEURON), by_position)
    return xr.Dataset(found)


def _count(index: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.bincount(index[index >= 0], minlength=n).astype(np.int64)


@compiled
def _add_rows(
    values: NDArray[np.float32],
    row: NDArray[np.int64],
    group: NDArray[np.int64],
    position: NDArray[np.int64],
    by_type: NDArray[np.int64],
    by_group: NDArray[np.int64],
    by_position: NDArray[np.int64],
    squares: NDArray[np.int64],
) -> None:
    """Add each token of ``values`` (time, neuron) that has a ``row`` to the sums of its type, documents, position."""
    for t in range(values.shape[0]):
        if row[t] >= 0:
            r, g, p = row[t], group[t], position[t]
            for j in range(values.shape[1]):
                value = values[t, j] if values[t, j] == values[t, j] else _ZERO
                q = np.int64(np.int32(np.rint(value * _SCALE)))
                square = q * q
                by_type[r, j] += q
                by_group[g, j] += q
                by_position[p, j] += q
                squares[0, j] += square >> LOW_BITS
                squares[1, j] += square & LOW_MASK


@compiled
def _count_labels(label: NDArray[np.int8], row: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    """Count the labels 0 and 1 (time, concept) of each type row in ``counts`` (label, concept, row)."""
    for t in range(label.shape[0]):
        if row[t] >= 0:
            for k in range(label.shape[1]):
                if label[t, k] >= 0:
                    counts[label[t, k], k, row[t]] += 1
