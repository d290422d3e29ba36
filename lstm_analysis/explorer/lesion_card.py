"""What the model loses without a neuron, and what a concept loses with each lesion, beside random neurons."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.model import Model
from numpy.typing import NDArray

from ..analyses.lesion import hurt, unused
from ..report.lesion_figure import lesion_figure
from ..report.lesion_section import (
    KINDS,
    LEAD,
    LesionCell,
    LesionLine,
    beyond_random,
    lesion_cell,
    lesion_line,
)
from .holdings import Holdings
from .look import readable
from .stretch import Neuron

N_CONCEPT, N_LESION = 8, 20
Place = tuple[int, int]
"""Lesion and concept, by their places in ``lesion.zarr``."""


@dataclass(frozen=True)
class Marked:
    """What a concept loses with a lesion, and whether it is hurt by the rule of the analysis."""

    cell: LesionCell
    hurt: bool


@dataclass(frozen=True)
class LesionCard:
    """Lesions of a neuron or at a concept.

    Parameters
    ----------
    how
        What h is replaced by.
    n_everywhere, intact
        Random tokens, and what the intact model loses there.
    alone
        The lesion of the neuron alone; of a concept ``None``.
    sets
        Lesions of several neurons of which it is one.
    rows, places
        What is shown of concepts and lesions.
    n_row
        How many have a loss.
    """

    how: str
    n_everywhere: int
    intact: float
    alone: LesionLine | None
    sets: tuple[LesionLine, ...]
    rows: tuple[Marked, ...]
    places: tuple[Place, ...]
    n_row: int


def neuron_lesions(holdings: Holdings, neuron: Neuron) -> LesionCard | None:
    """Return the lesions of a neuron; ``None`` if it was not taken out.

    Of the lesion of it alone: the concepts that are hurt or that the neuron is selective for, filled up to eight with
    those that lose most beyond random neurons.
    """
    found = holdings.lesion
    if found is None:
        return None
    member = (found["member_layer"] == neuron[0]) & (found["member_neuron"] == neuron[1])
    chosen = np.flatnonzero(member.any("member").values)
    alone = [int(i) for i in chosen if int((found["member_layer"].values[i] >= 0).sum()) == 1]
    if not len(chosen):
        return None
    line = lesion_line(found, alone[0]) if alone else None
    sets = tuple(lesion_line(found, int(i)) for i in chosen if i not in alone)
    places = _concepts(found, alone[0], holdings.alpha) if alone else []
    n_said = sum(_said(found, holdings.alpha)[place] for place in places)
    return _card(holdings, found, line, sets, places, max(N_CONCEPT, n_said))


def _concepts(found: xr.Dataset, lesion: int, alpha: float) -> list[Place]:
    """Return the concepts with a loss: those that are hurt or selected for first, either by the loss beyond random."""
    far, said = beyond_random(found.sel(prediction=LEAD))[lesion], _said(found, alpha)[lesion]
    order = sorted(np.flatnonzero(_known(found)[lesion] | said).tolist(), key=lambda k: (not said[k], -far[k]))
    return [(lesion, k) for k in order]


def _said(found: xr.Dataset, alpha: float) -> NDArray[np.bool_]:
    return np.asarray(hurt(found, alpha, LEAD) | found["selective"].transpose("lesion", "concept").values, bool)


def _known(found: xr.Dataset) -> NDArray[np.bool_]:
    known = found["delta_loss"].sel(prediction=LEAD).transpose("lesion", "concept").notnull().values
    return np.asarray(known, bool)


def concept_lesions(holdings: Holdings, concept: str) -> LesionCard | None:
    """Return what a concept loses with each lesion, most beyond random neurons first.

    ``None`` if no lesion looked at it, or none with tokens enough for a loss.
    """
    found = holdings.lesion
    names = [] if found is None else [str(name) for name in found["concept"].values]
    if found is None or concept not in names or not found.sizes["lesion"]:
        return None
    k = names.index(concept)
    far = beyond_random(found.sel(prediction=LEAD))[:, k]
    places = [(int(i), k) for i in np.argsort(-far, kind="stable") if _known(found)[i, k]]
    return _card(holdings, found, None, (), places, N_LESION) if places else None


def _card(
    holdings: Holdings,
    found: xr.Dataset,
    alone: LesionLine | None,
    sets: tuple[LesionLine, ...],
    places: list[Place],
    most: int,
) -> LesionCard:
    one, idle = found.sel(prediction=LEAD), {(row.lesion, row.concept) for row in unused(found, holdings.alpha)}
    hurts = hurt(found, holdings.alpha, LEAD)
    rows = tuple(Marked(lesion_cell(found, one, *at, at in idle), bool(hurts[at])) for at in places[:most])
    return LesionCard(
        KINDS[str(found.attrs["kind"])], int(found["n_token_overall"]), float(found["intact_loss_overall"]), alone,
        sets, rows, tuple(places[:most]), len(places),
    )  # fmt: skip


def draw_neuron_lesions(holdings: Holdings, _: Neuron, card: LesionCard) -> dict[str, Model]:
    """Return what concepts lose without the neuron among random neurons."""
    return _draw(holdings, card, "concept")


def draw_concept_lesions(holdings: Holdings, _: str, card: LesionCard) -> dict[str, Model]:
    """Return what the concept loses with each lesion among random neurons."""
    return _draw(holdings, card, "lesion")


def _draw(holdings: Holdings, card: LesionCard, named: str) -> dict[str, Model]:
    if holdings.lesion is None or not card.places:
        return {}
    one = holdings.lesion.sel(prediction=LEAD)
    return {"lesions": readable(lesion_figure(one, card.places, (named,)))}


def lesion_rows(card: LesionCard | None) -> pd.DataFrame | None:
    """Return a row for each lesion and concept of a card."""
    if card is None:
        return None
    rows = [
        {"lesion": row.cell.lesion, "concept": row.cell.concept, "delta_loss": row.cell.loss,
         "delta_loss_se": row.cell.se, "p_value": row.cell.p, "p_fwer": row.cell.p_fwer,
         "random_delta_loss": row.cell.random, "token_delta_loss": row.cell.at_token,
         "token_p_value": row.cell.at_token_p, "n_target": row.cell.n_target, "n_control": row.cell.n_control,
         "selective": row.cell.selective, "hurt": row.hurt}
        for row in card.rows
    ]  # fmt: skip
    return pd.DataFrame(rows)
