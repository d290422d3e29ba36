"""The section on idioms: the verdict, its counts, the best neurons by contrast, active neurons with their null."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .active_curves import FLANKS, STATES
from .duplicates import others_like
from .heat_map import HeatMap, heat_map
from .material import Material
from .numerals import neuron_name

N_BEST, N_SHOWN, N_REST = 3, 20, 300
FEWEST = 5
"""Occurrences and controls that an idiom needs to be tested."""
TABLE_THRESHOLD = 0.3
"""Threshold of the table of active neurons, that of the seed study's Table 3."""
MEANINGS = {
    "literal": "literal uses of the same words",
    "tail": "the same last word elsewhere",
    "head": "the same first content word elsewhere",
    "matched": "other phrases of the same length, frequency and surprisal",
}
SCORES = (
    "auroc_macro", "auroc_macro_low", "auroc_macro_high", "p_value", "p_fwer", "q_value", "tau2",
    "breadth_lower_bound", "breadth_direction",
)  # fmt: skip


@dataclass(frozen=True)
class IdiomNeuron:
    """A neuron with its scores in a contrast by name."""

    name: str
    scores: dict[str, float]
    duplicates: tuple[str, ...]


@dataclass(frozen=True)
class Contrast:
    """A contrast: how many idioms are tested, on how much, its best neurons, held-out idioms, the twin's best."""

    name: str
    meaning: str
    primary: bool
    n_tested: int
    n_idiomatic: int
    n_control: int
    neurons: tuple[IdiomNeuron, ...]
    held_out: float
    n_held_out: int
    twin: IdiomNeuron | None


@dataclass(frozen=True)
class Active:
    """Active neurons of an idiom in one state: mean number, number expected, p."""

    n: float
    expected: float
    p: float


@dataclass(frozen=True)
class Idiom:
    """An idiom: its occurrences, controls by contrast, the best neuron's and a held-out auroc, active neurons.

    ``held_out_neuron`` is the neuron chosen on all other idioms.
    """

    name: str
    n_idiomatic: int
    n_control: tuple[int, ...]
    tested: bool
    auroc: float
    held_out: float
    held_out_neuron: str
    n_collocation: int
    active: tuple[Active, ...]


@dataclass(frozen=True)
class Sought:
    """How many idioms have at most alpha as p of their active neurons, of how many, at one threshold."""

    column: str
    n_below: int
    n_idiom: int


@dataclass(frozen=True)
class IdiomSection:
    """What there is to show. ``columns`` names the columns of active neurons; lists of neurons are whole."""

    verdict: str
    twin_verdict: str
    primary: str
    contrasts: tuple[Contrast, ...]
    idioms: tuple[Idiom, ...]
    rest: tuple[Idiom, ...]
    n_left_out: int
    n_used: int
    idiom_neurons: tuple[str, ...]
    phrase_neurons: tuple[tuple[str, str], ...]
    twin_called: tuple[int, int] | None
    columns: tuple[str, ...]
    sought: tuple[Sought, ...]
    overlap: Mapping[str, HeatMap]

    @property
    def n_tested(self) -> int:
        """Idioms tested in the primary contrast."""
        return next(contrast.n_tested for contrast in self.contrasts if contrast.primary)

    @property
    def best(self) -> str:
        """The best neuron of the primary contrast, empty if there is none."""
        neurons = next(contrast.neurons for contrast in self.contrasts if contrast.primary)
        return neurons[0].name if neurons else ""


def idiom_section(material: Material) -> IdiomSection | None:
    """Return what the section shows; ``None`` if the study leaves the analysis out.

    Parameters
    ----------
    material
        The run.
    """
    found = material.idioms
    if found is None:
        return None
    primary = str(found.attrs["primary_contrast"])
    twin = material.of_twin.idioms
    duplicates = material.scores.get("duplicate_of")
    contrasts = tuple(_contrast(found, twin, name, duplicates) for name in found["contrast"].values.tolist())
    order = by_occurrences(found)
    best = next(iter(best_in(found, primary)), None)
    idioms = [_idiom(found, i, primary, best) for i in order[: N_SHOWN + N_REST]]
    called, phrase = found["idiom_neuron"].values, found["phrase_neuron"].values
    names, of = found["idiom"].values, found["phrase_neuron_idiom"].values
    return IdiomSection(
        verdict=str(found.attrs["verdict"]),
        twin_verdict="" if twin is None else str(twin.attrs["verdict"]),
        primary=primary,
        contrasts=contrasts,
        idioms=tuple(idioms[:N_SHOWN]),
        rest=tuple(idioms[N_SHOWN:]),
        n_left_out=len(order) - len(idioms),
        n_used=int((found["n_idiomatic"].sel(contrast=primary) > 0).sum()),
        idiom_neurons=tuple(neuron_name(a, b) for a, b in np.argwhere(called).tolist()),
        phrase_neurons=tuple((neuron_name(a, b), str(names[of[a, b]])) for a, b in np.argwhere(phrase).tolist()),
        twin_called=None if twin is None else (int(twin["idiom_neuron"].sum()), int(twin["phrase_neuron"].sum())),
        columns=tuple(column for column, _, _ in _columns(found)),
        sought=_sought(found, material.alpha),
        overlap=_overlaps(found, order),
    )


