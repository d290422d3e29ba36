"""The headline table: for each concept its counts, its most selective neurons, and what a random twin reaches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ..selectivity import MEASURES, best_neurons, choose_concepts
from .numerals import neuron_name
from .palette import style_class
from .scale import Scale

MIN_TOKEN = 5
"""Target tokens below which a concept's counts are marked."""
MIN_TYPE = 20
"""Distinct target types below which a concept's scores may be those of a few words."""
BESIDE = (
    "prevalence", "auroc_error_bound", "mutual_information_bias", "type_smd", "breadth", "p_value", "p_fwer", "q_value",
)  # fmt: skip
"""What stands beside a neuron's scores, as far as it is there."""
NULLS = {"word types": "words", "labels shifted": "shift", "none": "none"}
"""The short name of a null by how its description begins."""


@dataclass(frozen=True)
class TopNeuron:
    """A selective neuron: where it is, its score, the style of its colour, all its scores by name.

    ``sign`` is 1 if it is higher at the target than at the baseline, -1 if it is lower; ``duplicates`` are the neurons
    that do the same up to sign.
    """

    layer: int
    neuron: int
    score: float
    sign: int
    style: str
    scores: dict[str, float]
    duplicates: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)

    @property
    def extreme(self) -> str:
        """The end of the neuron's range that fits its sign."""
        return "lowest" if self.sign < 0 else "highest"


@dataclass(frozen=True)
class Row:
    """A concept: its place along ``concept``, its counts (target and baseline), its most selective neurons.

    ``null`` is the short name of the null its p come from and ``null_meaning`` the long one, both empty where no null
    was computed; ``twin`` is the random twin's most selective neuron.
    """

    index: int
    concept: str
    source: str
    counts: dict[str, int]
    neurons: tuple[TopNeuron, ...]
    null: str = ""
    null_meaning: str = ""
    twin: TopNeuron | None = None
    neutral: float = 0.0

    @property
    def pooled(self) -> bool:
        """Whether this is the one concept that goes by the name of its source."""
        return self.concept == self.source

    @property
    def few_types(self) -> bool:
        """Whether the target has too few distinct types to speak of more than these words."""
        return self.counts.get("n_type_target", MIN_TYPE) < MIN_TYPE

    @property
    def enough(self) -> bool:
        """Whether the target has enough tokens to be ranked among other concepts."""
        return self.counts["n_token_target"] >= MIN_TOKEN

    @property
    def twin_reaches(self) -> bool:
        """Whether the random twin's best neuron is as far from neutral as the model's."""
        if self.twin is None or not self.neurons:
            return False
        return abs(self.twin.score - self.neutral) >= abs(self.neurons[0].score - self.neutral)


@dataclass(frozen=True)
class Group:
    """The concepts of a source: those to show at once, and the rest."""

    source: str
    shown: tuple[Row, ...]
    rest: tuple[Row, ...]


def headline(scores: xr.Dataset, scale: Scale, alpha: float = 0.05, twin: xr.Dataset | None = None) -> list[Group]:
    """Return the rows of the table by source, in the order of the study; see `choose_concepts`.

    Parameters
    ----------
    scores
        A result of `selectivity.measure`, with the coordinate ``source`` (concept).
    scale
        Measure to rank by, and its range.
    alpha
        Level of the tests.
    twin
        The same scores of a random twin.
    """
    groups = []
    for chosen in choose_concepts(scores, alpha):
        shown, rest = (tuple(_row(scores, scale, i, twin) for i in part) for part in (chosen.shown, chosen.rest))
        groups.append(Group(chosen.source, shown, rest))
    return groups


def _row(scores: xr.Dataset, scale: Scale, index: int, twin: xr.Dataset | None) -> Row:
    one = scores.isel(concept=index)
    counts = {
        f"{name}_{group}": int(one[name].sel(group=group).item())
        for name in ("n_token", "n_type", "n_document")
        if name in one
        for group in ("baseline", "target")
    }
    counts |= {name: int(one[name].item()) for name in ("n_type_member", "n_type_matched", "few_types") if name in one}
    neurons = top_neurons(scores, scale, index)
    meaning = str(one["p_null"].values) if "p_null" in one else ""
    concept, source = str(one["concept"].values), str(one["source"].values)
    best_of_twin = () if twin is None else _of_twin(twin, scale, concept, source)
    return Row(
        index, concept, source, counts, neurons, null_name(meaning), meaning,
        best_of_twin[0] if best_of_twin else None, scale.neutral,
    )  # fmt: skip


def null_name(meaning: str) -> str:
    """Return the short name of a null: ``words``, ``shift`` or ``none``; another one as it is."""
    return next((short for start, short in NULLS.items() if meaning.startswith(start)), meaning)


def null_meanings(groups: list[Group]) -> dict[str, str]:
    """Return the meaning of each null that concepts have, by its short name; reasons for none are not told."""
    rows = [row for group in groups for row in (*group.shown, *group.rest)]
    meanings = {row.null: row.null_meaning for row in rows if row.null not in ("", "none")}
    return meanings | ({"none": "for the reason that the pointer shows"} if any(r.null == "none" for r in rows) else {})


def top_neurons(scores: xr.Dataset, scale: Scale, index: int, n: int = 3) -> tuple[TopNeuron, ...]:
    """Return the most selective neurons for the concept at a place along ``concept``, duplicates as one."""
    best = best_neurons(scores, index, scale.measure, n)
    return tuple(_top(entry, scale) for _, entry in best.iterrows())


def _of_twin(twin: xr.Dataset, scale: Scale, concept: str, source: str) -> tuple[TopNeuron, ...]:
    same = np.flatnonzero((twin["concept"].values == concept) & (twin["source"].values == source))
    return top_neurons(twin, scale, int(same[0]), 1) if len(same) and scale.measure in twin else ()


def _top(entry: "pd.Series[Any]", scale: Scale) -> TopNeuron:
    names = [scale.measure, *(name for name in MEASURES if name in entry and name != scale.measure)]
    names += [f"{name}_{end}" for name in names for end in ("low", "high") if f"{name}_{end}" in entry]
    scores = {name: float(entry[name]) for name in [*names, *(name for name in BESIDE if name in entry)]}
    score = scores[scale.measure]
    same = tuple(str(entry["duplicates"]).split(", ")) if entry.get("duplicates") else ()
    return TopNeuron(
        int(entry["layer"]), int(entry["neuron"]), score, int(np.sign(entry["sign"])),
        style_class(score, scale.neutral, scale.reach), scores, same,
    )  # fmt: skip
