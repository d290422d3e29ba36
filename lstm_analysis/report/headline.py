"""The headline table: for each concept its counts and its most selective neurons."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ..selectivity import MEASURES, rank_neurons
from .palette import style_class
from .scale import Scale

BEST = 3
"""Neurons that are shown of a concept."""
MANY = 12
"""A source with more concepts than this shows its strongest ones first."""
STRONGEST = 10
MIN_TOKEN = 5
"""Target tokens that a concept needs to count among the strongest."""
MIN_TYPE = 20
"""Distinct target types below which a concept's scores may be those of a few words."""


@dataclass(frozen=True)
class TopNeuron:
    """A selective neuron: where it is, its score, the style of its colour, and all its scores by measure.

    ``sign`` is 1 if it is higher at the target than at the baseline, -1 if it is lower.
    """

    layer: int
    neuron: int
    score: float
    sign: int
    style: str
    scores: dict[str, float]

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return f"{self.layer}:{self.neuron}"

    @property
    def extreme(self) -> str:
        """The end of the neuron's range that fits its sign."""
        return "lowest" if self.sign < 0 else "highest"


@dataclass(frozen=True)
class Row:
    """A concept: its place along ``concept``, its counts (target and baseline), its most selective neurons.

    ``strength`` is the distance of the best score from neutral, -1 if no neuron has a score.
    """

    index: int
    concept: str
    source: str
    counts: dict[str, int]
    neurons: tuple[TopNeuron, ...]
    strength: float

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


@dataclass(frozen=True)
class Group:
    """The concepts of a source: those to show at once, and the rest."""

    source: str
    shown: tuple[Row, ...]
    rest: tuple[Row, ...]


def headline(scores: xr.Dataset, scale: Scale) -> list[Group]:
    """Return the rows of the table by source, in the order of the study.

    Of a source with more than `MANY` concepts the pooled one and the strongest with at least `MIN_TOKEN` target tokens
    are shown; of equals the first.

    Parameters
    ----------
    scores
        A result of `selectivity.measure`, with the coordinate ``source`` (concept).
    scale
        Measure to rank by, and its range.
    """
    rows = [_row(scores, scale, index) for index in range(scores.sizes["concept"])]
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return [_group(source, members) for source, members in by_source.items()]


def _group(source: str, rows: list[Row]) -> Group:
    if len(rows) <= MANY:
        return Group(source, tuple(rows), ())
    pooled = [row for row in rows if row.pooled]
    strongest = sorted((row for row in rows if row.enough and not row.pooled), key=lambda row: -row.strength)
    shown = [*pooled, *strongest[:STRONGEST]]
    left = sorted((row for row in rows if row not in shown), key=lambda row: (-row.counts["n_token_target"], row.index))
    return Group(source, tuple(shown), tuple(left))


def _row(scores: xr.Dataset, scale: Scale, index: int) -> Row:
    one = scores.isel(concept=[index])
    concept = str(one["concept"].values[0])
    counts = {
        f"{name}_{group}": int(one[name].sel(group=group).item())
        for name in ("n_token", "n_type", "n_document")
        if name in one
        for group in ("baseline", "target")
    }
    best = rank_neurons(one, by=scale.measure, concept=concept, n=BEST)
    neurons = tuple(_top(entry, scale) for _, entry in best.iterrows())
    strength = abs(neurons[0].score - scale.neutral) if neurons else -1.0
    return Row(index, concept, str(one["source"].values[0]), counts, neurons, strength)


def _top(entry: "pd.Series[Any]", scale: Scale) -> TopNeuron:
    names = [scale.measure, *(name for name in MEASURES if name in entry and name != scale.measure)]
    companions = ["prevalence", "auroc_error_bound", "mutual_information_bias"]
    scores = {name: float(entry[name]) for name in [*names, *(name for name in companions if name in entry)]}
    score = scores[scale.measure]
    return TopNeuron(
        int(entry["layer"]), int(entry["neuron"]), score, int(np.sign(entry["sign"])),
        style_class(score, scale.neutral, scale.reach), scores,
    )  # fmt: skip
