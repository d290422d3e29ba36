"""The answer of the lesions: whether any concept loses more without a neuron than without random ones."""

import numpy as np
import xarray as xr
from markupsafe import Markup
from numpy.typing import NDArray
from scipy.stats import poisson

from ...analyses.lesion import hurt
from ...explorer_links import neuron_link
from ..lesion_section import LEAD, lesion_line, shown_cells
from ..material import Material
from ..numerals import chance, number
from .answer import Answer

UNITS = "nats a token"


def lesion_answer(material: Material) -> Answer | None:
    """Return the answer of a run; ``None`` if no neuron was taken out.

    Parameters
    ----------
    material
        The run.
    """
    found = material.lesion
    if found is None or not found.sizes["lesion"]:
        return None
    harmed = hurt(found, material.alpha, LEAD)
    n_harmful, by_chance = int(harmed.any(axis=1).sum()), expected_by_chance(found, material.alpha)
    p = float(poisson.sf(n_harmful - 1, by_chance)) if n_harmful else float("nan")
    text = _most_harmed(found, harmed, material.alpha, by_chance) if n_harmful else _most_lost(found)
    is_found = p <= material.alpha
    dots = (True if is_found else None, None, None)
    return Answer("lesions", "Lesions", "lesions", is_found, text, n_called=n_harmful, p=p,
                  p_over="the number of lesions", dots=dots)  # fmt: skip


def expected_by_chance(found: xr.Dataset, alpha: float) -> float:
    """Return how many lesions hurt a concept at most on average if none does more than random neurons do.

    Each is judged at ``alpha`` over all concepts at once, and again at each concept that it is selective for.
    """
    n_judged = 1 + found["selective"].transpose("lesion", "concept").values.sum(axis=1)
    return float(np.minimum(1.0, alpha * n_judged).sum())


def _most_harmed(found: xr.Dataset, harmed: NDArray[np.bool_], alpha: float, by_chance: float) -> str:
    one = found.sel(prediction=LEAD)
    known = np.isfinite(one["delta_loss_se"].transpose("lesion", "concept").values)
    places = [place for place in shown_cells(found, alpha) if harmed[place]]
    lesion, concept = next((place for place in places if known[place]), places[0])
    at = one.isel(lesion=lesion, concept=concept)
    n_token = int(at["n_token"].sel(group="target"))
    text = Markup(
        "{} of {} lesions cost{} a concept more than random neurons do, where chance makes up to {}; most: without {}, "
        "{} ({} token{}) lose{} {} ± "
        "{} {} above its controls"
    ).format(
        f"{int(harmed.any(axis=1).sum()):,}", f"{found.sizes['lesion']:,}",
        "s" if harmed.any(axis=1).sum() == 1 else "", number(by_chance, 1), _names(found, lesion),
        str(at["concept"].item()), f"{n_token:,}",
        *(("", "s") if n_token == 1 else ("s", "")), number(float(at["delta_loss"]), 4, signed=True),
        number(float(at["delta_loss_se"]), 4), UNITS,
    )  # fmt: skip
    return text


def _most_lost(found: xr.Dataset) -> str:
    overall = found["delta_loss_overall"].values
    lesion = int(np.nan_to_num(overall, nan=-np.inf).argmax())
    line, beside = lesion_line(found, lesion), ""
    if np.isfinite(line.low):
        low, high = (number(value, 4, signed=True) for value in (line.low, line.high))
        beside = f"; random neurons {low} to {high}"
    text = Markup(
        "none of {} lesions costs a concept more than random neurons do; the largest loss overall is without {}: {} ± "
        "{} {} (p {}{})"
    ).format(
        f"{found.sizes['lesion']:,}", _names(found, lesion), number(line.overall, 4, signed=True), number(line.se, 4),
        UNITS, chance(line.p), beside,
    )  # fmt: skip
    return text


def _names(found: xr.Dataset, lesion: int) -> Markup:
    """Return the neurons of a lesion."""
    return Markup(", ").join(map(neuron_link, lesion_line(found, lesion).neurons))
