"""The sections of the page on analyses, and the figures that they show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.model import Model

from .active_curves import active_curves
from .category_section import category_section
from .cliff_figure import cliff_figure
from .dynamics_figure import dynamics_figure, perplexity_figure
from .dynamics_section import DynamicsSection, dynamics_section
from .forest import forest
from .graded_figure import graded_figure
from .idiom_section import IdiomSection, best_in, by_occurrences, idiom_section
from .lesion_figure import lesion_figure
from .lesion_section import LEAD, LesionSection, lesion_section
from .match_section import match_section
from .matching_section import MatchingSection, matching_figure, matching_section
from .material import Material
from .pca_figures import idiom_scatter, scree, word_scatter
from .pca_section import PcaSection, pca_section
from .periodicity_section import PeriodicitySection, periodicity_section
from .position_section import PositionSection, example_trace, position_section
from .probe_section import ProbeSection, probe_curves, probe_section
from .spectrum_figure import spectrum_figure
from .tuning_curve import tuning_curve
from .tuning_section import GradedVariable, tuning_section

Figures = dict[str, Model]


def draw_nothing(_material: Material, _section: Any) -> Figures:
    """Return no figure."""
    return {}


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Parameters
    ----------
    make
        The datasets of a run to what the section shows; nothing where the study leaves the analysis out.
    draw
        Both to its figures by name; those that have nothing to show are left out.
    """

    make: Callable[[Material], Any]
    draw: Callable[[Material, Any], Figures] = draw_nothing


def draw_position(material: Material, position: PositionSection | None) -> Figures:
    """Return the figures of the neuron that follows the position in the sentence best."""
    if position is None or position.best is None or material.tuning is None:
        return {}
    place = (position.best.layer, position.best.neuron)
    figures: Figures = {"best-tuning": tuning_curve(material.tuning, *place)}
    figures["cliff"] = cliff_figure(material.tuning, *place)
    if position.example is not None:
        figures["trace"] = example_trace(material, position.best)
    return figures


def draw_idioms(material: Material, idioms: IdiomSection | None) -> Figures:
    """Return the forest of the best neuron of idioms, and the curves of active neurons."""
    figures: Figures = {}
    if idioms is None or material.idioms is None:
        return figures
    if idioms.best:
        best = best_in(material.idioms, idioms.primary)[0]
        figures["forest"] = forest(material.idioms, *best, by_occurrences(material.idioms))
    if idioms.idioms:
        figures["active"] = active_curves(material.idioms)
    return figures


def draw_graded(material: Material, graded: list[GradedVariable]) -> Figures:
    """Return the curves of the neurons that follow each graded variable."""
    return {f"graded-{one.index}": graded_figure(material, one) for one in graded if one.neurons}


def draw_spectra(material: Material, section: PeriodicitySection | None) -> Figures:
    """Return the spectra that the section on periodicity shows."""
    found, twin = material.periodicity, material.of_twin.periodicity
    if section is None or found is None or section.missing:
        return {}
    others = found if twin is None or "frequency" not in twin.dims else twin
    return {
        f"spectrum-{one.layer}-{one.neuron}": spectrum_figure(found, one.layer, one.neuron, others)
        for one in section.drawn
    }


def draw_matching(material: Material, section: MatchingSection | None) -> Figures:
    """Return how many neurons reach which correlation."""
    return {} if section is None else {"matching": matching_figure(material)}


def draw_components(material: Material, section: PcaSection | None) -> Figures:
    """Return the shares of variance and the scatter plots of principal components, the twin's beside."""
    if section is None or material.pca is None:
        return {}
    twin = material.of_twin.pca
    figures: Figures = {"scree": scree(material.pca, twin)}
    for concept, space in section.scatters:
        figures[f"words-{concept}"] = word_scatter(material.pca, concept, space)
        if twin is not None:
            figures[f"words-{concept}-twin"] = word_scatter(twin, concept, space, " (random twin)")
    if section.has_occurrences:
        figures["occurrences"] = idiom_scatter(material.pca)
    return figures


def draw_probes(_material: Material, probes: ProbeSection | None) -> Figures:
    """Return how well few neurons tell each concept."""
    return {} if probes is None or not probes.lines else {"probes": probe_curves(probes)}


def draw_lesions(material: Material, lesions: LesionSection | None) -> Figures:
    """Return the figure of lesions beside random neurons, nothing where there is no row."""
    if lesions is None or not lesions.cells or material.lesion is None:
        return {}
    return {"lesions": lesion_figure(material.lesion.sel(prediction=LEAD), lesions.places)}


def draw_dynamics(_material: Material, dynamics: DynamicsSection | None) -> Figures:
    """Return the scores of each shown concept's strongest neurons by epoch, and the perplexity if it is known."""
    if dynamics is None:
        return {}
    figures: Figures = {f"dynamics-{one.index}": dynamics_figure(dynamics, one) for one in dynamics.concepts}
    if dynamics.has_perplexity:
        figures["dynamics-perplexity"] = perplexity_figure(dynamics)
    return figures


SECTIONS: dict[str, Section] = {
    "categories": Section(category_section),
    "idioms": Section(idiom_section, draw_idioms),
    "phrases": Section(match_section),
    "position": Section(position_section, draw_position),
    "graded": Section(tuning_section, draw_graded),
    "periodicity": Section(periodicity_section, draw_spectra),
    "matching": Section(matching_section, draw_matching),
    "pca": Section(pca_section, draw_components),
    "probes": Section(probe_section, draw_probes),
    "lesions": Section(lesion_section, draw_lesions),
    "dynamics": Section(dynamics_section, draw_dynamics),
}
"""By the name that the templates know them by, in the order of the page."""


def make_sections(material: Material) -> dict[str, Any]:
    """Return what each section shows, by name.

    Parameters
    ----------
    material
        The datasets of a run.
    """
    return {name: section.make(material) for name, section in SECTIONS.items()}


def draw_sections(material: Material, made: Mapping[str, Any]) -> Figures:
    """Return the figures of all sections by name.

    Parameters
    ----------
    material
        The datasets of a run.
    made
        What each section shows.
    """
    figures: Figures = {}
    for name, section in SECTIONS.items():
        figures |= section.draw(material, made[name])
    return figures
