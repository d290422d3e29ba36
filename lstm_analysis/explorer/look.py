"""The look of the figures: those of the report, with type that can be read on a screen across a desk.

Lines differ in hue, lightness and dash, so readers with any colour blindness tell them apart.
"""

from typing import Any

from bokeh.model import Model
from bokeh.models import Axis, HoverTool, Title
from bokeh.plotting import figure

from ..report.canvas import ACCENT, FONT, INK, QUIET, canvas

LINES = ("#27496d", "#d55e00", "#009e73", "#a2508a", "#3f9bd6", "#8c6d00", "#5b5f97", "#000000")
DASHES: tuple[Any, ...] = ("solid", "solid", "solid", "solid", [7, 3], [7, 3], [7, 3], [2, 3])
BRUSH = "#f0b429"
TEXT_SIZE = "13px"
LEFT = 150
"""Pixels left of the frame of figures that stand above each other, with room for names."""


def plain_figure(**options: Any) -> figure:
    """Return an empty figure in the look of the report, in type of 13 pixels.

    Parameters
    ----------
    options
        Of ``bokeh.plotting.figure``.
    """
    plot = canvas(**options)
    plot.title.text_font_size = TEXT_SIZE
    for axis in plot.axis:
        axis.axis_label_text_font_size = axis.major_label_text_font_size = TEXT_SIZE
    plot.background_fill_color = plot.border_fill_color = "#ffffff"
    plot.min_border_right = 12
    return plot


def readable(model: Model) -> Model:
    """Return a figure of the report with its type as large as that of the explorer's own."""
    for axis in model.select({"type": Axis}):
        axis.axis_label_text_font_size = axis.major_label_text_font_size = TEXT_SIZE
    for title in model.select({"type": Title}):
        title.text_font_size = TEXT_SIZE
    return model


def hover(tooltips: list[tuple[str, str]], **options: Any) -> HoverTool:
    """Return a tool that shows values under the pointer.

    Bokeh puts ``@name`` of a list of pairs into the page as text, never as HTML; a template in HTML, or ``{safe}``,
    would not.
    """
    return HoverTool(tooltips=tooltips, **options)


__all__ = [
    "ACCENT", "BRUSH", "DASHES", "FONT", "INK", "LEFT", "LINES", "QUIET", "TEXT_SIZE", "hover", "plain_figure",
    "readable",
]  # fmt: skip
