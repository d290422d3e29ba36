"""The concepts that runs have in common by name: the best neuron of each, and what the random twin reaches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..headline import Row, headline
from .compared import Compared


@dataclass(frozen=True)
class SharedConcept:
    """A concept of two runs or more; a row is ``None`` where the run lacks it."""

    name: str
    rows: tuple[Row | None, ...]


@dataclass(frozen=True)
class SharedGroup:
    """The concepts that the first run which has them took from one source: those to show at once, and the rest."""

    source: str
    shown: tuple[SharedConcept, ...]
    rest: tuple[SharedConcept, ...]


def shared_concepts(runs: Sequence[Compared]) -> list[SharedGroup]:
    """Return the concepts that at least two runs have by name, in the order of the first run which has them.

    Of concepts of one name in one run the first counts.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    places = _places(runs)
    groups = []
    rows: list[dict[str, Row]] = []
    order: list[tuple[str, list[str], list[str]]] = []
    for run, chosen in zip(runs, places, strict=True):
        known = {name for of_run in rows for name in of_run}
        rows.append({})
        if not len(chosen):
            continue
        twin = run.material.twin
        scores = run.material.scores.isel(concept=chosen)
        for group in headline(scores, run.scale, run.material.alpha, None if twin is None else twin.scores):
            rows[-1] |= {row.concept: row for row in (*group.shown, *group.rest)}
            shown, rest = (
                [row.concept for row in part if row.concept not in known] for part in (group.shown, group.rest)
            )
            order.append((group.source, shown, rest))
    for source, shown, rest in order:
        parts = [tuple(SharedConcept(n, tuple(of.get(n) for of in rows)) for n in part) for part in (shown, rest)]
        groups += [SharedGroup(source, *parts)] if shown or rest else []
    return groups


def _places(runs: Sequence[Compared]) -> list[NDArray[np.intp]]:
    """Return for each run the places along ``concept`` of what another run has too."""
    first = [_first_places(run) for run in runs]
    found = []
    for i, of_run in enumerate(first):
        others = {name for j, other in enumerate(first) if j != i for name in other}
        found.append(np.array([place for name, place in of_run.items() if name in others], dtype=np.intp))
    return found


def _first_places(run: Compared) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, name in enumerate(run.material.scores["concept"].values.tolist()):
        places.setdefault(str(name), place)
    return places
