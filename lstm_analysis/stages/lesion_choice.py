"""Which neurons a study lesions: those it has called, else the strongest of each concept."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ..analyses.lesion import NeuronSet
from ..neuron_listing import SENTENCE_POSITION
from ..run import Run
from ..selectivity import best_neurons, choose_concepts, position_scores, rank_neurons

log = logging.getLogger("lstm_analysis")

MOST = 64
"""Lesions of a study."""
MOST_OF_CONCEPT = 10
BEST = 3
"""Neurons of a concept, by its leading score, that count as selective if the concept's p says so, too."""

Chosen = dict[NeuronSet, list[str]]
"""Lesions, and the concepts that each was chosen for."""


def found_neurons(run: Run) -> Chosen:
    """Return the neurons to lesion: cliff neurons, idiom neurons, those called for categories; of a concept that the
    report shows and that has none the strongest one. The strongest `MOST` of them come first, and no more.
    """
    asked = run.record["study"]["analyses"]
    found: list[tuple[NeuronSet, str]] = []
    if "sentence_position" in asked and "cliff_neuron" in run.sentence_position:
        tuning = run.sentence_position
        table = rank_neurons(position_scores(tuning, run.selectivity), "cliff_mean", n=None)
        found += _named(table[table["cliff_neuron"] == 1], SENTENCE_POSITION)
    if "idioms" in asked:
        places = np.argwhere(run.idioms["idiom_neuron"].transpose("layer", "neuron").values)
        found += [(((int(layer), int(neuron)),), "idiom") for layer, neuron in places]
    found += _of_concepts(run, run.categories if "categories" in asked else None)
    chosen: Chosen = {}
    for lesion, concept in found:
        chosen.setdefault(lesion, [])
        if concept not in chosen[lesion]:
            chosen[lesion].append(concept)
    if len(chosen) > MOST:
        log.warning("lesion: %d neurons were found; the first %d are lesioned", len(chosen), MOST)
    return dict(list(chosen.items())[:MOST])


def _of_concepts(run: Run, categories: xr.Dataset | None) -> list[tuple[NeuronSet, str]]:
    """Return the neurons called for each concept, those of the largest effect first; the strongest of one without."""
    scores, called_ones, strongest = run.selectivity, [], []
    for source in choose_concepts(scores, float(run.record["study"]["selectivity"]["alpha"])):
        for concept in source.shown:
            name = str(scores["concept"].values[concept])
            if categories is not None and (categories["called"].isel(concept=concept) == 1).any():
                table = rank_neurons(scores.isel(concept=[concept]), "type_smd", concept=name, n=None)
                called = categories["called"].isel(concept=concept).transpose("layer", "neuron").values
                mine = table[called[table["layer"].to_numpy(), table["neuron"].to_numpy()] == 1]
                called_ones += _named(mine[:MOST_OF_CONCEPT], name)
            else:
                strongest += _named(best_neurons(scores, concept, n=1), name)
    return [*called_ones, *strongest]


def _named(table: pd.DataFrame, concept: str) -> list[tuple[NeuronSet, str]]:
    pairs = zip(table["layer"].tolist(), table["neuron"].tolist(), strict=True)
    return [(((int(layer), int(neuron)),), concept) for layer, neuron in pairs]


def selective_for(run: Run, lesions: Sequence[NeuronSet], concepts: Sequence[int], chosen: Chosen) -> "xr.DataArray":
    """Return for which concepts a neuron of each lesion is found, dims (lesion, concept).

    That is: called for it, or, where the study calls none, among its `BEST` strongest with ``p_fwer`` at most alpha; or
    the lesion was chosen for it.
    """
    scores, alpha = run.selectivity, float(run.record["study"]["selectivity"]["alpha"])
    names = [str(name) for name in scores["concept"].values]
    categories = run.categories if "categories" in run.record["study"]["analyses"] else None
    found = np.zeros((len(lesions), len(concepts)), bool)
    for column, concept in enumerate(concepts):
        known = _known_for(scores, categories, concept, alpha)
        for row, lesion in enumerate(lesions):
            found[row, column] = names[concept] in chosen.get(lesion, ()) or bool(known & set(lesion))
    return xr.DataArray(found, dims=("lesion", "concept"))


def _known_for(scores: xr.Dataset, categories: xr.Dataset | None, concept: int, alpha: float) -> set[tuple[int, int]]:
    if categories is not None:
        called = categories["called"].isel(concept=concept).transpose("layer", "neuron").values == 1
        if called.any():
            return {(int(layer), int(neuron)) for layer, neuron in np.argwhere(called)}
    if "p_fwer" not in scores:
        return set()
    best = best_neurons(scores, concept, n=BEST)
    best = best[best["p_fwer"] <= alpha]
    return set(zip(best["layer"].tolist(), best["neuron"].tolist(), strict=True))
