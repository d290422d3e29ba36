"""The parts of the cards that show analyses: what each makes of a run, draws, and gives as a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from bokeh.model import Model

from .component_card import component_card, component_rows, draw_components
from .graded_card import draw_graded, graded_card, graded_rows
from .holdings import Holdings
from .lesion_card import concept_lesions, draw_concept_lesions, draw_neuron_lesions, lesion_rows, neuron_lesions
from .match_card import match_card, matched_rows
from .probe_card import chosen_rows, draw_probes, probe_rows, probed_concept, probed_neuron
from .replicate_card import replicate_rows
from .rhythm_card import draw_rhythm, rhythm_card
from .separability_card import draw_separability, separability_card, separability_rows
from .stretch import Neuron
from .training_card import training_card, training_rows


def draw_nothing(_holdings: Holdings, _of: Any, _card: Any) -> dict[str, Model]:
    """Return no figure."""
    return {}


@dataclass(frozen=True)
class Part:
    """A part of a card.

    Parameters
    ----------
    title
        Its heading.
    make
        A run and a neuron or concept to what the part shows; ``None`` where the run has nothing of the kind.
    draw
        The same, with what was made, to its figures by name.
    table
        A run and a neuron or concept to the part's table; ``None`` for a part that has none.
    """

    title: str
    make: Callable[[Holdings, Any], Any]
    draw: Callable[[Holdings, Any, Any], dict[str, Model]] = draw_nothing
    table: Callable[[Holdings, Any], pd.DataFrame | None] | None = None


def _lost(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    return lesion_rows(neuron_lesions(holdings, neuron))


def _lesions(holdings: Holdings, concept: str) -> pd.DataFrame | None:
    return lesion_rows(concept_lesions(holdings, concept))


STORES = ("tuning", "periodicity", "neuron_matching", "pca", "probes")
SHOWN = (*STORES, *(f"twin/{name}" for name in STORES), "lesion", "training_dynamics")
"""Datasets that parts show."""
OF_NEURON: dict[str, Part] = {
    "matched": Part("Neurons alike", match_card, table=matched_rows),
    "replicates": Part("In other trained models", replicate_rows, table=replicate_rows),
    "graded": Part("Graded variables", graded_card, draw_graded, graded_rows),
    "rhythm": Part("Periodicity", rhythm_card, draw_rhythm),
    "lost": Part("Without this neuron", neuron_lesions, draw_neuron_lesions, _lost),
    "chosen": Part("Sparse probes", probed_neuron, table=chosen_rows),
    "loadings": Part("Principal components", component_card, draw_components, component_rows),
    "training": Part("Over training", training_card, table=training_rows),
}
"""Parts of the card of a neuron, by the names of their templates and tables."""
OF_CONCEPT: dict[str, Part] = {
    "probes": Part("Sparse probes", probed_concept, draw_probes, probe_rows),
    "separability": Part("Told apart in components", separability_card, draw_separability, separability_rows),
    "lesions": Part("Lesions", concept_lesions, draw_concept_lesions, _lesions),
}
"""Parts of the card of a concept."""


def make_parts(parts: Mapping[str, Part], holdings: Holdings, of: Any) -> dict[str, Any]:
    """Return what each part shows of a neuron or a concept, by name; without those that the run has nothing for."""
    made = {name: part.make(holdings, of) for name, part in parts.items()}
    return {name: card for name, card in made.items() if card is not None}


def draw_parts(parts: Mapping[str, Part], holdings: Holdings, of: Any, made: Mapping[str, Any]) -> dict[str, Model]:
    """Return the figures of the parts that were made, by name."""
    figures: dict[str, Model] = {}
    for name, card in made.items():
        figures |= parts[name].draw(holdings, of, card)
    return figures


def titles_of(parts: Mapping[str, Part], made: Mapping[str, Any]) -> dict[str, str]:
    """Return the headings of the parts that were made, by name."""
    return {name: parts[name].title for name in made}