def by_occurrences(found: xr.Dataset) -> list[int]:
    """Return the places of all idioms, those with most idiomatic occurrences first."""
    n = found["n_idiomatic"].sel(contrast=found.attrs["primary_contrast"]).values
    order: list[int] = np.argsort(-n, kind="stable").tolist()
    return order


def best_in(found: xr.Dataset, contrast: str) -> list[tuple[int, int]]:
    """Return (layer, neuron) of the neurons farthest from .5 in a contrast by ``auroc_macro``, best first."""
    macro = found["auroc_macro"].sel(contrast=contrast).transpose("layer", "neuron").values
    distance = np.abs(macro - 0.5).ravel()
    order = np.argsort(np.where(np.isnan(distance), np.inf, -distance), kind="stable")[: np.isfinite(distance).sum()]
    layer, neuron = np.unravel_index(order, macro.shape)
    return list(zip(layer.tolist(), neuron.tolist(), strict=True))


def _contrast(found: xr.Dataset, twin: xr.Dataset | None, name: str, duplicates: xr.DataArray | None) -> Contrast:
    one = found.sel(contrast=name)
    held_out = one["auroc_held_out"].values
    known = held_out[np.isfinite(held_out)]
    neurons: list[IdiomNeuron] = []
    seen: set[int] = set()
    group = np.full(one["tau2"].shape, -1) if duplicates is None else duplicates.transpose("layer", "neuron").values
    for layer, neuron in best_in(found, name):
        if len(neurons) == N_BEST:
            break
        number = group[layer, neuron]
        if not (number >= 0 and number in seen):
            neurons.append(_neuron(one, layer, neuron, group))
        seen.add(number)
    tested = (one["n_idiomatic"] >= FEWEST) & (one["n_control"] >= FEWEST)
    best_of_twin = [] if twin is None else best_in(twin, name)[:1]
    return Contrast(
        name, MEANINGS.get(name, name), name == found.attrs["primary_contrast"], int(one["n_idiom_tested"].item()),
        int(one["n_idiomatic"].where(tested, 0).sum()), int(one["n_control"].where(tested, 0).sum()), tuple(neurons),
        float(known.mean()) if known.size else float("nan"), len(known),
        _neuron(twin.sel(contrast=name), *best_of_twin[0]) if twin is not None and best_of_twin else None,
    )  # fmt: skip


def _neuron(one: xr.Dataset, layer: int, neuron: int, group: NDArray[np.integer] | None = None) -> IdiomNeuron:
    scores = {name: float(one[name].isel(layer=layer, neuron=neuron).item()) for name in SCORES}
    return IdiomNeuron(neuron_name(layer, neuron), scores, () if group is None else others_like(group, layer, neuron))


def _columns(found: xr.Dataset) -> list[tuple[str, str, str]]:
    """Return the columns of active neurons: name, state and flank."""
    states, flanks = (found[name].values.tolist() for name in ("state", "flank"))
    return [(f"{STATES.get(s, s)}, {FLANKS.get(f, f)}", s, f) for s in states for f in flanks]


def _at_threshold(found: xr.Dataset) -> xr.Dataset:
    return found[["n_active", "n_active_expected", "n_active_p"]].sel(threshold=TABLE_THRESHOLD, method="nearest")


def _idiom(found: xr.Dataset, index: int, primary: str, best: tuple[int, int] | None) -> Idiom:
    one, active = found.isel(idiom=index), _at_threshold(found).isel(idiom=index)
    of = one.sel(contrast=primary)
    chosen = (int(of["held_out_layer"].item()), int(of["held_out_neuron"].item()))
    counts = []
    for _, state, flank in _columns(found):
        at = active.sel(state=state, flank=flank)
        names = ("n_active", "n_active_expected", "n_active_p")
        counts.append(Active(*(float(at[name].item()) for name in names)))
    return Idiom(
        str(one["idiom"].values), int(of["n_idiomatic"].item()), tuple(one["n_control"].values.tolist()),
        bool(min(of["n_idiomatic"].item(), of["n_control"].item()) >= FEWEST),
        float(of["auroc"].isel(layer=best[0], neuron=best[1]).item()) if best else float("nan"),
        float(of["auroc_held_out"].item()), "" if chosen[0] < 0 else neuron_name(*chosen),
        int(one["n_collocation"].item()), tuple(counts),
    )  # fmt: skip


def _sought(found: xr.Dataset, alpha: float) -> tuple[Sought, ...]:
    p = _at_threshold(found)["n_active_p"]
    sought = []
    for column, state, flank in _columns(found):
        values = p.sel(state=state, flank=flank).values
        sought.append(Sought(column, int((values <= alpha).sum()), int(np.isfinite(values).sum())))
    return tuple(sought)


def _overlaps(found: xr.Dataset, order: list[int]) -> dict[str, HeatMap]:
    """Return the overlaps of active and of selective sets, of the idioms with most occurrences that have any."""
    names, maps = [str(name) for name in found["idiom"].values], {}
    for kind in ("active", "selective"):
        both = found[f"n_{kind}_both"].values
        chosen = [i for i in order if both[i, i] > 0][:N_SHOWN]
        if len(chosen) > 1:
            jaccard, lift = found[f"{kind}_jaccard"].values, found[f"{kind}_lift"].values
            maps[kind] = heat_map(names, both, jaccard, lift, np.array(chosen), len(order))
    return maps
