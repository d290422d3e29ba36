"""The section on lesions: what the model loses without some neurons, and whether random ones cost as much."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analyses.lesion import dissociations, hurt, unused
from .material import Material

LEAD = "next"
"""Losses that the section leads with: of the token after the concept's, having read that."""
N_LESION, N_PAIR = 24, 12
MOST_ROWS = 30
KINDS = {"mean": "its mean over the corpus", "zero": "zero", "resample": "its own values at other tokens"}


@dataclass(frozen=True)
class LesionLine:
    """A lesion: its neurons, what it was chosen for, and what it costs at random tokens beside random neurons."""

    name: str
    neurons: tuple[str, ...]
    chosen_for: str
    overall: float
    se: float
    p: float
    low: float
    high: float
    n_random: int


@dataclass(frozen=True)
class LesionCell:
    """What a concept loses with a lesion above its controls; ``at_token`` is the loss at the concept's token itself."""

    lesion: str
    concept: str
    loss: float
    se: float
    p: float
    p_fwer: float
    random: float
    at_token: float
    at_token_p: float
    n_target: int
    n_control: int
    selective: bool
    unused: bool


@dataclass(frozen=True)
class Pair:
    """A double dissociation: a lesion that hurts one concept and spares another, and one the other way round."""

    lesion: str
    concept: str
    other_lesion: str
    other_concept: str
    loss: float
    other_loss: float


@dataclass(frozen=True)
class LesionSection:
    """What there is to show; ``cells`` are concepts that are hurt or that a neuron is selective for.

    ``places`` are lesion and concept of all of them, also of those beyond `MOST_ROWS`.
    """

    how: str
    n_before: int
    n_everywhere: int
    intact: float
    lines: tuple[LesionLine, ...]
    n_lesion: int
    cells: tuple[LesionCell, ...]
    places: tuple[tuple[int, int], ...]
    pairs: tuple[Pair, ...]
    n_pair: int
    n_unused: int

    @property
    def n_cell(self) -> int:
        """Number of concepts that are hurt or that a neuron is selective for."""
        return len(self.places)


def lesion_section(material: Material) -> LesionSection | None:
    """Return what the section shows; ``None`` if no neuron was taken out."""
    found = material.lesion
    if found is None or not found.sizes["lesion"]:
        return None
    one = found.sel(prediction=LEAD)
    pairs = dissociations(found, material.alpha)
    idle = {(row.lesion, row.concept) for row in unused(found, material.alpha)}
    places = shown_cells(found, material.alpha)
    cells = [lesion_cell(found, one, i, k, (i, k) in idle) for i, k in places[:MOST_ROWS]]
    return LesionSection(
        how=KINDS[str(found.attrs["kind"])],
        n_before=int(found.attrs["n_before"]),
        n_everywhere=int(found["n_token_overall"]),
        intact=float(found["intact_loss_overall"]),
        lines=tuple(lesion_line(found, i) for i in range(min(N_LESION, found.sizes["lesion"]))),
        n_lesion=found.sizes["lesion"],
        cells=tuple(cells),
        places=tuple(places),
        pairs=tuple(_pair(one, *row[:4]) for row in pairs[:N_PAIR]),
        n_pair=len(pairs),
        n_unused=len(idle),
    )


def shown_cells(found: xr.Dataset, alpha: float) -> list[tuple[int, int]]:
    """Return lesion and concept of what is shown: hurt, or selective; by loss in sd of the random neurons."""
    shown = hurt(found, alpha, LEAD) | found["selective"].transpose("lesion", "concept").values
    far = beyond_random(found.sel(prediction=LEAD))
    return sorted(((int(i), int(k)) for i, k in np.argwhere(shown)), key=lambda at: -far[at])


def beyond_random(one: xr.Dataset) -> NDArray[np.float64]:
    """Return how far each loss lies above the mean of its random neurons, in their sd, dims (lesion, concept).

    0 where that is undefined; the loss itself with fewer than two random neurons.
    """
    loss = one["delta_loss"].transpose("lesion", "concept").values
    random = one["random_delta_loss"].transpose("draw", "lesion", "concept").values
    spread, middle = np.ones(loss.shape), np.zeros(loss.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(random) > 1:
            n_random = np.isfinite(random).sum(axis=0)
            middle = np.nansum(random, axis=0) / n_random
            spread = np.sqrt(np.nansum((random - middle) ** 2, axis=0) / n_random)
        return np.asarray(np.nan_to_num((loss - middle) / np.where(spread > 0, spread, np.inf)))


def lesion_line(found: xr.Dataset, index: int) -> LesionLine:
    """Return what a lesion, by its place in ``lesion.zarr``, costs at random tokens."""
    one = found.isel(lesion=index)
    random = one["random_delta_loss_overall"].values
    random = random[~np.isnan(random)]
    low, high = np.quantile(random, [0.05, 0.95]) if len(random) else (np.nan, np.nan)
    layers, neurons = (one[name].values.tolist() for name in ("member_layer", "member_neuron"))
    names = tuple(f"{layer}:{neuron}" for layer, neuron in zip(layers, neurons, strict=True) if layer >= 0)
    loss, se, p = (float(one[name]) for name in ("delta_loss_overall", "delta_loss_overall_se", "p_overall"))
    text = str(one["chosen_for"].item())
    return LesionLine(
        str(one["lesion"].item()), names, text, loss, se, p, float(low), float(high), int(one["n_random"])
    )


def lesion_cell(found: xr.Dataset, one: xr.Dataset, lesion: int, concept: int, idle: bool) -> LesionCell:
    """Return what a concept loses with a lesion.

    Parameters
    ----------
    found, one
        ``lesion.zarr``, and its losses of the prediction that is led with.
    lesion, concept
        Places in it.
    idle
        Whether the neuron is selective for the concept and no loss was seen.
    """
    at = one.isel(lesion=lesion, concept=concept)
    itself = found.isel(lesion=lesion, concept=concept).sel(prediction="token")
    random = at["random_delta_loss"].values
    return LesionCell(
        lesion=str(at["lesion"].item()),
        concept=str(at["concept"].item()),
        loss=float(at["delta_loss"]),
        se=float(at["delta_loss_se"]),
        p=float(at["p_value"]),
        p_fwer=float(at["p_fwer"]),
        random=float(np.nanmedian(random)) if np.isfinite(random).any() else np.nan,
        at_token=float(itself["delta_loss"]),
        at_token_p=float(itself["p_value"]),
        n_target=int(at["n_token"].sel(group="target")),
        n_control=int(at["n_token"].sel(group="baseline")),
        selective=bool(at["selective"]),
        unused=idle,
    )


def _pair(one: xr.Dataset, lesion: int, concept: int, other_lesion: int, other_concept: int) -> Pair:
    names, concepts = one["lesion"].values, one["concept"].values
    loss = one["delta_loss"].transpose("lesion", "concept").values
    return Pair(
        str(names[lesion]), str(concepts[concept]), str(names[other_lesion]), str(concepts[other_concept]),
        float(loss[lesion, concept]), float(loss[other_lesion, other_concept]),
    )  # fmt: skip
