"""What a view shows before the reader has chosen anything: neurons and concepts that say the most about the run."""

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from ..selectivity import leading_measure, position_scores, rank_neurons
from .holdings import Holdings
from .stretch import Neuron

N_LINE, N_CONCEPT = 3, 6


@lru_cache(maxsize=4)
def first_neurons(holdings: Holdings) -> tuple[Neuron, ...]:
    """Return the neuron most bound to the place in the sentence, and the best ones for concepts of other sources.

    Of a run without scores the first neuron.
    """
    found: list[Neuron] = []
    if holdings.tuning is not None and holdings.scores is not None:
        scores = position_scores(holdings.tuning, holdings.scores)
        found += _best(scores, "cliff_mean" if "cliff_mean" in scores else "eta2")
    if holdings.scores is not None:
        for concept in first_concepts(holdings):
            found += _best(holdings.scores, leading_measure(holdings.scores), concept=concept)
    return tuple(dict.fromkeys(found))[:N_LINE] or ((0, 0),)


@lru_cache(maxsize=4)
def first_concepts(holdings: Holdings) -> tuple[str, ...]:
    """Return the first concept of each source: that of all its phrases together where there is one."""
    _, first = np.unique(np.array(holdings.sources, dtype=object).astype(str), return_index=True)
    return tuple(holdings.concepts[i] for i in sorted(first.tolist()))[:N_CONCEPT]


def by_source(holdings: Holdings) -> dict[str, list[str]]:
    """Return the concepts by their label source, in the order of the study."""
    found: dict[str, list[str]] = {}
    for source, concept in zip(holdings.sources, holdings.concepts, strict=True):
        found.setdefault(source, []).append(concept)
    return found


def _best(scores: xr.Dataset, by: str, **options: Any) -> list[Neuron]:
    ranked = rank_neurons(scores, by, n=1, **options)
    return list(zip(ranked["layer"].tolist(), ranked["neuron"].tolist(), strict=True))
