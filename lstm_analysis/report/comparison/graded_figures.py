"""The curves of neurons over graded variables, on one scale for the variables that are set side by side."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import Column

from ..numerals import number
from .graded import Graded, GradedGroup, GradedNeuron
from .panels import Axis, Curve, common_range, last_row, neuron_curve, panels
from .position_figures import SAID

N_TICK = 9
"""Most values written at the axis."""


def graded_figures(groups: Sequence[GradedGroup]) -> dict[str, Column]:
    """Return the curves of each variable of each run by the name of its figure.

    Parameters
    ----------
    groups
        What the section shows.
    """
    return {name: model for group in groups for name, model in _figures(group).items()}


def _figures(group: GradedGroup) -> dict[str, Column]:
    drawn = [(one, *_curves(one, group.measure)) for one in group.all if one.neurons]
    curves = [curve for _, own, twin in drawn for curve in [*own, *([twin] if twin else [])]]
    last = last_row(curves)
    y = common_range(curves)
    return {one.figure: panels(own, twin, one.run.colour, y, _axis(one, last)) for one, own, twin in drawn}


def _axis(one: Graded, last: int) -> Axis:
    """Return the rows of values up to the last that any run has: a step each up to 60, wider ones above."""
    values = one.curves["variable_value"].values.tolist()
    rows = range(0, last + 1, -(-(last + 1) // N_TICK))
    ticks = {row: f"{values[row]:,}{'+' if row == len(values) - 1 else ''}" for row in rows}
    return Axis(-1, last + 1.5, f"{one.variable} of the {one.run.token}", ticks)


def _curves(one: Graded, measure: str) -> tuple[list[Curve], Curve | None]:
    own = [_curve(one.curves, one, neuron, measure) for neuron in one.neurons]
    twin = None if one.curves_twin is None or one.twin is None else _curve(one.curves_twin, one, one.twin, measure)
    return own, twin


def _curve(found: xr.Dataset, one: Graded, neuron: GradedNeuron, measure: str) -> Curve:
    of = found.isel(layer=neuron.layer, neuron=neuron.neuron)
    title = f"{one.run.letter}  {neuron.name}    {SAID[measure]} = {number(neuron.scores[measure], 3)}"
    return neuron_curve(of, title, np.arange(of.sizes["variable_value"]))
