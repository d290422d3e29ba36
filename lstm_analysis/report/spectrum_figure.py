"""The spectrum of one neuron by period, against those of neurons that mean nothing."""

import numpy as np
import xarray as xr
from bokeh.models import BoxAnnotation, ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from .canvas import ACCENT, FAINT, MARGIN, QUIET, canvas
from .numerals import chance, number
from .palette import DIVERGING

LINE = DIVERGING[-1]
"""Colour of a line that was found."""
_TIPS = [("period", "@period{0.00} tokens"), ("power / variance", "@power"), ("F", "@f_stat{0.00}")]


def spectrum_figure(found: xr.Dataset, layer: int, neuron: int, others: xr.Dataset) -> figure:
    """Return power by period, both logarithmic, each neuron's divided by its variance; the band holds 90 % of others.

    Parameters
    ----------
    found
        ``psd, f_stat`` (frequency, layer, neuron), ``segment_variance, period, line_fraction, p_fwer, rhythm`` (layer,
        neuron), ``half_bandwidth``.
    layer, neuron
        Which neuron.
    others
        The same of the neurons that it is held against: those of a random twin, or all of the model.
    """
    one = found.isel(layer=layer, neuron=neuron)
    frequency = found["frequency"].values
    shown = frequency > 0
    low, middle, high = np.nanpercentile(_relative(others)[shown], [5, 50, 95], axis=1)
    source = ColumnDataSource({
        "period": 1 / frequency[shown], "power": _relative(one)[shown, 0], "f_stat": one["f_stat"].values[shown],
        "low": low, "middle": middle, "high": high,
    })  # fmt: skip
    period, is_found = float(one["period"]), int(one["rhythm"]) > 0
    title = f"{layer}:{neuron}    period = {number(period)} tokens    line_fraction = "
    title += f"{number(float(one['line_fraction']), 3)}    p_fwer = {chance(float(one['p_fwer']))}"
    longest = 1 / float(found["half_bandwidth"])
    plot = canvas(
        title=title, height=220, x_axis_type="log", y_axis_type="log", x_range=(2, 8 * longest),
        x_axis_label="period (tokens)", y_axis_label="power / variance (tokens)",
    )  # fmt: skip
    plot.add_layout(BoxAnnotation(left=longest, fill_color=FAINT, fill_alpha=1, level="underlay"))
    plot.varea(x="period", y1="low", y2="high", color=QUIET, alpha=0.18, source=source)
    plot.line(x="period", y="middle", color=QUIET, line_dash=[5, 4], source=source)
    drawn = plot.line(x="period", y="power", color=ACCENT, width=2, source=source)
    plot.add_layout(Span(location=period, dimension="height", line_color=LINE if is_found else QUIET, line_dash=[2, 3]))
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=_TIPS, mode="vline"))
    plot.xaxis.ticker = FixedTicker(ticks=[2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000])
    plot.xaxis.formatter = NumeralTickFormatter(format="0")
    plot.min_border_left = MARGIN
    return plot


def _relative(found: xr.Dataset) -> NDArray[np.float64]:
    """Return power over variance, dims (frequency, neuron of any layer); neurons that do not vary are left out."""
    psd = found["psd"].values.reshape(found.sizes["frequency"], -1).astype(np.float64)
    variance = np.ravel(found["segment_variance"].values)
    relative: NDArray[np.float64] = psd[:, variance > 0] / variance[variance > 0]
    return relative
