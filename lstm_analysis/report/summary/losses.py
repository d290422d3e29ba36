"""What the model loses without a neuron, beside matched random neurons."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ...analyses.lesion import hurt
from ..lesion_section import LEAD, lesion_line
from ..material import Material
from .answer import AtConcept, Loss
from .reading import Place, named


def loss_of(material: Material, places: Sequence[Place], concept: str) -> Loss | None:
    """Return what is lost without the first of some neurons that was taken out by itself; ``None`` if none was.

    Parameters
    ----------
    material
        The run.
    places
        Neurons, the strongest first.
    concept
        At whose tokens losses are looked at; empty for no concept.
    """
    found = material.lesion
    if found is None:
        return None
    alone = _alone(found)
    for place in places:
        if place in alone:
            return _loss(found, alone[place], place, concept, material.alpha)
    return None


def _alone(found: xr.Dataset) -> dict[Place, int]:
    """Return the lesions of one neuron by its place."""
    layer, neuron = (found[name].transpose("lesion", "member").values for name in ("member_layer", "member_neuron"))
    single = (layer >= 0).sum(axis=1) == 1
    return {(int(layer[i].max()), int(neuron[i].max())): int(i) for i in np.flatnonzero(single)}


def _loss(found: xr.Dataset, lesion: int, place: Place, concept: str, alpha: float) -> Loss:
    line = lesion_line(found, lesion)
    at = np.flatnonzero(found["concept"].values == concept)
    return Loss(
        neuron=named(place),
        overall=line.overall,
        se=line.se,
        p=line.p,
        low=line.low,
        high=line.high,
        n_random=line.n_random,
        concept=_at(found, lesion, int(at[0]), alpha) if len(at) == 1 else None,
    )


def _at(found: xr.Dataset, lesion: int, concept: int, alpha: float) -> AtConcept | None:
    one = found.sel(prediction=LEAD).isel(lesion=lesion, concept=concept)
    random = one["random_delta_loss"].values
    if not np.isfinite(float(one["delta_loss"])):
        return None
    return AtConcept(
        loss=float(one["delta_loss"]),
        se=float(one["delta_loss_se"]),
        p=float(one["p_value"]),
        p_fwer=float(one["p_fwer"]),
        random=float(np.nanmedian(random)) if np.isfinite(random).any() else np.nan,
        hurt=bool(hurt(found, alpha, LEAD)[lesion, concept]),
    )
