"""An empty figure in the page's look: its type, its greys, no tools."""

from typing import Any

from bokeh.plotting import figure

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
INK, QUIET, LINE, FAINT = "#16181d", "#555b66", "#d5d8de", "#eceef1"
ACCENT = "#27496d"


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
