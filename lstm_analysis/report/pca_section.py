"""The section on principal components: how many directions there are, and which word sets are told apart in them."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .heat_map import Cell, HeatMap
from .material import Material
from .numerals import chance, number
from .palette import share_class

N_SCATTER = 3


@dataclass(frozen=True)
class SpaceLine:
    """A space: neurons, participation ratio, the share of its variance in 2 and in 10 components; the twin's ratio."""

    name: str
    n_neuron: int
    spread: float
    first_two: float
    first_ten: float
    spread_of_twin: float


@dataclass(frozen=True)
class SeparatedSet:
    """A concept: its words and those they are told from, and the accuracy at words left out.

    ``told`` has accuracy, 95th percentile of the null and p for each number of components in the widest space,
    ``layers`` the same of each layer by itself with the most components, and ``twin`` the accuracy of the twin for each
    number, beside its corrected p.
    """

    index: int
    name: str
    n_member: int
    n_matched: int
    told: tuple[tuple[float, float, float], ...]
    layers: tuple[tuple[float, float, float], ...]
    p_fwer: float
    twin: tuple[float, ...]
    twin_p: float


@dataclass(frozen=True)
class IdiomsTold:
    """Idioms with both uses, and accuracy at idioms left out, 95th percentile of the null and p by components."""

    n_idiom: int
    told: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class PcaSection:
    """What there is to show; ``scatters`` are concept and space of the figures of words."""

    spaces: tuple[SpaceLine, ...]
    widest: str
    dimensions: tuple[int, ...]
    sets: tuple[SeparatedSet, ...]
    n_untold: int
    pairs: HeatMap | None
    pair_dimension: int
    idioms: IdiomsTold | None
    scatters: tuple[tuple[int, int], ...]
    has_occurrences: bool
    n_token: int


def pca_section(material: Material) -> PcaSection | None:
    """Return what the section shows; ``None`` if the study leaves the analysis out.

    Parameters
    ----------
    material
        The run.
    """
    found = material.pca
    if found is None:
        return None
    twin = material.of_twin.pca
    shown = np.flatnonzero((found["untold"] == "").values)
    sets = sorted((_set(found, twin, int(k)) for k in shown), key=lambda one: (-_best(one), one.index))
    return PcaSection(
        spaces=tuple(_space(found, twin, s) for s in range(found.sizes["space"])),
        widest=str(found["space"].values[-1]),
        dimensions=tuple(found["n_dimension"].values.tolist()),
        sets=tuple(sets),
        n_untold=found.sizes["concept"] - len(shown),
        pairs=_pairs(found, len(shown)),
        pair_dimension=int(found["n_dimension"].values[-1]),
        idioms=_idioms(found),
        scatters=tuple((one.index, _flattest(found, one.index)) for one in sets[:N_SCATTER] if np.isfinite(_best(one))),
        has_occurrences=found.sizes.get("occurrence", 0) > 0,
        n_token=int(found["n_token"].item()),
    )


def _best(one: SeparatedSet) -> float:
    return max((told[0] for told in one.told if np.isfinite(told[0])), default=-np.inf)


def _flattest(found: xr.Dataset, concept: int) -> int:
    """Return the space in which two components alone tell a concept best."""
    two = found["accuracy"].transpose("concept", "space", "n_dimension").values[concept, :, 0]
    return int(np.argmax(np.nan_to_num(two, nan=-1.0)))


def _space(found: xr.Dataset, twin: xr.Dataset | None, s: int) -> SpaceLine:
    share = found["explained_variance_ratio"].values[s]
    spread = float("nan") if twin is None else float(twin["participation_ratio"].values[s])
    return SpaceLine(
        str(found["space"].values[s]), int(found["n_neuron"].values[s]), float(found["participation_ratio"].values[s]),
        float(np.nansum(share[:2])), float(np.nansum(share[:10])), spread,
    )  # fmt: skip


def _set(found: xr.Dataset, twin: xr.Dataset | None, k: int) -> SeparatedSet:
    one = found.isel(concept=k)
    told = told_by_space(one, "")
    of_twin = None if twin is None else same_concept(twin, one)
    return SeparatedSet(
        index=k,
        name=str(one["concept"].values),
        n_member=int(one["n_type_member"]),
        n_matched=int(one["n_type_matched"]),
        told=tuple(told[-1]),
        layers=tuple(told[s][_last(told[s])] for s in range(len(told) - 1)),
        p_fwer=float(one["p_fwer"]),
        twin=() if of_twin is None else tuple(line[0] for line in told_by_space(of_twin, "")[-1]),
        twin_p=float("nan") if of_twin is None else float(of_twin["p_fwer"]),
    )


def same_concept(twin: xr.Dataset, one: xr.Dataset) -> xr.Dataset | None:
    """Return the twin's results for a concept: that of the same name and source."""
    same = (twin["concept"].values == one["concept"].values) & (twin["source"].values == one["source"].values)
    return twin.isel(concept=int(np.flatnonzero(same)[0])) if same.any() else None


def told_by_space(one: xr.Dataset, prefix: str) -> list[list[tuple[float, float, float]]]:
    """Return accuracy, 95th percentile of the null and p by space and number of components."""
    names = (f"{prefix}accuracy", f"{prefix}accuracy_null_high", f"{prefix}p_value")
    parts = [one[name].transpose("space", "n_dimension").values.tolist() for name in names]
    return [list(zip(*rows, strict=True)) for rows in zip(*parts, strict=True)]


def _last(line: list[tuple[float, float, float]]) -> int:
    """Return the largest number of components that a space has."""
    there = [i for i, told in enumerate(line) if np.isfinite(told[0])]
    return there[-1] if there else -1


def _idioms(found: xr.Dataset) -> IdiomsTold | None:
    if "n_idiom_separated" not in found:
        return None
    return IdiomsTold(int(found["n_idiom_separated"].item()), tuple(told_by_space(found, "idiom_")[-1]))


def _pairs(found: xr.Dataset, n_told: int) -> HeatMap | None:
    """Return the accuracy of every two concepts in the widest space, with the most components."""
    first, second = found["pair_first"].values, found["pair_second"].values
    last = found[["pair_accuracy", "pair_p_value"]].isel(space=-1, n_dimension=-1)
    values = np.stack([last[name].values for name in ("pair_accuracy", "pair_p_value")], axis=1)
    told = {pair: one for pair, one in zip(zip(first, second, strict=True), values, strict=True) if np.isfinite(one[0])}
    told |= {(j, i): one for (i, j), one in told.items()}
    chosen = sorted({int(i) for i, _ in told})
    if not chosen:
        return None
    names = [str(name) for name in found["concept"].values]
    sizes = tuple(int(found["n_type_member"].values[i]) for i in chosen)
    rows = [tuple(_cell(names[i], names[j], told.get((i, j)), i == j) for j in chosen) for i in chosen]
    return HeatMap(tuple(names[i] for i in chosen), sizes, tuple(rows), n_told)


def _cell(name: str, other: str, told: NDArray[np.float64] | None, own: bool) -> Cell:
    """Return the cell of two concepts, with accuracy and p where they were told apart."""
    if own:
        return Cell("", "own", name)
    accuracy, p = (np.nan, np.nan) if told is None else told
    said = f"{name} and {other}: accuracy {number(accuracy)}, p {chance(p)}"
    return Cell(number(accuracy), share_class(max(0.0, 2 * accuracy - 1) if told is not None else np.nan), said)
