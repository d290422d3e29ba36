"""The honest sentences: which neurons were called, or that none survive, or why nothing was tested."""

import numpy as np
import xarray as xr

from ...statistics.sign_flip import fewest_units
from .measure import FEWEST


def verdict(found: xr.Dataset, contrast: str, alpha: float) -> str:
    """Return what may be said of idiom neurons.

    Parameters
    ----------
    found
        What `conclude_idioms` found for the primary contrast.
    contrast
        Its name.
    alpha
        Error of the family.
    """
    n_idiom = int(found["n_idiom_tested"])
    if n_idiom < fewest_units(alpha):
        return _not_tested(n_idiom, contrast, alpha)
    n_neuron, limit = int(found["auroc_macro"].notnull().sum()), int(found["breadth_limit"])
    basis = (
        f"over {n_idiom} idioms and {n_neuron} neurons (contrast {contrast}: sign flip over idioms with max-T at "
        f"alpha = {alpha:g}, shown at no fewer than half of the idioms, and beyond matched collocations)"
    )
    called = _names(found["idiom_neuron"])
    parts = [
        f"{_plural(len(called), 'idiom neuron')}: {', '.join(called)}, {basis}."
        if called
        else f"No neuron survives as an idiom neuron {basis}."
    ]
    parts += [_averages(found, alpha)]
    if limit < n_idiom / 2:
        parts += [
            f"With so few occurrences an idiom counts for little: a neuron that told all of them apart without fail "
            f"could be shown to do so at {limit} idioms, fewer than half, so no neuron could have been called."
        ]
    n_phrase = int(found["phrase_neuron"].sum())
    parts += [f"Of {_plural(n_phrase, 'neuron')} a difference can be shown at one idiom and no other (phrase neurons)."]
    return " ".join(parts)


def _not_tested(n_idiom: int, contrast: str, alpha: float) -> str:
    """Return why there is no p.

    >>> print(_not_tested(3, "tail", 0.05))
    Not tested: 3 idioms have at least 5 idiomatic occurrences and 5 controls of the contrast tail. A sign flip over \
3 idioms has 8 outcomes, so no p can be below 0.25; at alpha = 0.05 at least 6 idioms are needed.
    """
    have = "has" if n_idiom == 1 else "have"
    return (
        f"Not tested: {_plural(n_idiom, 'idiom')} {have} at least {FEWEST} idiomatic occurrences and {FEWEST} controls "
        f"of the contrast {contrast}. A sign flip over {_plural(n_idiom, 'idiom')} has "
        f"{_plural(2**n_idiom, 'outcome')}, so no p can be below {min(1.0, 2.0 ** (1 - n_idiom)):g}; at alpha = "
        f"{alpha:g} at least {fewest_units(alpha)} idioms are needed."
    )


def _averages(found: xr.Dataset, alpha: float) -> str:
    """Return how many neurons differ on average over idioms, by how much, and how broadly."""
    significant = found["p_fwer"].to_numpy() <= alpha
    if not significant.any():
        return "No neuron differs on average over idioms."
    macro, breadth = (found[name].to_numpy()[significant] for name in ("auroc_macro", "breadth_lower_bound"))
    return (
        f"{_plural(int(significant.sum()), 'neuron')} differ{'s' if significant.sum() == 1 else ''} on average over "
        f"idioms (auroc_macro {macro.min():.2f} to {macro.max():.2f}), shown at {int(breadth.max())} idioms at most."
    )


def _names(called: xr.DataArray) -> list[str]:
    return [f"{layer}:{neuron}" for layer, neuron in zip(*np.nonzero(called.to_numpy()), strict=True)]


def _plural(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
