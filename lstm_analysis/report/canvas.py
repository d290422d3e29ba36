"""An empty figure in the page's look: its type, its greys, no tools; and the strip of counts below a curve."""

from typing import Any

from bokeh.models import ColumnDataSource, FixedTicker, NumeralTickFormatter
from bokeh.plotting import figure

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
INK, QUIET, LINE, FAINT = "#16181d", "#555b66", "#d5d8de", "#eceef1"
ACCENT = "#27496d"
MARGIN = 62
"""Pixels left of the frame of a figure that stands below or above another."""


def canvas(**options: Any) -> figure:
    """Return an empty figure.

    Parameters
    ----------
    options
        Of ``bokeh.plotting.figure``, such as ``title`` and the axes' labels.
    """
    plot = figure(toolbar_location=None, tools="", min_border=4, sizing_mode="stretch_width", **options)
    plot.title.text_font = FONT
    plot.title.text_font_size = "12px"
    plot.title.text_font_style = "bold"
    plot.title.text_color = INK
    for axis in plot.axis:
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = QUIET
        axis.axis_label_standoff = 5
        axis.axis_line_color = axis.major_tick_line_color = LINE
        axis.minor_tick_line_color = None
    plot.grid.grid_line_color = FAINT
    plot.outline_line_color = None
    plot.background_fill_color = plot.border_fill_color = None
    return plot


def occupancy(
    source: ColumnDataSource, x: str, top: str, above: figure, last: int, height: int, x_label: str, y_label: str
) -> figure:
    """Return the bars of how much each place of a curve rests on, to stand below it; the last holds all later places.

    Parameters
    ----------
    source
        Has the columns ``x`` and ``top``.
    x, top
        Place and count.
    above
        The curve: the two share their x axis, and their frames begin at the same place.
    last
        The last place.
    height
        Of the strip.
    x_label, y_label
        Of its axes.
    """
    plot = canvas(height=height, x_range=above.x_range, x_axis_label=x_label, y_axis_label=y_label)
    plot.vbar(x=x, top=top, width=0.8, color="#aab1bd", source=source)
    plot.xaxis.ticker = FixedTicker(ticks=list(range(0, last + 1, 10)))
    plot.xaxis.major_label_overrides = {last: f"{last}+"}
    plot.yaxis.formatter = NumeralTickFormatter(format="0a")
    plot.yaxis.ticker.desired_num_ticks = 2
    plot.y_range.start = 0
    plot.xgrid.grid_line_color = None
    for figure_ in (above, plot):
        figure_.min_border_left = MARGIN
    return plot
