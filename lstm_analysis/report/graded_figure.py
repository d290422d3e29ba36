"""The curves of neurons over the values of a graded variable, and how many tokens they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, HoverTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..schema import VALUE_EDGES
from .canvas import ACCENT, MARGIN, canvas
from .material import Material
from .palette import DIVERGING, UNDEFINED
from .tuning_section import GradedNeuron, GradedVariable

N_CURVE = 3
MIN_TOKEN = 10
"""Values with fewer tokens are not drawn."""
COLOURS = (ACCENT, DIVERGING[-1], DIVERGING[4])
TWIN_COLOUR = "#8a8f98"


@dataclass(frozen=True)
class ValueCurve:
    """The curve of a neuron, dims (variable_value), with its name and colour."""

    found: xr.Dataset
    name: str
    colour: str


def graded_figure(material: Material, shown: GradedVariable) -> Column:
    """Return the curves of a variable's best neurons over its values, and below how many tokens they rest on.

    Parameters
    ----------
    material
        The datasets of a run.
    shown
        A variable of its section.
    """
    assert material.graded is not None
    one = material.graded.isel(variable=shown.index)
    pairs = zip(shown.neurons[:N_CURVE], COLOURS, strict=False)
    curves = [curve_of(one, neuron, colour) for neuron, colour in pairs]
    if shown.twin is not None and material.of_twin.graded is not None:
        curves = [twin_curve(material.of_twin.graded.isel(variable=shown.index), shown.twin), *curves]
    return value_curves(one["n_token"].values, curves, f"{shown.name} ({shown.units})")


def curve_of(one: xr.Dataset, neuron: GradedNeuron, colour: str = ACCENT) -> ValueCurve:
    """Return the curve of a neuron over a variable of ``tuning.zarr``."""
    return ValueCurve(one.isel(layer=neuron.layer, neuron=neuron.neuron), neuron.name, colour)


def twin_curve(one: xr.Dataset, neuron: GradedNeuron) -> ValueCurve:
    """Return the curve of a neuron of the random twin."""
    found = one.isel(layer=neuron.layer, neuron=neuron.neuron)
    return ValueCurve(found, f"random twin, {neuron.name}", TWIN_COLOUR)


def value_curves(n_token: NDArray[np.int64], curves: Sequence[ValueCurve], label: str, height: int = 230) -> Column:
    """Return curves over the values of a variable, and below how many tokens they rest on.

    Parameters
    ----------
    n_token
        Tokens with each value, dims (variable_value); values with fewer than 10 are not drawn.
    curves
        Of neurons, those drawn first first.
    label
        Of the axis of values.
    height
        Of the frame of the curves.
    """
    drawn = n_token >= MIN_TOKEN
    at, width = _places(drawn)
    plot = canvas(height=height, y_axis_label="mean of hidden_state (1)", x_range=_range(at, width))
    for curve in curves:
        _draw(plot, curve.found.isel(variable_value=drawn), at, curve.colour, curve.name)
    plot.legend.label_text_font_size = "11px"
    plot.legend.background_fill_alpha = 0.6
    plot.legend.border_line_color = None
    plot.xaxis.visible = False
    plot.min_border_left = MARGIN
    strip = _occupancy(plot, at, width, n_token[drawn], label)
    return column(plot, strip, sizing_mode="stretch_width", spacing=0)


def _places(drawn: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle and the width of each row that is drawn; the last one, which is open, counts as one value."""
    edges = np.array([*VALUE_EDGES, VALUE_EDGES[-1] + 1], np.float64)
    width = np.diff(edges)
    return (edges[:-1] + (width - 1) / 2)[drawn], width[drawn]


def _range(at: NDArray[np.float64], width: NDArray[np.float64]) -> tuple[float, float]:
    return (float((at - width).min(initial=0)), float((at + width).max(initial=1)))


def _draw(plot: figure, curve: xr.Dataset, at: NDArray[np.float64], colour: str, name: str) -> None:
    data = {"at": at, "mean": curve["tuning_mean"].values, "from": curve["variable_value"].values}
    if "tuning_mean_low" in curve:
        data |= {end: curve[f"tuning_mean_{end}"].values for end in ("low", "high")}
    source = ColumnDataSource(data)
    if "low" in data:
        plot.varea(x="at", y1="low", y2="high", color=colour, alpha=0.2, source=source)
    plot.line(x="at", y="mean", color=colour, width=2, source=source, legend_label=name)
    dots = plot.scatter(x="at", y="mean", color=colour, size=4, source=source)
    tips = [("neuron", name), ("value from", "@from"), ("mean", "@mean{0.000}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))


def _occupancy(
    above: figure, at: NDArray[np.float64], width: NDArray[np.float64], n_token: NDArray[np.int64], label: str
) -> figure:
    """Return the bars of the tokens at each value, per unit of the value."""
    strip = canvas(height=92, x_range=above.x_range, x_axis_label=label, y_axis_label="tokens")
    source = ColumnDataSource({"at": at, "width": 0.8 * width, "top": n_token / width})
    strip.vbar(x="at", width="width", top="top", color=UNDEFINED, source=source)
    strip.yaxis.ticker.desired_num_ticks = 2
    strip.y_range.start = 0
    strip.xgrid.grid_line_color = None
    strip.min_border_left = MARGIN
    return strip
