"""The evidence for the concepts the page shows in full: passages where their most selective neurons are extreme."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .headline import Group, Row, TopNeuron
from .material import Material
from .occurrences import random_occurrences
from .passages import OFFSETS, Passage, around, passage, read_words

FEW = 3
"""Concepts that are shown in full of a source with many."""


@dataclass(frozen=True)
class NeuronEvidence:
    """A neuron with the passages where it is extreme and, if states are stored, at random targets of the concept."""

    neuron: TopNeuron
    extreme: tuple[Passage, ...]
    random: tuple[Passage, ...]


@dataclass(frozen=True)
class ConceptEvidence:
    """A concept with the evidence for its most selective neurons."""

    row: Row
    neurons: tuple[NeuronEvidence, ...]


def shown_in_full(groups: Iterable[Group]) -> list[Row]:
    """Return the concepts to show in full: all that are shown, but few of a source with many; none without a score."""
    rows: list[Row] = []
    for group in groups:
        pooled = [row for row in group.shown if row.pooled]
        single = [row for row in group.shown if not row.pooled]
        rows += [*pooled, *(single[:FEW] if group.rest else single)]
    return [row for row in rows if row.neurons]


def gather_evidence(material: Material, rows: list[Row]) -> list[ConceptEvidence]:
    """Return the evidence for some concepts.

    Parameters
    ----------
    material
        The run.
    rows
        The concepts.
    """
    concepts = [row.index for row in rows]
    contexts = {(row.index, top.name): _context(material.contexts, top) for row in rows for top in row.neurons}
    random = {concept: np.empty(0, np.int64) for concept in concepts}
    if material.states is not None and rows:
        random = random_occurrences(material.labels["label"], concepts, int(material.study.get("seed", 0)))
    times = [context["context_time"].values for context in contexts.values()] + list(random.values())
    needed = np.concatenate([np.empty(0, np.int64), *times])
    words = read_words(material, around(needed, material.corpus.sizes["time"]), concepts)
    return [
        ConceptEvidence(
            row,
            tuple(
                NeuronEvidence(
                    top,
                    _passages(material, words, row.index, contexts[row.index, top.name]),
                    _passages(material, words, row.index, _read(material.states, top, random[row.index])),
                )
                for top in row.neurons
            ),
        )
        for row in rows
    ]


def _context(contexts: xr.Dataset, top: TopNeuron) -> xr.Dataset:
    """Return where a neuron is extreme: ``context_time`` (rank), ``context_value`` (rank, offset)."""
    one = contexts[["context_time", "context_value"]].sel(extreme=top.extreme).isel(layer=top.layer, neuron=top.neuron)
    one = one.reset_coords(drop=True).sel(offset=OFFSETS).transpose("rank", "offset")
    return one.isel(rank=np.flatnonzero(one["context_time"].values >= 0))


def _read(states: xr.DataArray | None, top: TopNeuron, time: NDArray[np.int64]) -> xr.Dataset:
    """Return the stored values of a neuron around some tokens, in the form of `_context`."""
    value = np.full((len(time), OFFSETS.size), np.nan, np.float32)
    for i, at in enumerate(time.tolist() if states is not None else []):
        assert states is not None
        start, stop = max(0, at + OFFSETS[0]), min(states.sizes["time"], at + OFFSETS[-1] + 1)
        rows = states.isel(time=slice(start, stop), layer=top.layer, neuron=top.neuron)
        value[i, start - at - OFFSETS[0] : stop - at - OFFSETS[0]] = rows.compute(scheduler="synchronous").values
    return xr.Dataset({"context_time": ("rank", time), "context_value": (("rank", "offset"), value)})


def _passages(material: Material, words: xr.Dataset, concept: int, context: xr.Dataset) -> tuple[Passage, ...]:
    pairs = zip(context["context_time"].values.tolist(), context["context_value"].values, strict=True)
    return tuple(passage(material, words, concept, time, value) for time, value in pairs)
