"""Since which epoch of the training a neuron is selective, and for what."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..report.dynamics_section import same_start
from .holdings import Holdings
from .stretch import Neuron

MOST = 8
"""Concepts that the card shows."""
FLAGS = {"cliff_since": "cliff neuron", "idiom_since": "idiom neuron", "periodic_since": "periodic"}


@dataclass(frozen=True)
class TrainingCard:
    """A neuron over training.

    Parameters
    ----------
    measure
        The score that is followed.
    epochs
        Epochs, 0 the untrained network.
    table
        Columns ``concept, selective_since, half_since`` and the score by epoch; the concepts that it is selective
        for in the end, those it has been the longest first.
    since
        What else it is, and since which epoch.
    rule
        When a neuron counts as selective, or why none does.
    """

    measure: str
    epochs: tuple[str, ...]
    table: pd.DataFrame
    since: dict[str, float]
    rule: str
    most: int = MOST


def training_card(holdings: Holdings, neuron: Neuron) -> TrainingCard | None:
    """Return what a neuron was at each epoch; ``None`` if the study names no epochs."""
    found = holdings.training_dynamics
    if found is None:
        return None
    one, measure = found.isel(layer=neuron[0], neuron=neuron[1]), str(found.attrs["measure"])
    first = 0 if same_start(found) else 1
    epochs = tuple(f"{epoch:g}" for epoch in found["epoch"].values[first:])
    since = one["selective_since"].values.astype(np.float64)
    order = [int(i) for i in np.argsort(since, kind="stable") if np.isfinite(since[i])]
    columns = {
        "concept": [str(name) for name in one["concept"].values[order]],
        "selective_since": since[order],
        "half_since": one["half_since"].values[order],
    }
    scores = one[measure].transpose("epoch", "concept").values[first:, order]
    columns |= {f"{measure} {epoch}": row for epoch, row in zip(epochs, scores, strict=True)}
    dated = {said: float(one[name]) for name, said in FLAGS.items() if name in one and np.isfinite(float(one[name]))}
    return TrainingCard(measure, epochs, pd.DataFrame(columns), dated, str(found.attrs["rule"]))


def training_rows(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    """Return the scores of a neuron by epoch as a table."""
    card = training_card(holdings, neuron)
    return None if card is None else card.table
