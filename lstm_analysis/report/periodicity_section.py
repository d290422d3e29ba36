"""The section on periodicity: neurons with a period of their own, those that follow the sentences, or the nearest."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analyses.periodicity import NONE, NOT_TESTED, PERIODIC, SENTENCE_LOCKED
from .duplicates import others_like
from .material import Material
from .numerals import neuron_name

N_NEURON, N_SPECTRUM = 8, 4
VERDICTS = {PERIODIC: "periodic", SENTENCE_LOCKED: "sentence-locked", NONE: "none", NOT_TESTED: "not tested"}
SCORES = (
    "period", "line_fraction", "line_band_share", "p_value", "p_fwer", "line_fraction_residual",
    "line_fraction_shuffled", "sentence_coherence", "n_segment",
)  # fmt: skip


@dataclass(frozen=True)
class PeriodicNeuron:
    """A neuron with its scores by name, F of its line, and what it is called."""

    layer: int
    neuron: int
    verdict: str
    f_stat: float
    scores: dict[str, float]
    duplicates: tuple[str, ...]

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)


@dataclass(frozen=True)
class RhythmCounts:
    """Neurons by what they are called, and the largest line of all."""

    n_periodic: int
    n_locked: int
    n_tested: int
    best: PeriodicNeuron | None


@dataclass(frozen=True)
class PeriodicitySection:
    """What there is to show. ``missing`` says why nothing was tested, empty if it was.

    ``longest`` is the longest period tested, ``sharp`` the share of its band that a sharp line has.
    """

    missing: str
    note: str
    longest: float
    sharp: float
    sentences_matter: bool
    neurons: tuple[PeriodicNeuron, ...]
    own: RhythmCounts
    twin: RhythmCounts | None

    @property
    def drawn(self) -> tuple[PeriodicNeuron, ...]:
        """The neurons whose spectra are shown."""
        return self.neurons[:N_SPECTRUM]


def periodicity_section(material: Material) -> PeriodicitySection | None:
    """Return what the section shows; ``None`` if the study leaves the analysis out.

    Parameters
    ----------
    material
        The run.
    """
    found = material.periodicity
    if found is None:
        return None
    note = str(found.attrs.get("note", ""))
    twin = material.of_twin.periodicity
    counts = rhythm_counts(found)
    if "frequency" not in found.dims:
        return PeriodicitySection(note, note, np.nan, np.nan, False, (), counts, None)
    group = material.scores["duplicate_of"].values if "duplicate_of" in material.scores else None
    return PeriodicitySection(
        missing="" if counts.n_tested else "no neuron varies in enough segments",
        note=note,
        longest=1 / float(found["half_bandwidth"]),
        sharp=(1 + 1 / int(found["n_taper"])) / 2,
        sentences_matter=bool(found["sentences_matter"]),
        neurons=tuple(periodic_neuron(found, *place, group) for place in _shown(found, group)),
        own=counts,
        twin=None if twin is None else rhythm_counts(twin),
    )


def _shown(found: xr.Dataset, group: NDArray[np.integer] | None) -> list[tuple[int, int]]:
    """Return the called neurons, periodic ones first, or if there are none all tested, largest lines first.

    Duplicates are shown once; at most `N_NEURON`.
    """
    rhythm = found["rhythm"].transpose("layer", "neuron").values
    size = found["line_fraction"].transpose("layer", "neuron").values
    called = rhythm > 0
    of_interest = called if called.any() else rhythm == NONE
    places = [(int(a), int(b)) for a, b in np.argwhere(of_interest)]
    places.sort(key=lambda place: (rhythm[place] != PERIODIC, -size[place]))
    shown: dict[int, tuple[int, int]] = {}
    for i, place in enumerate(places):
        same = -1 if group is None else int(group[place])
        shown.setdefault(same if same >= 0 else -2 - i, place)
    return list(shown.values())[:N_NEURON]


def rhythm_counts(found: xr.Dataset) -> RhythmCounts:
    """Return how many neurons are called what, and the one with the largest line."""
    rhythm = found["rhythm"].values
    places = _shown(found, None)
    return RhythmCounts(
        int((rhythm == PERIODIC).sum()), int((rhythm == SENTENCE_LOCKED).sum()), int((rhythm != NOT_TESTED).sum()),
        periodic_neuron(found, *places[0], None) if places and "frequency" in found.dims else None,
    )  # fmt: skip


def periodic_neuron(found: xr.Dataset, layer: int, neuron: int, group: NDArray[np.integer] | None) -> PeriodicNeuron:
    """Return a neuron with what is known of its line; ``group`` is ``duplicate_of`` where that is known."""
    one = found.isel(layer=layer, neuron=neuron)
    nearest = int(np.abs(one["frequency"].values - float(one["line_frequency"])).argmin())
    return PeriodicNeuron(
        layer, neuron, VERDICTS[int(one["rhythm"])], float(one["f_stat"].values[nearest]),
        {name: float(one[name]) for name in SCORES}, () if group is None else others_like(group, layer, neuron),
    )  # fmt: skip
