"""Whether a neuron runs in a period: what its spectral line is called, its numbers, the random twin's largest line."""

from dataclasses import dataclass

import numpy as np
from bokeh.model import Model

from ..analyses.periodicity.line_test import MIN_FRACTION
from ..report.periodicity_section import PeriodicNeuron, periodic_neuron, rhythm_counts
from ..report.spectrum_figure import spectrum_figure
from .holdings import Holdings
from .look import readable
from .stretch import Neuron

VERDICTS = {
    "periodic": "Periodic", "sentence-locked": "Locked to the sentences",
    "none": "Neither periodic nor locked to the sentences",
}  # fmt: skip


@dataclass(frozen=True)
class RhythmCard:
    """What is known of a neuron's rhythm. ``missing`` says why it was not tested, empty if it was.

    ``sharp`` is the share of its band that a sharp line has, ``longest`` the longest period tested, ``twin`` the
    neuron of the random twin with the largest line.
    """

    missing: str
    note: str = ""
    verdict: str = ""
    own: PeriodicNeuron | None = None
    twin: PeriodicNeuron | None = None
    sharp: float = np.nan
    longest: float = np.nan
    least: float = MIN_FRACTION


def rhythm_card(holdings: Holdings, neuron: Neuron) -> RhythmCard | None:
    """Return what is known of a neuron's rhythm; ``None`` if the study does not ask for it."""
    found = holdings.periodicity
    if found is None:
        return None
    note = str(found.attrs.get("note", ""))
    if "frequency" not in found.dims:
        return RhythmCard(note.removeprefix("not tested: "))
    own = periodic_neuron(found, *neuron, None)
    if own.verdict not in VERDICTS:
        return RhythmCard("it varies in too few segments", note)
    twin = holdings.of_twin("periodicity")
    return RhythmCard(
        missing="",
        note=note,
        verdict=VERDICTS[own.verdict],
        own=own,
        twin=None if twin is None else rhythm_counts(twin).best,
        sharp=(1 + 1 / int(found["n_taper"])) / 2,
        longest=1 / float(found["half_bandwidth"]),
    )


def draw_rhythm(holdings: Holdings, neuron: Neuron, card: RhythmCard) -> dict[str, Model]:
    """Return the spectrum of a neuron that was tested, against those of the random twin, or else of the model."""
    found, twin = holdings.periodicity, holdings.of_twin("periodicity")
    if card.missing or found is None:
        return {}
    others = found if twin is None or "frequency" not in twin.dims else twin
    return {"spectrum": readable(spectrum_figure(found, *neuron, others))}
