"""The answer of the lesions: whether any concept loses more without a neuron than without random ones."""

import numpy as np
import xarray as xr
from markupsafe import Markup
from numpy.typing import NDArray

from ...analyses.lesion import hurt
from ...explorer_links import neuron_link
from ..lesion_section import LEAD, shown_cells
from ..material import Material
from ..numerals import chance, number
from .answer import Answer
from .losses import BAND

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
    text, p = _most_harmed(found, harmed, material.alpha) if harmed.any() else _most_lost(found)
    dots = (True if harmed.any() else None, None, None)
    return Answer("lesions", "Lesions", "lesions", bool(harmed.any()), text, n_called=int(harmed.any(axis=1).sum()),
                  p=p, p_over="matched random neurons", dots=dots)  # fmt: skip


def _most_harmed(found: xr.Dataset, harmed: NDArray[np.bool_], alpha: float) -> tuple[str, float]:
    one = found.sel(prediction=LEAD)
    known = np.isfinite(one["delta_loss_se"].transpose("lesion", "concept").values)
    places = [place for place in shown_cells(found, alpha) if harmed[place]]
    lesion, concept = next((place for place in places if known[place]), places[0])
    at = one.isel(lesion=lesion, concept=concept)
    n_token = int(at["n_token"].sel(group="target"))
    text = Markup(
        "{} of {} lesions cost{} a concept more than random neurons do; most: without {}, {} ({} token{}) lose{} {} ± "
        "{} {} above its controls"
    ).format(
        f"{int(harmed.any(axis=1).sum()):,}", f"{found.sizes['lesion']:,}",
        "s" if harmed.any(axis=1).sum() == 1 else "", _names(at), str(at["concept"].item()), f"{n_token:,}",
        *(("", "s") if n_token == 1 else ("s", "")), number(float(at["delta_loss"]), 4, signed=True),
        number(float(at["delta_loss_se"]), 4), UNITS,
    )  # fmt: skip
    return text, float(at["p_value"])


def _most_lost(found: xr.Dataset) -> tuple[str, float]:
    overall = found["delta_loss_overall"].values
    at = found.isel(lesion=int(np.nan_to_num(overall, nan=-np.inf).argmax()))
    random = at["random_delta_loss_overall"].values
    random = random[np.isfinite(random)]
    beside = ""
    if len(random):
        low, high = (number(float(value), 4, signed=True) for value in np.quantile(random, BAND))
        beside = f"; random neurons {low} to {high}"
    text = Markup(
        "none of {} lesions costs a concept more than random neurons do; the largest loss overall is without {}: {} ± "
        "{} {} (p {}{})"
    ).format(
        f"{found.sizes['lesion']:,}", _names(at), number(float(at["delta_loss_overall"]), 4, signed=True),
        number(float(at["delta_loss_overall_se"]), 4), UNITS, chance(float(at["p_overall"])), beside,
    )  # fmt: skip
    return text, float("nan")


def _names(at: xr.Dataset) -> Markup:
    """Return the neurons of a lesion."""
    pairs = zip(at["member_layer"].values.tolist(), at["member_neuron"].values.tolist(), strict=True)
    return Markup(", ").join(neuron_link(f"{layer}:{neuron}") for layer, neuron in pairs if layer >= 0)
