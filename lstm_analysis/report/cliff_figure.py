"""The cliff of one neuron: how it depends on the sentence just ended, and how it looks in a passage."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, HoverTool, NumeralTickFormatter, Span, Whisker
from bokeh.plotting import figure
from numpy.typing import NDArray

from .canvas import ACCENT, LINE, MARGIN, canvas, occupancy
from .tuning_curve import FIT

N_TRACE = 61
"""Tokens of an example trace."""
_TRACE_TIPS = [("token", "@word"), ("time", "@time{0,0}"), ("hidden_state", "@value{0.000}")]


def cliff_figure(positions: xr.Dataset, layer: int, neuron: int) -> Column:
    """Return the cliff by length of the sentence just ended, and below how many boundaries each mean rests on.

    Parameters
    ----------
    positions
        ``cliff_by_length``, ``cliff_sd_by_length`` (sentence_length_bin, layer, neuron), ``n_boundary_by_length``
        (sentence_length_bin), ``cliff_mean``, ``cliff_r_current`` and its ``_p_fwer``. The last bin holds longer ones.
    layer, neuron
        Which neuron.
    """
    one = positions.isel(layer=layer, neuron=neuron)
    names = {"length": "sentence_length_bin", "n": "n_boundary_by_length", "mean": "cliff_by_length"}
    data = {name: one[variable].values for name, variable in names.items()}
    sd = np.nan_to_num(one["cliff_sd_by_length"].values)
    data |= {"low": data["mean"] - sd, "high": data["mean"] + sd, "sd": one["cliff_sd_by_length"].values}
    shown = data["n"] > 0
    source = ColumnDataSource({name: values[shown] for name, values in data.items()})
    last = int(data["length"].max())
    title = f"{layer}:{neuron}    cliff_mean = {_number(one['cliff_mean'])}"
    title += f"    cliff_r_current = {_number(one['cliff_r_current'])}"
    title += f" (p_fwer = {_number(one['cliff_r_current_p_fwer'])})"
    ends = np.concatenate([[0.0], data["low"][shown], data["high"][shown]])
    margin = 0.05 * np.ptp(ends) or 1.0
    plot = canvas(
        title=title,
        height=200,
        x_range=(0, last + 1.5),
        y_range=(ends.min() - margin, ends.max() + margin),
        y_axis_label="cliff: h(end) - h(next) (1)",
    )
    plot.add_layout(Span(location=0, dimension="width", line_color=LINE))
    plot.add_layout(Span(location=one["cliff_mean"].item(), dimension="width", line_color=FIT, line_dash=[5, 4]))
    plot.add_layout(
        Whisker(
            base="length", lower="low", upper="high", source=source, line_color=ACCENT, line_alpha=0.3, line_width=3,
            upper_head=None, lower_head=None,
        )
    )  # fmt: skip
    dots = plot.scatter(x="length", y="mean", color=ACCENT, size=6, source=source)
    tips = [("length", "@length"), ("cliff", "@mean{0.000}"), ("sd", "@sd{0.000}"), ("boundaries", "@n{0,0}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips, mode="vline"))
    plot.xaxis.visible = False
    label = "length of the sentence just ended (tokens, end symbol included)"
    strip = occupancy(source, "length", "n", plot, last, 112, label, "boundaries")
    return column(plot, strip, sizing_mode="stretch_width", spacing=0)


def _number(value: xr.DataArray) -> str:
    return f"{value.item():.3f}" if np.isfinite(value.item()) else "undefined"


def trace_figure(
    values: NDArray[np.floating], words: Sequence[str], is_end: NDArray[np.bool_], first_time: int, name: str
) -> figure:
    """Return a neuron over a passage, with the sentence boundaries marked and the words under the pointer.

    Parameters
    ----------
    values
        Hidden state after each token, dims (time), of one document; about `N_TRACE` tokens.
    words
        What stands at each token.
    is_end
        Whether a sentence ends there.
    first_time
        Place of the first token in the corpus.
    name
        Of the neuron.
    """
    time = first_time + np.arange(len(values))
    source = ColumnDataSource({"time": time, "value": np.asarray(values), "word": list(words)})
    plot = canvas(
        title=f"{name}    {len(values)} tokens from {first_time:,}    dashed: a sentence ends",
        height=200,
        x_range=(first_time - 1, first_time + len(values)),
        x_axis_label="time (tokens of the corpus)",
        y_axis_label="hidden_state (1)",
    )
    for end in time[np.asarray(is_end)].tolist():
        plot.add_layout(Span(location=end + 0.5, dimension="height", line_color=FIT, line_width=1, line_dash=[5, 4]))
    plot.line(x="time", y="value", color=ACCENT, width=1.5, source=source)
    dots = plot.scatter(x="time", y="value", color=ACCENT, size=5, source=source)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=_TRACE_TIPS, mode="vline"))
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xgrid.grid_line_color = None
    plot.min_border_left = MARGIN
    return plot
