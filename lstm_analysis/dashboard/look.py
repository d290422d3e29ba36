"""The look of the page: type, colours that readers with any colour blindness tell apart, empty figures.

Neighbouring states differ in lightness as well as in hue, and what went wrong is hatched.
"""

from collections.abc import Mapping
from typing import Any

from bokeh.models import Div, Label
from bokeh.plotting import figure

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
INK, QUIET, LINE, FAINT = "#16181d", "#4a505b", "#c9ced6", "#e6e9ed"
ACCENT, WARN, BAD = "#0b5fa5", "#e69f00", "#b3261e"
STATE_COLOURS: Mapping[str, str] = {
    "waiting": "#dfe3e8",
    "running": "#f5b92b",
    "retried": "#c064a8",
    "done before": "#5b9bd1",
    "done": ACCENT,
    "failed": BAD,
}
HATCHES: Mapping[str, str] = {"retried": "right_diagonal_line", "failed": "cross"}
CARD = f"background: #fff; border: 1px solid {LINE}; border-radius: 6px; padding: 10px 14px; box-sizing: border-box;"
CSS = f"""
:host {{ font-family: {FONT}; color: {INK}; font-size: 15px; line-height: 1.35; }}
h1 {{ font-size: 21px; font-weight: 600; margin: 0; }}
h2 {{ font-size: 16px; font-weight: 600; margin: 0 0 4px 0; }}
.quiet {{ color: {QUIET}; }}
.card {{ {CARD} }}
.tiles {{ display: grid; grid-template-columns: 1.8fr 1fr 1.25fr 1fr 1.15fr 1.1fr 1fr; gap: 8px; margin: 8px 0; }}
.tiles .card {{ min-width: 0; padding: 8px 11px; }}
.name {{ color: {QUIET}; font-size: 14px; }}
.value {{ font-size: 25px; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.more {{ color: {QUIET}; font-size: 14px; font-variant-numeric: tabular-nums; }}
.bad {{ color: {BAD}; }}
.bar {{ background: {FAINT}; height: 9px; border-radius: 4px; overflow: hidden; margin: 4px 0; }}
.bar div {{ background: {ACCENT}; height: 100%; }}
.key {{ display: inline-block; margin-right: 18px; white-space: nowrap; font-size: 14px; }}
.key i {{ display: inline-block; width: 13px; height: 13px; margin-right: 6px; vertical-align: -1px;
  border-radius: 2px; }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px; table-layout: fixed; }}
th {{ text-align: left; font-weight: 600; color: {QUIET}; border-bottom: 1px solid {LINE}; padding: 3px 8px 3px 0; }}
td {{ vertical-align: top; border-bottom: 1px solid {FAINT}; padding: 4px 8px 4px 0; overflow-wrap: anywhere; }}
"""


BOX = {"background": "#fff", "border": f"1px solid {LINE}", "border-radius": "6px", "padding": "8px 10px"}
"""Styles of a part of the page."""


def text_block(**options: Any) -> Div:
    """Return an empty block of HTML in the look of the page; what is put into it must be escaped."""
    return Div(text="", stylesheets=[CSS], sizing_mode="stretch_width", margin=(0, 5, 0, 5), **options)


def canvas(**options: Any) -> figure:
    """Return an empty figure in the look of the page.

    Parameters
    ----------
    options
        Of ``bokeh.plotting.figure``, such as ``title`` and the axes' labels.
    """
    options = {
        "toolbar_location": None,
        "tools": "",
        "sizing_mode": "stretch_width",
        "min_border": 6,
        "min_border_right": 20,
    } | options
    plot = figure(**options)
    plot.title.text_font, plot.title.text_font_size, plot.title.text_color = FONT, "16px", INK
    plot.title.text_font_style = "bold"
    for side in plot.axis:
        axis(side)
    plot.grid.grid_line_color = FAINT
    plot.outline_line_color = None
    plot.background_fill_color = plot.border_fill_color = "#ffffff"
    return plot


def axis(side: Any) -> Any:
    """Give an axis the look of the page, and return it."""
    side.axis_label_text_font = side.major_label_text_font = FONT
    side.axis_label_text_font_size = side.major_label_text_font_size = "13px"
    side.axis_label_text_font_style = "normal"
    side.axis_label_text_color = side.major_label_text_color = QUIET
    side.axis_line_color = side.major_tick_line_color = LINE
    side.minor_tick_line_color = None
    return side


def note(plot: figure, text: str) -> Label:
    """Put a sentence into a figure that says what it waits for; return it, to be hidden when that has come."""
    label = Label(
        x=16, y=24, x_units="screen", y_units="screen", text=text, text_font=FONT, text_font_size="15px",
        text_color=QUIET,
    )  # fmt: skip
    plot.add_layout(label)
    return label
