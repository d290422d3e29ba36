"""Small multiples: the curves of a run's neurons below each other, on the scale that all runs of a figure share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d, Whisker
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..canvas import MARGIN, canvas

TWIN = "#8b919c"
"""Colour of the random twin's curves."""
HEIGHT, STRIP = 132, 84
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Mean value of a neuron at each place, with the interval of the mean (NaN where there is none).

    ``title`` names the neuron. The last place holds all later ones, so it stands apart.
    """

    title: str
    place: NDArray[np.number]
    mean: Numbers
    low: Numbers
    high: Numbers
    n_token: NDArray[np.int64]


def neuron_curve(one: xr.Dataset, title: str, place: NDArray[np.number]) -> Curve:
    """Return the curve of one neuron.

    Parameters
    ----------
    one
        ``tuning_mean`` and ``n_token`` along the places; ``tuning_mean_low, tuning_mean_high`` if there are intervals.
    title
        Names the neuron.
    place
        Where each value stands.
    """
    mean = one["tuning_mean"].values
    low, high = (one.get(f"tuning_mean_{end}", one["tuning_mean"] * np.nan).values for end in ("low", "high"))
    return Curve(title, place, mean, low, high, one["n_token"].values)


@dataclass(frozen=True)
class Axis:
    """The places below curves: their range, which all runs share, what they are, and the text at some of them."""

    start: float
    stop: float
    label: str
    ticks: dict[int, str]


def common_range(curves: Iterable[Curve]) -> tuple[float, float]:
    """Return the range of values that holds all curves and their intervals, with a margin.

    Parameters
    ----------
    curves
        Of all runs that share a scale.
    """
    values = np.concatenate([np.concatenate([c.mean, c.low, c.high]) for c in curves] or [np.array([])])
    values = values[np.isfinite(values)]
    if not values.size:
        return -1.0, 1.0
    margin = 0.05 * float(np.ptp(values)) or 0.05
    return float(values.min()) - margin, float(values.max()) + margin


def last_row(curves: Iterable[Curve]) -> int:
    """Return the last row of places at which any of the curves has tokens; 0 if none has."""
    return max((int(np.flatnonzero(curve.n_token)[-1]) for curve in curves if curve.n_token.any()), default=0)


def panels(curves: Sequence[Curve], twin: Curve | None, colour: str, y: tuple[float, float], axis: Axis) -> Column:
    """Return the curves of a run, the twin's best in grey behind each, and below them how many tokens they rest on.

    Parameters
    ----------
    curves
        One or more, of the same places.
    twin
        Of the random twin's best neuron; ``None`` without one.
    colour
        Of the run.
    y
        The range of values that all runs share.
    axis
        The places.
    """
    places = Range1d(axis.start, axis.stop)
    plots = [_panel(curve, twin, colour, y, places, axis) for curve in curves]
    return column(*plots, _strip(curves[0], places, axis), sizing_mode="stretch_width", spacing=0)


def _panel(
    curve: Curve, twin: Curve | None, colour: str, y: tuple[float, float], places: Range1d, axis: Axis
) -> figure:
    plot = canvas(title=curve.title, height=HEIGHT, x_range=places, y_range=Range1d(*y), y_axis_label="h (1)")
    if twin is not None:
        _draw(plot, twin, TWIN, 1.5)
    source = _draw(plot, curve, colour, 2)
    dots = plot.scatter(x="place", y="mean", size=6, alpha=0, source=source)
    tips = [("place", "@place{0,0}"), ("mean", "@mean{0.000}"), ("tokens", "@n_token{0,0}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips, mode="vline"))
    plot.xaxis.ticker = FixedTicker(ticks=list(axis.ticks))
    plot.xaxis.visible = False
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.min_border_left = MARGIN
    return plot


def _draw(plot: figure, curve: Curve, colour: str, width: float) -> ColumnDataSource:
    """Draw a curve; its last place stands apart where it holds all later ones. Returns all of it."""
    known = np.isfinite(curve.mean)
    names = ("place", "mean", "low", "high", "n_token")
    data = {name: getattr(curve, name)[known] for name in names}
    later = data["place"] == curve.place[-1]
    line, rest = (ColumnDataSource({name: values[part] for name, values in data.items()}) for part in (~later, later))
    plot.varea(x="place", y1="low", y2="high", color=colour, alpha=0.25, source=line)
    plot.line(x="place", y="mean", color=colour, width=width, source=line)
    plot.add_layout(
        Whisker(
            base="place", lower="low", upper="high", source=rest, line_color=colour, line_alpha=0.4, line_width=3,
            upper_head=None, lower_head=None,
        )
    )  # fmt: skip
    plot.scatter(x="place", y="mean", color=colour, size=5, source=rest)
    return ColumnDataSource(data)


def _strip(curve: Curve, places: Range1d, axis: Axis) -> figure:
    plot = canvas(height=STRIP, x_range=places, x_axis_label=axis.label, y_axis_label="tokens")
    plot.vbar(x="place", top="n_token", width=0.8, color="#aab1bd",
              source=ColumnDataSource({"place": curve.place, "n_token": curve.n_token}))  # fmt: skip
    plot.xaxis.ticker = FixedTicker(ticks=list(axis.ticks))
    plot.xaxis.major_label_overrides = dict(axis.ticks)
    plot.yaxis.formatter = NumeralTickFormatter(format="0a")
    plot.yaxis.ticker.desired_num_ticks = 2
    plot.y_range.start = 0
    plot.xgrid.grid_line_color = None
    plot.min_border_left = MARGIN
    return plot
