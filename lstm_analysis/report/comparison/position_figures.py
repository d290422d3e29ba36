"""The figures of the section on the place in the sentence: tuning curves by run, and how many neurons follow it."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import Column, ColumnDataSource, CustomJSTickFormatter
from bokeh.plotting import figure

from ...schema import LAST_POSITION
from ..canvas import canvas
from ..numerals import neuron_name, number
from .panels import Axis, Curve, common_range, last_row, neuron_curve, panels
from .position_columns import PositionColumn, twin_tuning, values_of

GRID = np.geomspace(0.001, 1.0, 61)
"""Thresholds of the curve of shares."""
SAID = {"eta2_type_adjusted": "eta2 after words", "eta2": "eta2"}
"""What the page calls a measure."""


def position_curve(tuning: xr.Dataset, layer: int, neuron: int, measure: str, letter: str) -> Curve:
    """Return the tuning curve of a neuron.

    Parameters
    ----------
    tuning
        ``tuning_mean`` with ``_low`` and ``_high`` if there are intervals, ``n_token``, and the measure.
    layer, neuron
        Which neuron.
    measure
        That its title gives.
    letter
        Of the run.
    """
    one = tuning.isel(layer=layer, neuron=neuron)
    title = f"{letter}  {neuron_name(layer, neuron)}    {SAID[measure]} = {number(one[measure].item(), 3)}"
    return neuron_curve(one, title, one["sentence_position"].values)


def position_figures(columns: Sequence[PositionColumn], measure: str) -> dict[str, Column]:
    """Return the curves of each run that has some, by letter, on one scale.

    Parameters
    ----------
    columns
        What the runs have to show.
    measure
        By which their neurons were chosen.
    """
    drawn = {column.run.letter: (column, *_curves(column, measure)) for column in columns if column.neurons}
    shown = [curve for _, curves, twin in drawn.values() for curve in [*curves, *([twin] if twin else [])]]
    y, last = common_range(shown), last_row(shown)
    step = 10 if last > 20 else 2
    ticks = {place: str(place) for place in range(0, last + 1, step)}
    ticks |= {LAST_POSITION: f"{LAST_POSITION}+"} if last == LAST_POSITION else {}
    return {
        letter: panels(curves, twin, column.run.colour, y, Axis(-1, last + 1.5, column.run.places, ticks))
        for letter, (column, curves, twin) in drawn.items()
    }


def _curves(column: PositionColumn, measure: str) -> tuple[list[Curve], Curve | None]:
    run, tuning = column.run, column.run.material.tuning
    assert tuning is not None
    curves = [position_curve(tuning, one.layer, one.neuron, measure, run.letter) for one in column.neurons]
    twin = twin_tuning(run, measure)
    if twin is None or column.twin is None:
        return curves, None
    return curves, position_curve(twin.tuning, column.twin.layer, column.twin.neuron, measure, run.letter)


def share_figure(columns: Sequence[PositionColumn], measure: str) -> figure:
    """Return the share of each run's neurons whose measure is at least a threshold; dashed that of its twin.

    Parameters
    ----------
    columns
        What the runs have to show.
    measure
        Of the neurons.
    """
    said = SAID[measure]
    plot = canvas(
        height=280, x_axis_type="log", x_range=(GRID[0], 1.0),
        y_range=(0, 1.02), x_axis_label=f"{said} at least (log scale)",
        y_axis_label="share of neurons",
    )  # fmt: skip
    for column in columns:
        run, twin = column.run, twin_tuning(column.run, measure)
        if not column.neurons or run.material.tuning is None:
            continue
        plot.line(**_shares(run.material.tuning, measure), color=run.colour, width=2)
        if twin is not None:
            plot.line(**_shares(twin.tuning, measure), color=run.colour, width=1.5, line_dash=[5, 4])
    plot.xaxis.formatter = CustomJSTickFormatter(code="return String(Number(tick.toPrecision(3)))")
    return plot


def _shares(tuning: xr.Dataset, measure: str) -> dict[str, object]:
    values = np.sort(values_of(tuning, measure))
    share = (len(values) - np.searchsorted(values, GRID, side="left")) / len(values)
    return {"x": "threshold", "y": "share", "source": ColumnDataSource({"threshold": GRID, "share": share})}
