"""How many neurons each run calls for semantic categories and for idioms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .compared import Compared


@dataclass(frozen=True)
class Count:
    """Neurons called, of those tested; of the random twin's, ``None`` without one."""

    n: int
    n_tested: int
    n_twin: int | None


@dataclass(frozen=True)
class CalledCategory:
    """A category that a run at least tested; ``None`` for a run that did not."""

    name: str
    counts: tuple[Count | None, ...]


@dataclass(frozen=True)
class IdiomCounts:
    """What a run says of idioms: idioms tested, neurons called with those of its twin, the verdict."""

    n_tested: int
    contrast: str
    n_idiom_neuron: int
    n_phrase_neuron: int
    twin: tuple[int, int] | None
    verdict: str


def called_categories(runs: Sequence[Compared]) -> list[CalledCategory]:
    """Return the categories that runs tested, in the order of the first run which did.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    counts = [_counts(run) for run in runs]
    names = dict.fromkeys(name for of_run in counts for name in of_run)
    return [CalledCategory(name, tuple(of_run.get(name) for of_run in counts)) for name in names]


def _counts(run: Compared) -> dict[str, Count]:
    found = run.material.categories
    twin = run.material.of_twin.categories
    counts: dict[str, Count] = {}
    if found is None:
        return counts
    for i in np.flatnonzero(found["n_tested"].values > 0).tolist():
        name = str(found["concept"].values[i])
        called = int(found["n_called"].values[i])
        counts.setdefault(name, Count(called, int(found["n_tested"].values[i]), _of_twin(twin, name)))
    return counts


def _of_twin(twin: xr.Dataset | None, name: str) -> int | None:
    same = [] if twin is None else np.flatnonzero(twin["concept"].values == name).tolist()
    return int(twin["n_called"].values[same[0]]) if twin is not None and same else None


def idiom_counts(run: Compared) -> IdiomCounts | None:
    """Return what a run says of idioms; ``None`` if its study does not ask.

    Parameters
    ----------
    run
        A run of the page.
    """
    found = run.material.idioms
    if found is None:
        return None
    contrast = str(found.attrs["primary_contrast"])
    twin = run.material.of_twin.idioms
    return IdiomCounts(
        int(found["n_idiom_tested"].sel(contrast=contrast).item()), contrast, *_called(found),
        None if twin is None else _called(twin), str(found.attrs["verdict"]),
    )  # fmt: skip


def _called(found: xr.Dataset) -> tuple[int, int]:
    return int(found["idiom_neuron"].sum()), int(found["phrase_neuron"].sum())
