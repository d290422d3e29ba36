"""Active neurons in a phrase by threshold: idioms against collocations that are matched to them."""

import numpy as np
import xarray as xr
from bokeh.layouts import gridplot
from bokeh.models import ColumnDataSource, GridPlot, HoverTool, Legend, LegendItem
from bokeh.plotting import figure

from .canvas import ACCENT, QUIET, canvas

STATES = {"hidden": "h", "tanh_cell": "tanh(c)"}
FLANKS = {"any": "any flanks", "off": "off at both flanks"}
_COLOURS = {"active": ACCENT, "expected": QUIET}


def active_curves(found: xr.Dataset) -> GridPlot:
    """Return mean active neurons over idioms by threshold, a row a state, a column a rule for the flanks.

    Each panel has its own range of counts; dashed is what matched collocations lead one to expect.

    Parameters
    ----------
    found
        ``n_active, n_active_expected`` (state, threshold, flank, idiom); idioms that lack one are left out.
    """
    rows = [
        [
            _panel(found.sel(state=state, flank=flank), str(state), str(flank))
            for flank in found["flank"].values.tolist()
        ]
        for state in found["state"].values.tolist()
    ]
    return gridplot(rows, toolbar_location=None, sizing_mode="stretch_width", merge_tools=False)


def _panel(one: xr.Dataset, state: str, flank: str) -> figure:
    parts = {"active": one["n_active"], "expected": one["n_active_expected"]}
    parts = {name: values.transpose("idiom", "threshold") for name, values in parts.items()}
    known = (parts["active"].notnull() & parts["expected"].notnull()).all("threshold").values
    mean = {name: values.values[known].mean(axis=0) if known.any() else np.full(values.sizes["threshold"], np.nan)
            for name, values in parts.items()}  # fmt: skip
    source = ColumnDataSource({"threshold": one["threshold"].values, **mean})
    name = STATES.get(state, state)
    plot = canvas(
        title=f"{name}, {FLANKS.get(flank, flank)}: mean over {known.sum():,} idioms", height=210,
        x_axis_label=f"threshold on {name} (1)", y_axis_label="active neurons (count)",
    )  # fmt: skip
    items = []
    for which, colour in _COLOURS.items():
        dash = [5, 4] if which == "expected" else "solid"
        line = plot.line(x="threshold", y=which, color=colour, width=2, line_dash=dash, source=source)
        plot.scatter(x="threshold", y=which, color=colour, size=5, source=source)
        items.append(LegendItem(label=which, renderers=[line]))
    tips = [("threshold", "@threshold{0.0}"), ("active", "@active{0.0}"), ("expected", "@expected{0.0}")]
    plot.add_tools(HoverTool(renderers=[items[0].renderers[0]], tooltips=tips, mode="vline"))
    legend = Legend(
        items=items, orientation="horizontal", border_line_color=None, label_text_font_size="11px", margin=0
    )
    plot.add_layout(legend, "above")
    plot.y_range.start = 0
    plot.min_border_left = 56
    return plot
