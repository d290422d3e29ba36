"""The curve of a training: perplexity and learning rate by update."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, HoverTool, NumeralTickFormatter, PrintfTickFormatter
from bokeh.plotting import figure

from .canvas import ACCENT, QUIET, canvas

VALIDATION = "#b2182b"


def training_curve(entries: Sequence[Mapping[str, Any]]) -> Column:
    """Return perplexity while learning and after each epoch, and below them the learning rate.

    Parameters
    ----------
    entries
        Lines of a training's log.
    """
    updates = [entry for entry in entries if entry["event"] == "updates"]
    epochs = [entry for entry in entries if entry["event"] == "epoch"]
    above = canvas(title="perplexity", height=300, y_axis_type="log", y_axis_label="perplexity (log scale)")
    below = canvas(height=130, x_range=above.x_range, x_axis_label="update", y_axis_label="learning_rate")
    _perplexities(above, updates, epochs)
    _rates(below, updates or epochs)
    for plot in (above, below):
        plot.min_border_left = 62  # the two share their x axis, so their frames must begin at the same place
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    above.xaxis.visible = False
    return column(above, below, sizing_mode="stretch_width", spacing=0)


def perplexity(nats: float) -> float:
    """Return the perplexity of a loss in nats a token.

    >>> perplexity(0.0)
    1.0
    """
    return math.exp(min(nats, 700.0))


def _perplexities(plot: figure, updates: Sequence[Mapping[str, Any]], epochs: Sequence[Mapping[str, Any]]) -> None:
    learnt = ColumnDataSource(
        {"update": [e["update"] for e in updates], "train": [perplexity(e["train_loss"]) for e in updates]}
    )
    measured = ColumnDataSource(
        {
            "update": [e["update"] for e in epochs],
            "epoch": [e["epoch"] for e in epochs],
            "validation_perplexity": [e["validation_perplexity"] for e in epochs],
        }
    )
    plot.line(x="update", y="train", color=QUIET, width=1, source=learnt, legend_label="train, with dropout")
    label = "validation, after each epoch"
    plot.line(x="update", y="validation_perplexity", color=VALIDATION, width=2, source=measured, legend_label=label)
    dots = plot.scatter(
        x="update", y="validation_perplexity", color=VALIDATION, size=7, source=measured, legend_label=label
    )
    text = [("epoch", "@epoch"), ("validation_perplexity", "@validation_perplexity{0.00}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=text))
    plot.legend.border_line_color = None
    plot.legend.label_text_font_size = "11px"


def _rates(plot: figure, entries: Sequence[Mapping[str, Any]]) -> None:
    source = ColumnDataSource(
        {"update": [e["update"] for e in entries], "learning_rate": [e["learning_rate"] for e in entries]}
    )
    plot.line(x="update", y="learning_rate", color=ACCENT, width=2, source=source)
    plot.y_range.start = 0
    plot.yaxis.ticker.desired_num_ticks = 3
    plot.yaxis.formatter = PrintfTickFormatter(format="%.2g")
