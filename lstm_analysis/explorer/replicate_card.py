"""Neurons of other trained models that do much the same as one of the study's model."""

import numpy as np
import pandas as pd

from ..report.numerals import neuron_name
from .holdings import Holdings
from .stretch import Neuron


def replicate_rows(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    """Return the neuron of each other model that is most like one.

    Returns
    -------
    Columns ``model, neuron, r, r_residual, r_rotated, excess_r, mutual``; ``neuron`` is empty if there is none.
    ``None`` if the study names no other models, or did not match neurons.
    """
    rows = []
    for name, found in holdings.matched.items():
        one = found.isel(layer=neuron[0], neuron=neuron[1])
        best = one.isel(rank=0)
        place = int(best["best_layer"]), int(best["best_neuron"])
        numbers = {column: float(best[column]) for column in ("r", "r_residual")}
        numbers |= {column: float(one[column]) if column in one else np.nan for column in ("r_rotated", "excess_r")}
        other = neuron_name(*place) if place[0] >= 0 else ""
        rows.append({"model": name, "neuron": other, **numbers, "mutual": int(one["mutual"]) == 1})
    return pd.DataFrame(rows) if rows else None
