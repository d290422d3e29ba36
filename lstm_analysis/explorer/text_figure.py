"""The picture of the text view: lines of neurons, the words, and tracks of labels on one time axis."""

from typing import Any

import numpy as np
from bokeh.events import SelectionGeometry
from bokeh.layouts import column
from bokeh.models import (
    BoxAnnotation,
    BoxSelectTool,
    Column,
    ColumnDataSource,
    FixedTicker,
    Label,
    Legend,
    LegendItem,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    Span,
    WheelPanTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from ..report.numerals import neuron_name
from .address import MAX_NEURON, MAX_WIDTH, MIN_WIDTH, TextAddress, state_name
from .look import ACCENT, BRUSH, DASHES, FONT, INK, LEFT, LINES, QUIET, TEXT_SIZE, hover, plain_figure
from .stretch import Stretch

MAX_WORDS = 80
"""Tokens seen up to which their words are written."""
LONGEST = 15
"""Letters of a word that are written; the rest is under the pointer."""
BASELINE = "#c9ced6"
TRACK = 22
"""Pixels of a track."""


class TextFigure:
    """The picture, and how it comes to show another stretch.

    Parameters
    ----------
    n_token
        Tokens of the corpus.
    address
        What is seen at first.
    has_lines
        Whether there are states to draw lines of.

    Attributes
    ----------
    root
        What is shown.
    x_range
        The tokens that are seen.
    """

    def __init__(self, n_token: int, address: TextAddress, has_lines: bool) -> None:
        self.x_range = Range1d(
            address.at - 0.5, address.stop - 0.5, bounds=(-0.5, max(n_token, MIN_WIDTH) - 0.5),
            min_interval=MIN_WIDTH, max_interval=MAX_WIDTH,
        )  # fmt: skip
        self._tokens = ColumnDataSource({name: [] for name in ("time", "word", "shown", "line", "sentence")})
        self._ends = ColumnDataSource({"x": []})
        self._tracks = ColumnDataSource({name: [] for name in ("left", "right", "row", "colour", "concept", "label")})
        self._brushes: list[BoxAnnotation] = []
        self._named: object = None
        self._drags: dict[str, list[Any]] = {"brush": [], "pan": []}
        self._lines, self._words, self._labels = self._line_panel(), self._word_panel(), self._track_panel()
        self._lines.visible = has_lines
        self.drag("brush" if has_lines else "pan")
        self.root: Column = column(self._lines, self._words, self._labels, sizing_mode="stretch_width", spacing=0)

    def on_brush(self, called: Any) -> None:
        """Call a function with the first and the last token of what the reader brushes."""

        def brushed(event: SelectionGeometry) -> None:
            if event.final and event.geometry.get("type") == "rect":
                called(int(np.ceil(event.geometry["x0"])), int(np.floor(event.geometry["x1"])))

        for plot in (self._lines, self._words, self._labels):
            plot.on_event(SelectionGeometry, brushed)

    def drag(self, what: str) -> None:
        """Say what dragging does: ``brush`` or ``pan``."""
        for plot, tool in zip((self._lines, self._words, self._labels), self._drags[what], strict=True):
            plot.toolbar.active_drag = tool

    def go_to(self, at: int, width: int) -> None:
        """Show other tokens."""
        self.x_range.update(start=at - 0.5, end=at + width - 0.5)

    def show(self, stretch: Stretch, address: TextAddress) -> None:
        """Show a stretch that holds what is seen, and some of what lies beside it."""
        legible = address.width <= MAX_WORDS
        data: dict[str, Any] = {
            "time": np.arange(stretch.start, stretch.stop), "word": stretch.words,
            "shown": [shortened(word) if legible else "" for word in stretch.words],
            "line": np.ones(len(stretch.words)), "sentence": stretch.sentence,
        }  # fmt: skip
        names = [neuron_name(*neuron) for neuron in stretch.neurons]
        data |= {f"value {i}": values for i, values in enumerate(stretch.values)}
        data |= {f"value {i}": np.full(len(stretch.words), np.nan) for i in range(len(names), MAX_NEURON)}
        self._tokens.data = data
        self._ends.data = {"x": np.arange(stretch.start, stretch.stop)[stretch.is_end] + 0.5}
        self._tracks.data = track_runs(stretch)
        named = (stretch.neurons, stretch.concepts, stretch.state)
        if named != self._named:  # new models cost a tenth of a second each time
            self._named = named
            self._name_lines(names, address)
            self._name_tracks(stretch)
        for i, (_, dots) in enumerate(self._drawn):
            dots.visible = i < len(names) and legible
        self._words.height = 128 if legible else 34
        self._too_wide.visible = not legible
        self._mark(address)

    def _mark(self, address: TextAddress) -> None:
        for box in self._brushes:
            box.visible = address.span is not None
            if address.span is not None:
                box.update(left=address.span[0] - 0.5, right=address.span[1] - 0.5)
        self._threshold.location = address.threshold

    def _name_lines(self, names: list[str], address: TextAddress) -> None:
        for i, (line, _) in enumerate(self._drawn):
            line.visible = i < len(names)
        items = [LegendItem(label=name, renderers=[self._drawn[i][0]]) for i, name in enumerate(names)]
        self._legend.items = items
        self._legend.visible = bool(items)
        tips = [("token", "@word"), ("time", "@time{0,0}"), ("sentence", "@sentence{0,0}")]
        self._hover.tooltips = tips + [(name, f"@{{value {i}}}{{0.000}}") for i, name in enumerate(names)]
        self._lines.yaxis[0].axis_label = f"{state_name(address.state)} (1)"

    def _name_tracks(self, stretch: Stretch) -> None:
        n = len(stretch.concepts)
        self._labels.visible = n > 0
        self._labels.height = TRACK * n + 52
        self._labels.y_range.update(start=n - 0.5, end=-0.5)
        self._labels.yaxis.ticker = FixedTicker(ticks=list(range(n)))
        self._labels.yaxis.major_label_overrides = {i: shortened(name, 20) for i, name in enumerate(stretch.concepts)}
        self._words.xaxis.visible = n == 0

    def _line_panel(self) -> figure:
        plot = self._panel(height=250, y_range=Range1d(-1.05, 1.05), y_axis_label="h (1)")
        plot.yaxis.ticker = FixedTicker(ticks=[-1, -0.5, 0, 0.5, 1])
        plot.add_layout(Span(location=0, dimension="width", line_color=BASELINE))
        plot.segment(
            x0="x", x1="x", y0=-1.05, y1=1.05, line_color="#8b919c", line_dash=[5, 4], source=self._ends,
            nonselection_alpha=1.0,
        )  # fmt: skip
        self._threshold = Span(location=0.3, dimension="width", line_color=INK, line_width=1, line_dash=[2, 3])
        plot.add_layout(self._threshold)
        self._drawn = []
        for i in range(MAX_NEURON):
            self._tokens.data[f"value {i}"] = []
            look = {"color": LINES[i], "source": self._tokens, "nonselection_alpha": 1.0}
            line = plot.line(x="time", y=f"value {i}", width=2, line_dash=DASHES[i], **look)
            self._drawn.append((line, plot.scatter(x="time", y=f"value {i}", size=5, **look)))
        self._hover = hover([], renderers=[self._drawn[0][1]], mode="vline", attachment="horizontal")
        plot.add_tools(self._hover)
        self._legend = Legend(
            border_line_color=None, label_text_font_size=TEXT_SIZE, label_text_font=FONT, margin=0, padding=0,
            glyph_width=26, glyph_height=16, spacing=4,
        )  # fmt: skip
        plot.add_layout(self._legend, "left")
        plot.xaxis.visible = False
        return plot

    def _word_panel(self) -> figure:
        plot = self._panel(height=128, y_range=Range1d(0, 1))
        plot.text(
            x="time", y="line", text="shown", angle=np.pi / 2, text_align="right", text_baseline="middle",
            text_font={"value": FONT}, text_font_size=TEXT_SIZE, text_color=INK, source=self._tokens,
            nonselection_alpha=1.0,
        )  # fmt: skip
        self._too_wide = Label(
            x=8, y=6, x_units="screen", y_units="screen", text_font=FONT, text_font_size=TEXT_SIZE, text_color=QUIET,
            text=f"Words are written where {MAX_WORDS} tokens or fewer are seen: zoom in, or point at a line.",
        )  # fmt: skip
        plot.add_layout(self._too_wide)
        plot.yaxis.visible = False
        plot.grid.grid_line_color = None
        self._time_axis(plot)
        return plot

    def _track_panel(self) -> figure:
        plot = self._panel(height=120, y_range=Range1d(0.5, -0.5))
        bars = plot.hbar(
            y="row", left="left", right="right", height=0.62, fill_color="colour", line_color=None,
            source=self._tracks, nonselection_alpha=1.0,
        )  # fmt: skip
        plot.add_tools(hover([("concept", "@concept"), ("label", "@label")], renderers=[bars]))
        plot.grid.grid_line_color = None
        self._time_axis(plot)
        return plot

    def _time_axis(self, plot: figure) -> None:
        plot.xaxis.axis_label = "time (tokens of the corpus)"
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")

    def _panel(self, **options: Any) -> figure:
        plot = plain_figure(x_range=self.x_range, **options)
        plot.min_border_left = LEFT
        plot.xgrid.grid_line_color = None
        brush, pan = BoxSelectTool(dimensions="width"), PanTool(dimensions="width")
        zoom, wheel = WheelZoomTool(dimensions="width", modifiers="ctrl"), WheelPanTool(modifiers="shift")
        plot.add_tools(brush, pan, zoom, wheel)
        plot.toolbar.active_drag = brush
        self._drags["brush"].append(brush)
        self._drags["pan"].append(pan)
        box = BoxAnnotation(fill_color=BRUSH, fill_alpha=0.22, line_color=None, visible=False, propagate_hover=True)
        plot.add_layout(box)
        self._brushes.append(box)
        return plot


def shortened(word: str, most: int = LONGEST) -> str:
    """Return a word cut to some letters.

    >>> shortened("responsibilities"), shortened("tax")
    ('responsibiliti…', 'tax')
    """
    return word if len(word) <= most else word[: most - 1] + "…"


def track_runs(stretch: Stretch) -> dict[str, list[Any]]:
    """Return the labels of a stretch as bars: neighbouring tokens with the same label are one; baseline has none.

    Parameters
    ----------
    stretch
        With ``labels`` (concept, time).

    Returns
    -------
    ``left, right, row, colour, concept, label`` of each bar.
    """
    found: dict[str, list[Any]] = {name: [] for name in ("left", "right", "row", "colour", "concept", "label")}
    for row, (concept, labels) in enumerate(zip(stretch.concepts, stretch.labels, strict=True)):
        change = np.flatnonzero(np.diff(labels)) + 1
        starts, stops = np.append(0, change), np.append(change, len(labels))
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            if stop > start and labels[start]:
                target = labels[start] == 1
                bar = (stretch.start + start - 0.5, stretch.start + stop - 0.5, row, ACCENT if target else "#e3e6ea",
                       concept, "target" if target else "left out")  # fmt: skip
                for name, value in zip(found, bar, strict=True):
                    found[name].append(value)
    return found
