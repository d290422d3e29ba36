"""How many neurons are active in a phrase, and in as many collocations."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .collocations import N_COLLOCATION

_DIMS = ("state", "threshold", "flank", "idiom")


def active_counts(
    n_active_place: NDArray[np.int64], plan: xr.Dataset
) -> dict[str, tuple[tuple[str, ...], NDArray[np.generic]]]:
    """Return how many neurons are active in each idiom, with its null.

    Parameters
    ----------
    n_active_place
        Active neurons of all layers at each place, dims (state, threshold, flank, place).
    plan
        From `plan_idioms`.

    Returns
    -------
    `n_active`: mean over up to 8 occurrences of the idiom's most frequent length. `n_active_expected`: mean over its
    collocations, at as many places each. `n_active_p`: (b + 1) / (n + 1), b of the n collocations having as many active
    neurons or more; NaN with fewer than 199. `n_collocation` (idiom).
    """
    first, n_place = (plan[f"phrase_{name}"].to_numpy() for name in ("first_place", "n_place"))
    idiom, phrase = plan["collocation_idiom"].to_numpy(), plan["collocation_phrase"].to_numpy()
    edge = np.searchsorted(idiom, np.arange(plan.sizes["idiom"] + 1))
    total = np.concatenate([np.zeros((*n_active_place.shape[:3], 1), np.int64), n_active_place.cumsum(axis=3)], axis=3)
    found = np.full((3, *n_active_place.shape[:3], plan.sizes["idiom"]), np.nan)
    for i, own in enumerate(plan["idiom_phrase"].to_numpy().tolist()):
        if own < 0:
            continue
        m = int(n_place[own])
        count = total[..., first[own] + m] - total[..., first[own]]
        found[0, ..., i] = count / m
        matched = first[phrase[edge[i] : edge[i + 1]]]
        if matched.size == 0:
            continue
        null = total[..., matched + m] - total[..., matched]
        found[1, ..., i] = null.mean(axis=3) / m
        if matched.size >= N_COLLOCATION:
            found[2, ..., i] = ((null >= count[..., np.newaxis]).sum(axis=3) + 1) / (matched.size + 1)
    names = ("n_active", "n_active_expected", "n_active_p")
    counts = {name: (_DIMS, part) for name, part in zip(names, found, strict=True)}
    return {**counts, "n_collocation": (("idiom",), np.diff(edge))}
