"""The type table of a summary as plain arrays, checked and in one order, and the effects of its types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError
from ..fixed_point import SCALE
from .strata import TypeClasses, classify_types, without_frequency
from .two_way import two_way_effects

TABLE_DIMS: dict[str, tuple[str, ...]] = {
    "table_type_id": ("table_type",),
    "type_n_token": ("table_type",),
    "type_pos": ("table_type",),
    "type_value_sum": ("table_type", "layer", "neuron"),
    "document_group_n_token": ("document_group",),
    "document_group_value_sum": ("document_group", "layer", "neuron"),
    "pair_type": ("pair",),
    "pair_document_group": ("pair",),
    "pair_n_token": ("pair",),
    "type_target_n_token": ("concept", "table_type"),
    "type_labelled_n_token": ("concept", "table_type"),
    "value_sd": ("layer", "neuron"),
}
"""What a type table is made of."""
_Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TypeTable:
    """Types in ascending order of ``table_type_id``, and the neurons that have values that differ.

    Parameters
    ----------
    type_id
        ``table_type_id``, dims (type).
    effect
        Type effects in token standard deviations of the neuron, without what document groups add and without what is
        linear in log frequency inside a stratum; dims (type, neuron).
    resolution
        `schema.RESOLUTION` in the same unit, dims (neuron).
    neuron
        Place of each of these neurons among all of (layer, neuron) taken as one, dims (neuron).
    classes
        What types are matched on.
    n_token
        Tokens of each type, dims (type).
    target, labelled
        Tokens of each type that are targets, that are targets or baseline; dims (concept, type).
    remark
        What has to be said of the effects; ``""`` if nothing.
    """

    type_id: NDArray[np.int64]
    effect: NDArray[np.float64]
    resolution: NDArray[np.float64]
    neuron: NDArray[np.int64]
    classes: TypeClasses
    n_token: NDArray[np.int64]
    target: NDArray[np.int64]
    labelled: NDArray[np.int64]
    remark: str


def read_type_table(columns: _Columns, asked: NDArray[np.bool_] | None = None) -> TypeTable:
    """Return the type table of a summary.

    Parameters
    ----------
    columns
        The variables `TABLE_DIMS` as arrays.
    asked
        Which neurons to read, dims (layer, neuron); all if it is not given.

    Raises
    ------
    UserError
        If a variable is missing, if a type appears twice, or if the counts of tokens contradict each other.
    """
    missing = [name for name in TABLE_DIMS if name not in columns]
    if missing:
        raise UserError(f"The type table lacks {', '.join(missing)}; make the summary again.")
    order = np.argsort(columns["table_type_id"], kind="stable")
    n_token = columns["type_n_token"][order]
    pair_type = np.argsort(order).astype(np.int32)[columns["pair_type"]]
    _check_counts(columns, n_token, pair_type)
    sd = columns["value_sd"].ravel()
    # Values within a span of `RESOLUTION` have at most half of it as standard deviation.
    neuron = np.flatnonzero((sd >= schema.RESOLUTION / 2) & (True if asked is None else asked.ravel()))
    type_sum = columns["type_value_sum"].reshape(len(order), len(sd))[order[:, None], neuron] / SCALE
    group_sum = columns["document_group_value_sum"].reshape(-1, len(sd))[:, neuron] / SCALE
    effects = two_way_effects(type_sum, group_sum, pair_type, columns["pair_document_group"], columns["pair_n_token"])
    n_group = len(np.unique(columns["pair_document_group"]))
    classes = _classes(columns, order, pair_type, n_group)
    return TypeTable(
        columns["table_type_id"][order],
        without_frequency(effects.type_effect, n_token, classes) / sd[neuron],
        schema.RESOLUTION / sd[neuron],
        neuron,
        classes,
        n_token,
        columns["type_target_n_token"][:, order],
        columns["type_labelled_n_token"][:, order],
        _remark(n_group, effects.n_component),
    )


def _classes(columns: _Columns, order: NDArray[np.int64], pair_type: NDArray[np.integer], n_group: int) -> TypeClasses:
    squares = columns["pair_n_token"].astype(np.float64) ** 2
    square_sum = np.bincount(pair_type, weights=squares, minlength=len(order)).astype(np.float64)
    pos = columns["type_pos"][order].astype(np.int64)
    return classify_types(
        columns["type_n_token"][order], pos if (pos >= 0).any() else None, square_sum if n_group > 1 else None
    )


def _check_counts(columns: _Columns, n_token: NDArray[np.int64], pair_type: NDArray[np.integer]) -> None:
    if len(np.unique(columns["table_type_id"])) != len(n_token):
        raise UserError("The type table has a word twice; make the summary again.")
    by_group = columns["document_group_n_token"]
    for name, found, index in (
        ("type_n_token", n_token, pair_type),
        ("document_group_n_token", by_group, columns["pair_document_group"]),
    ):
        expected = np.bincount(index, weights=columns["pair_n_token"], minlength=len(found))
        if not np.array_equal(found, expected):
            raise UserError(
                f"{name} adds up to {int(found.sum())} tokens, pair_n_token to {int(expected.sum())}, or they differ "
                "row by row: the type table and the document table are not of the same tokens; make the summary again."
            )


def _remark(n_group: int, n_component: int) -> str:
    if n_group <= 1:
        return "one document group only: type effects are plain means of types, and what documents add is in them"
    if n_component > 1:
        return (
            f"the documents fall into {n_component} parts without a word in common, between which nothing is taken out"
        )
    return ""
