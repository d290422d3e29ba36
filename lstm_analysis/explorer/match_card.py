"""Neurons of the model that do much the same as one, by the exact correlations that the run has stored."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from ..analyses.neuron_matching import DUPLICATE_R, FAMILY_R
from ..report.duplicates import others_like
from ..report.matching_section import level_of
from ..report.numerals import neuron_name
from .holdings import Holdings
from .stretch import Neuron


@dataclass(frozen=True)
class MatchCard:
    """Neurons alike.

    Parameters
    ----------
    table
        Columns ``neuron, r, r_residual``, the largest |r| first; empty for a neuron that does not vary.
    n_token, n_token_residual
        That the two correlations rest on.
    mutual
        Whether the first one's own best match is this neuron.
    r_rotated, r_twin
        Largest |r| with a direction of rotated layers, and with a neuron of the random twin; NaN if not known.
    level
        What 95 % of the random twin's neurons stay below among themselves, NaN without a twin.
    family, duplicates
        The others of its family and of its duplicates; none where it is alone.
    """

    table: pd.DataFrame
    n_token: int
    n_token_residual: int
    mutual: bool
    r_rotated: float
    r_twin: float
    level: float
    family: tuple[str, ...]
    duplicates: tuple[str, ...]
    family_r: float = FAMILY_R
    duplicate_r: float = DUPLICATE_R


def match_card(holdings: Holdings, neuron: Neuron) -> MatchCard | None:
    """Return the neurons most like one; ``None`` if the study does not ask for them."""
    found = holdings.neuron_matching
    if found is None:
        return None
    twin = holdings.of_twin("neuron_matching")
    one = found.isel(layer=neuron[0], neuron=neuron[1])
    reached = np.nan if twin is None or "r_twin" not in twin else float(twin["r_twin"][neuron])
    groups = {name: found[name].transpose("layer", "neuron").values for name in ("family", "duplicate")}
    return MatchCard(
        table=_best(one),
        n_token=int(found["n_token"]),
        n_token_residual=int(found["n_token_residual"]),
        mutual=int(one["mutual"]) == 1,
        r_rotated=float(one["r_rotated"]),
        r_twin=reached,
        level=np.nan if twin is None else level_of(twin),
        family=others_like(groups["family"], *neuron),
        duplicates=others_like(groups["duplicate"], *neuron),
    )


def _best(one: xr.Dataset) -> pd.DataFrame:
    places = zip(one["best_layer"].values.tolist(), one["best_neuron"].values.tolist(), strict=True)
    there = one["best_layer"].values >= 0
    names = [neuron_name(layer, neuron) for layer, neuron in places if layer >= 0]
    return pd.DataFrame({"neuron": names, "r": one["r"].values[there], "r_residual": one["r_residual"].values[there]})


def matched_rows(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    """Return the neurons most like one as a table."""
    card = match_card(holdings, neuron)
    return None if card is None else card.table
