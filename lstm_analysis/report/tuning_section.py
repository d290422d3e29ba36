"""The section on graded variables: the neurons that follow each, and the random twin's best beside."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..schema import DERIVED, NUMBERS
from .duplicates import others_like
from .material import Material
from .numerals import neuron_name

N_NEURON = 6
SCORES = ("eta2_type_adjusted", "eta2", "eta2_low", "eta2_high", "r", "r_low", "r_high", "p_value", "p_fwer", "q_value")


@dataclass(frozen=True)
class GradedNeuron:
    """A neuron with its scores of a variable by name, whether it is called, and its duplicates."""

    layer: int
    neuron: int
    called: bool
    scores: dict[str, float]
    duplicates: tuple[str, ...]

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)


@dataclass(frozen=True)
class GradedVariable:
    """A variable: what it is, the tokens it rests on, neurons called, the best ones, and the twin's best.

    ``tested`` says whether there are correlations and their p; ``n_called_twin`` is ``None`` without a twin.
    """

    index: int
    name: str
    meaning: str
    units: str
    tested: bool
    n_token: int
    n_token_missing: int
    n_document: int
    n_called: int
    n_called_twin: int | None
    neurons: tuple[GradedNeuron, ...]
    twin: GradedNeuron | None


def tuning_section(material: Material) -> list[GradedVariable]:
    """Return what there is to show of each graded variable; nothing if the study names none."""
    found = material.graded
    if found is None:
        return []
    twin = material.of_twin.graded
    names = found["variable"].values.tolist()
    return [_variable(material, found, twin, i, str(name)) for i, name in enumerate(names)]


def _variable(material: Material, found: xr.Dataset, twin: xr.Dataset | None, index: int, name: str) -> GradedVariable:
    one, tested = found.isel(variable=index), "graded_neuron" in found
    other = None if twin is None else twin.isel(variable=index)
    meaning, units = said_of(name)
    best = () if other is None else best_graded(other, 1, None)
    return GradedVariable(
        index=index,
        name=name,
        meaning=meaning,
        units=units,
        tested=tested,
        n_token=int(one["n_token"].sum()),
        n_token_missing=int(one["n_token_missing"]),
        n_document=int(one["n_document"]) if tested else 0,
        n_called=_n_called(one),
        n_called_twin=None if other is None else _n_called(other),
        neurons=best_graded(one, N_NEURON, material.scores),
        twin=best[0] if best else None,
    )


def _n_called(one: xr.Dataset) -> int:
    return int((one["graded_neuron"] == 1).sum()) if "graded_neuron" in one else 0


def said_of(variable: str) -> tuple[str, str]:
    """Return what a graded variable is, and its units."""
    known = (DERIVED | NUMBERS).get(variable)
    return ("number that the corpus gives", "1") if known is None else (known.meaning, known.units)


def best_graded(one: xr.Dataset, n: int, scores: xr.Dataset | None) -> tuple[GradedNeuron, ...]:
    """Return the neurons called and then the others by the share after words, of duplicates the first.

    Parameters
    ----------
    one
        A variable of ``tuning.zarr``, dims (layer, neuron).
    n
        How many.
    scores
        That may know ``duplicate_of``.
    """
    share = one["eta2_type_adjusted"].transpose("layer", "neuron").values
    called = one["graded_neuron"].values == 1 if "graded_neuron" in one else np.zeros(share.shape, bool)
    order = np.lexsort((-np.nan_to_num(share, nan=-np.inf).ravel(), ~called.ravel()))
    found: list[GradedNeuron] = []
    for at in order[: int(np.isfinite(share).sum())].tolist():
        layer, place = divmod(at, share.shape[1])
        neuron = graded_neuron(one, layer, place, scores)
        if not {other.name for other in found} & set(neuron.duplicates):
            found.append(neuron)
        if len(found) == n:
            break
    return tuple(found)


def graded_neuron(one: xr.Dataset, layer: int, neuron: int, scores: xr.Dataset | None = None) -> GradedNeuron:
    """Return a neuron with its scores of a variable; see `best_graded`."""
    at = one.isel(layer=layer, neuron=neuron)
    known = scores is not None and "duplicate_of" in scores
    same = others_like(scores["duplicate_of"].values, layer, neuron) if scores is not None and known else ()
    called = "graded_neuron" in one and int(at["graded_neuron"]) == 1
    return GradedNeuron(layer, neuron, called, {name: float(at[name]) for name in SCORES if name in one}, same)
