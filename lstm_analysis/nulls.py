"""Tests and intervals from Python: states and labels as arrays in, scores with p, q and intervals out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import reductions, schema, selectivity
from .errors import UserError
from .reductions.pilot import pilot_edges_of
from .reductions.states import check_columns, check_states
from .stages.columns import Blocks
from .stages.significance import assemble_shifts, measured, with_nulls
from .stages.tables import count_types, type_tables
from .state_store import neuron_chunk
from .tasks.columns import MOST_TOKENS, Documents, passages
from .tasks.significance import judge_neurons


@dataclass(frozen=True)
class _Arrays:
    """The values of a few neurons from an array in memory or a lazy one, and their labels."""

    states: xr.DataArray
    labels: xr.DataArray
    document_start: NDArray[np.int64]

    def passages(self) -> Iterator[Documents]:
        return passages(self.document_start)

    def values(self, start: int, end: int) -> NDArray[np.float32]:
        return np.asarray(self.states.isel(time=slice(start, end)).values, dtype=np.float32)

    def label(self, start: int, end: int) -> NDArray[np.int8]:
        return np.asarray(self.labels.isel(time=slice(start, end)).values)


def significance(
    scores: xr.Dataset,
    states: xr.DataArray,
    labels: xr.Dataset,
    *,
    draws: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
) -> xr.Dataset:
    """Return scores with their nulls and intervals.

    Two nulls: words are exchanged within strata where a concept is decided by its words (`selectivity.type_scores`),
    labels are shifted within documents elsewhere (`statistics.circular_shift`). Intervals are block jackknives over
    documents. Everything is done in this process, a passage of whole documents and a block of neurons at a time.

    Parameters
    ----------
    scores
        A result of `measure`, of these states and labels.
    states
        Hidden states, dims (time, layer, neuron), in memory or lazy.
    labels
        ``label`` (time, concept) with the coordinates ``type_id`` and ``document`` (time), as `label_corpus` and a run
        give them.
    draws, alpha, seed
        Of the nulls; share of intervals that may miss.

    Returns
    -------
    The scores, and ``p_value, p_fwer, q_value`` (concept, layer, neuron) with ``p_null`` (concept), the null that they
    come from or why there is none; what each null gives; ``auroc_low, auroc_high`` and so on.

    Raises
    ------
    UserError
        If the labels lack a coordinate, or belong to other tokens than the states.
    """
    check_states(states)
    check_columns(states, {"label": labels["label"]})
    corpus = _corpus(labels)
    summary = _summarize(states, labels["label"], corpus, seed)
    words = selectivity.type_scores(type_tables(summary, corpus), draws, seed, alpha)
    base, blocks = measured(scores, summary), Blocks()
    start = np.append(corpus["document_start"], states.sizes["time"])
    chunk = neuron_chunk(states.sizes["neuron"])
    for layer in range(states.sizes["layer"]):
        for first in range(0, states.sizes["neuron"], chunk):
            at: dict[str, Any] = {"layer": layer, "neuron": slice(first, first + chunk)}
            columns = _Arrays(states.isel(at), labels["label"], start)
            part = base.isel(at).reset_coords(drop=True)
            blocks[layer, first] = judge_neurons(columns, summary.isel(at), part, draws, alpha, seed)
    found = with_nulls(scores, words, assemble_shifts(blocks, scores), len(corpus["document_start"]))
    return schema.attach_attrs(found)


def _corpus(labels: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Return the columns of the corpus that the labels carry, with its documents counted from 0."""
    for name in ("type_id", "document"):
        if name not in labels.coords:
            raise UserError(
                f"The labels have no coordinate {name} (time), which the nulls need. Take them from label_corpus or "
                f"from a run, or add it: labels.assign_coords({name}=corpus.{name})."
            )
    columns = {name: np.asarray(labels[name].values) for name in ("type_id", "document")}
    new = np.diff(columns["document"], prepend=columns["document"][0] - 1) != 0
    columns["document"] = np.cumsum(new) - 1
    columns["document_start"] = np.flatnonzero(new)
    columns["type"] = np.arange(int(columns["type_id"].max()) + 1)
    return columns


def _summarize(states: xr.DataArray, label: xr.DataArray, corpus: dict[str, NDArray[Any]], seed: int) -> xr.Dataset:
    """Return the summary of the states with its type table, a passage at a time."""
    n_token = states.sizes["time"]
    rows = reductions.plan_type_rows(count_types(corpus), corpus["document_start"], n_token)
    edges = pilot_edges_of(states, seed).values
    summary = None
    for start in range(0, n_token, MOST_TOKENS):
        part = slice(start, start + MOST_TOKENS)
        block = reductions.summarize_block(
            states.isel(time=part).values, np.asarray(label.isel(time=part).values), bin_edge=edges,
            sentence_position=np.zeros(len(corpus["document"][part]), np.int64),
            type_id=corpus["type_id"][part], document=corpus["document"][part], type_rows=rows,
        )  # fmt: skip
        summary = block if summary is None else reductions.merge_summaries(summary, block)
    assert summary is not None
    coords = {name: label.coords[name] for name in ("concept", "source") if name in label.coords}
    return summary.assign(table_type_id=("table_type", rows.table_type_id)).assign_coords(coords)
