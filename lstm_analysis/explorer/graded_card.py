"""How a neuron follows graded variables: its scores beside the random twin's best, and its curves."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from bokeh.model import Model

from ..report.graded_figure import MIN_TOKEN, curve_of, twin_curve, value_curves
from ..report.tuning_section import SCORES, GradedNeuron, best_graded, graded_neuron, said_of
from .holdings import Holdings
from .look import readable
from .stretch import Neuron

N_CURVE = 3


@dataclass(frozen=True)
class GradedRow:
    """A graded variable: what it is, and how the neuron and the random twin's best one follow it.

    ``drawn`` says whether its curve is shown.
    """

    index: int
    name: str
    meaning: str
    units: str
    n_token: int
    own: GradedNeuron
    twin: GradedNeuron | None
    drawn: bool


@dataclass(frozen=True)
class GradedCard:
    """How a neuron follows the variables of a study, those that it is called for first, then by share after words."""

    tested: bool
    rows: tuple[GradedRow, ...]
    min_token: int = MIN_TOKEN


def graded_card(holdings: Holdings, neuron: Neuron) -> GradedCard | None:
    """Return how a neuron follows graded variables; ``None`` if the run has none."""
    found = holdings.graded
    if found is None:
        return None
    owns = [graded_neuron(found.isel(variable=i), *neuron) for i in range(found.sizes["variable"])]
    shares = [own.scores["eta2_type_adjusted"] for own in owns]
    order = sorted(range(len(owns)), key=lambda i: (not owns[i].called, -np.nan_to_num(shares[i], nan=-np.inf)))
    drawn = {i for i in order[:N_CURVE] if np.isfinite(shares[i])}
    return GradedCard("graded_neuron" in found, tuple(_row(holdings, i, owns[i], i in drawn) for i in order))


def _row(holdings: Holdings, index: int, own: GradedNeuron, drawn: bool) -> GradedRow:
    found, twin = holdings.graded, holdings.of_twin("tuning")
    assert found is not None
    name = str(found["variable"].values[index])
    best = () if twin is None else best_graded(twin.isel(variable=index), 1, None)
    n_token = int(found["n_token"].isel(variable=index).sum())
    return GradedRow(index, name, *said_of(name), n_token, own, best[0] if best else None, drawn)


def draw_graded(holdings: Holdings, _: Neuron, card: GradedCard) -> dict[str, Model]:
    """Return the curves over the variables that are drawn, the twin's best in grey."""
    found, twin = holdings.graded, holdings.of_twin("tuning")
    assert found is not None
    figures: dict[str, Model] = {}
    for row in (row for row in card.rows if row.drawn):
        one = found.isel(variable=row.index)
        curves = [curve_of(one, row.own)]
        if twin is not None and row.twin is not None:
            curves = [twin_curve(twin.isel(variable=row.index), row.twin), *curves]
        label = f"{row.name} ({row.units})"
        figures[f"graded-{row.index}"] = readable(value_curves(one["n_token"].values, curves, label, height=190))
    return figures


def graded_rows(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    """Return a row a variable with the neuron's scores and the share after words of the twin's best neuron."""
    card = graded_card(holdings, neuron)
    if card is None:
        return None
    rows = []
    for row in card.rows:
        best = {} if row.twin is None else {"twin_eta2_type_adjusted": row.twin.scores["eta2_type_adjusted"]}
        scores = {name: row.own.scores[name] for name in SCORES if name in row.own.scores}
        rows.append({"variable": row.name, "called": row.own.called, **scores, **best, "n_token": row.n_token})
    return pd.DataFrame(rows)
