"""The section on training dynamics: when the neurons that are strongest at the end came to be so."""

import math
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import xarray as xr

from ..selectivity import RANKABLE, best_neurons, choose_concepts
from .duplicates import others_like
from .material import Material
from .numerals import neuron_name

N_PANEL, N_LINE = 6, 3
UNTRAINED = "untrained"


@dataclass(frozen=True)
class NeuronCourse:
    """A neuron through the epochs: its score at each, whether it is selective there, and its dates, NaN for none."""

    layer: int
    neuron: int
    scores: tuple[float, ...]
    selective: tuple[bool, ...]
    selective_since: float
    half_since: float
    duplicates: tuple[str, ...]

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)


@dataclass(frozen=True)
class ConceptCourse:
    """A concept: its strongest neurons at the end, distances from neutral of untrained ones, neurons selective.

    ``held_out`` has for each half of the words that a neuron is chosen on that neuron and its ``type_smd`` on the other
    half by epoch; empty where the concept is not decided by its words.
    """

    index: int
    name: str
    neurons: tuple[NeuronCourse, ...]
    untrained_best: float
    untrained_floor: float
    n_selective: tuple[int, ...]
    held_out: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True)
class CountCourse:
    """How many there are of something at each epoch."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class DynamicsSection:
    """What there is to show; ``no_dates`` says why no neuron counts as selective, empty if some can.

    ``same_start`` says whether the neurons of the untrained network, if there is one, are those of the other epochs.
    """

    measure: str
    neutral: float
    two_signed: bool
    same_start: bool
    alpha: float
    no_dates: str
    epochs: tuple[float, ...]
    concepts: tuple[ConceptCourse, ...]
    n_concept: int
    n_tested: int
    counts: tuple[CountCourse, ...]
    perplexity: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The epochs in words."""
        return tuple(map(self.label, self.epochs))

    @property
    def has_perplexity(self) -> bool:
        """Whether the perplexity of a checkpoint is known."""
        return any(math.isfinite(value) for value in self.perplexity)

    def label(self, epoch: float) -> str:
        """Return an epoch in words; a dash for NaN."""
        return "–" if math.isnan(epoch) else f"{epoch:g}" if epoch else UNTRAINED

    def before(self, epoch: float) -> str:
        """Return the epoch before in words; empty for NaN and where it is the untrained network, or there is none."""
        place = self.epochs.index(epoch) if epoch in self.epochs else 0
        return self.labels[place - 1] if place and self.epochs[place - 1] else ""


def dynamics_section(material: Material) -> DynamicsSection | None:
    """Return what the section shows; ``None`` if the study follows no training.

    Parameters
    ----------
    material
        The run.
    """
    found = material.training_dynamics
    if found is None:
        return None
    rule, measure = str(found.attrs["rule"]), str(found.attrs["measure"])
    return DynamicsSection(
        measure=measure,
        neutral=float(found.attrs["neutral"]),
        two_signed=RANKABLE[measure].two_signed,
        same_start=same_start(found),
        alpha=float(found.attrs["alpha"]),
        no_dates=rule.removeprefix("none: ") if rule.startswith("none: ") else "",
        epochs=tuple(found["epoch"].values.tolist()),
        concepts=tuple(_concept(material, found, index) for index in _chosen(material, found)),
        n_concept=found.sizes["concept"],
        n_tested=int(found["p_fwer"][-1].notnull().any(["layer", "neuron"]).sum()) if "p_fwer" in found else 0,
        counts=tuple(_counts(found)),
        perplexity=tuple(found["validation_perplexity"].values.tolist()),
    )


def same_start(found: xr.Dataset) -> bool:
    """Return whether the neurons of the untrained network, if there is one, are those of the other epochs."""
    return bool(found.attrs["same_start"]) or float(found["epoch"][0]) != 0


def _chosen(material: Material, found: xr.Dataset) -> list[int]:
    """Return the concepts to show, in their order: of the sources in turn, those with selective neurons first."""
    sources = [source.shown for source in choose_concepts(material.scores, material.alpha)]
    in_turn = [place for places in zip_longest(*sources) for place in places if place is not None]
    last = found.isel(epoch=-1)
    scored = [place for place in in_turn if last["best_neuron"].values[place] >= 0]
    return sorted(sorted(scored, key=lambda place: last["n_selective"].values[place] == 0)[:N_PANEL])


def _concept(material: Material, found: xr.Dataset, index: int) -> ConceptCourse:
    one = found.isel(concept=index)
    best = best_neurons(material.scores, index, str(found.attrs["measure"]), N_LINE)
    places = list(zip(best["layer"].tolist(), best["neuron"].tolist(), strict=True))
    return ConceptCourse(
        index=index,
        name=str(one["concept"].values),
        neurons=tuple(_neuron(material, one, layer, neuron) for layer, neuron in places),
        untrained_best=float(one["untrained_best"]),
        untrained_floor=float(one["untrained_floor"]),
        n_selective=tuple(one["n_selective"].values.tolist()),
        held_out=tuple(_held_out(one)),
    )


def _neuron(material: Material, one: xr.Dataset, layer: int, neuron: int) -> NeuronCourse:
    course = one.isel(layer=layer, neuron=neuron)
    scores = course[str(one.attrs["measure"])].where((course["epoch"] > 0) | same_start(one))
    group = material.scores["duplicate_of"].values if "duplicate_of" in material.scores else None
    return NeuronCourse(
        layer, neuron, tuple(scores.values.tolist()), tuple(course["selective"].values.tolist()),
        float(course["selective_since"]), float(course["half_since"]),
        () if group is None else others_like(group, layer, neuron),
    )  # fmt: skip


def _held_out(one: xr.Dataset) -> list[tuple[str, tuple[float, ...]]]:
    if "held_out_smd" not in one:
        return []
    halves = [one.isel(half=i) for i in range(one.sizes["half"])]
    return [
        (
            neuron_name(int(half["held_out_layer"]), int(half["held_out_neuron"])),
            tuple(half["held_out_smd"].values.tolist()),
        )
        for half in halves
        if half["held_out_neuron"] >= 0
    ]


def _counts(found: xr.Dataset) -> list[CountCourse]:
    """Return what the analyses call, counted at each epoch."""
    rows = [("concepts with a selective neuron", (found["n_selective"] > 0).sum("concept"))]
    flags = {"called": "neurons called for a concept by its words", "cliff_neuron": "cliff neurons",
             "idiom_neuron": "idiom neurons", "rhythm": "periodic neurons"}  # fmt: skip
    for name, words in flags.items():
        if name in found:
            flag = found[name] == 1
            rows.append((words, (flag.any("concept") if "concept" in flag.dims else flag).sum(["layer", "neuron"])))
    if "graded_neuron" in found:
        called = (found["graded_neuron"] == 1).sum(["layer", "neuron"])
        rows += [(f"neurons called for {name}", called.sel(variable=name)) for name in found["variable"].values]
    return [CountCourse(str(name), tuple(np.asarray(counts.values).tolist())) for name, counts in rows]
