"""Whether a concept's words are told from others by principal components, at words left out; the random twin beside."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from bokeh.model import Model

from ..report.pca_figures import word_scatter
from ..report.pca_section import same_concept, told_by_space
from .holdings import Holdings
from .look import readable
from .probe_card import of_concept

Told = tuple[float, float, float]
"""Accuracy, the 95th percentile of the null, and p."""


@dataclass(frozen=True)
class SpaceRow:
    """A space: what is told by each number of components, and the twin's accuracies (none without a twin)."""

    name: str
    told: tuple[Told, ...]
    twin: tuple[float, ...]


@dataclass(frozen=True)
class SeparabilityCard:
    """How well a concept's words are told. ``untold`` says why they were not, empty if they were.

    ``scatter`` are the places of the concept and of the space in which two components tell it best, ``None`` where no
    words are kept to be shown.
    """

    untold: str
    n_member: int
    n_matched: int
    dimensions: tuple[int, ...]
    rows: tuple[SpaceRow, ...]
    p_fwer: float
    p_fwer_twin: float
    scatter: tuple[int, int] | None


def separability_card(holdings: Holdings, concept: str) -> SeparabilityCard | None:
    """Return how well a concept's words are told; ``None`` if the study has no components."""
    found, one = holdings.pca, of_concept(holdings.pca, concept)
    if found is None or one is None:
        return None
    twin = holdings.of_twin("pca")
    same = None if twin is None else same_concept(twin, one)
    beside = None if same is None else told_by_space(same, "")
    spaces = [str(name) for name in found["space"].values]
    rows = tuple(
        SpaceRow(name, tuple(told), () if beside is None else tuple(line[0] for line in beside[s]))
        for s, (name, told) in enumerate(zip(spaces, told_by_space(one, ""), strict=True))
    )
    k = [str(name) for name in found["concept"].values].index(concept)
    shown = bool((found["point_concept"] == k).any())
    flattest = max(range(len(rows)), key=lambda s: np.nan_to_num(rows[s].told[0][0], nan=-1.0))
    return SeparabilityCard(
        untold=str(one["untold"].item()),
        n_member=int(one["n_type_member"]),
        n_matched=int(one["n_type_matched"]),
        dimensions=tuple(found["n_dimension"].values.tolist()),
        rows=rows,
        p_fwer=float(one["p_fwer"]),
        p_fwer_twin=np.nan if same is None else float(same["p_fwer"]),
        scatter=(k, flattest) if shown else None,
    )


def draw_separability(holdings: Holdings, _: str, card: SeparabilityCard) -> dict[str, Model]:
    """Return the words of a concept on two components."""
    if holdings.pca is None or card.scatter is None:
        return {}
    return {"components": readable(word_scatter(holdings.pca, *card.scatter))}


def separability_rows(holdings: Holdings, concept: str) -> pd.DataFrame | None:
    """Return a row for each space and number of components."""
    card = separability_card(holdings, concept)
    if card is None or card.untold:
        return None
    rows = []
    for row in card.rows:
        for place, (n, told) in enumerate(zip(card.dimensions, row.told, strict=True)):
            beside = {"twin_accuracy": row.twin[place]} if row.twin else {}
            named = dict(zip(("accuracy", "accuracy_null_high", "p_value"), told, strict=True))
            rows.append({"space": row.name, "n_dimension": n, **named, **beside})
    return pd.DataFrame(rows)
