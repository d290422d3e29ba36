"""Which concepts a table shows and which of their neurons: one rule for the terminal and for the page."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from .measures import MEASURES
from .ranking import rank_neurons

MANY = 12
"""A source with more concepts than this shows some of them only."""
SHOWN = 10
BEST = 3
"""Neurons that are shown of a concept."""


@dataclass(frozen=True)
class SourceConcepts:
    """The concepts of a source as places along ``concept``: those to show, and the rest by target tokens."""

    source: str
    shown: tuple[int, ...]
    rest: tuple[int, ...]


def choose_concepts(scores: xr.Dataset, alpha: float = 0.05) -> list[SourceConcepts]:
    """Return which concepts to show by source, in the order of the study.

    Of a source with more than `MANY` concepts the pooled one is shown, then those with a neuron whose ``p_fwer`` is at
    most ``alpha``, then the others, each by target tokens, `SHOWN` of them; of equals the first. They are not chosen
    by their scores: the rarest concepts have the most extreme ones, by chance.

    Parameters
    ----------
    scores
        Scores of concepts with ``n_token`` (concept, group) and the coordinate ``source`` (concept).
    alpha
        Level of the tests.
    """
    names, sources = scores["concept"].values, scores["source"].values
    n_target = scores["n_token"].sel(group="target").values
    found = np.zeros(len(names), dtype=bool)
    if "p_fwer" in scores:
        found = (scores["p_fwer"] <= alpha).any(["layer", "neuron"]).values
    chosen = []
    for source in dict.fromkeys(sources.tolist()):
        places = np.flatnonzero(sources == source)
        if len(places) <= MANY:
            chosen.append(SourceConcepts(str(source), tuple(places.tolist()), ()))
            continue
        pooled = names[places] == source
        single = places[~pooled]
        first = single[np.lexsort((-n_target[single], ~found[single]))][:SHOWN]
        rest = np.setdiff1d(single, first)
        rest = rest[np.argsort(-n_target[rest], kind="stable")]
        shown = (*places[pooled].tolist(), *first.tolist())
        chosen.append(SourceConcepts(str(source), shown, tuple(rest.tolist())))
    return chosen


def best_neurons(scores: xr.Dataset, concept: int, by: str | None = None, n: int = BEST) -> pd.DataFrame:
    """Return the neurons most selective for a concept, duplicates as one; see `rank_neurons`.

    Parameters
    ----------
    scores
        Scores of concepts.
    concept
        Place along ``concept``: a name may be that of concepts of two sources.
    by
        The measure; by default `leading_measure`.
    n
        Neurons.
    """
    one = scores.isel(concept=[concept])
    return rank_neurons(one, by or leading_measure(scores), concept=str(one["concept"].values[0]), n=n)


def leading_measure(scores: xr.Dataset) -> str:
    """Return the measure that tables rank by: ``auroc``, or the first that there is."""
    return next(name for name in ("auroc", *MEASURES) if name in scores)
