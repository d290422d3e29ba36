"""Matches as a heat map: a row a match, a column a token, the colour how many of the selected neurons are on."""

from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, FixedTicker
from bokeh.plotting import figure

from ..report.numerals import number
from ..report.palette import SEQUENTIAL, ink
from .look import FONT, INK, hover, plain_figure
from .matching import AFTER, BEFORE, Alignment
from .text_figure import shortened

COLUMNS = ("x", "y", "word", "shown", "tag", "n_on", "colour", "ink", "time", "document")
ROW, TAGGED_ROW = 24, 38
LONGEST = 8


class MatchFigure:
    """The heat map, and how it comes to show other matches.

    Attributes
    ----------
    root
        What is shown.
    """

    def __init__(self) -> None:
        self._cells = ColumnDataSource({name: [] for name in COLUMNS})
        self._frames = ColumnDataSource({"x": [], "y": [], "width": []})
        self.root = plot = plain_figure(
            height=200, x_range=(-BEFORE - 0.5, AFTER - 0.5), y_range=(1.5, -0.5), x_axis_location="above",
            x_axis_label="tokens from the first token of the match",
        )  # fmt: skip
        cells = plot.rect(x="x", y="y", width=0.98, height=0.94, fill_color="colour", line_color=None,
                          source=self._cells, nonselection_alpha=1.0)  # fmt: skip
        look = {"text_align": "center", "text_color": "ink", "text_font": {"value": FONT}, "source": self._cells}
        self._words = plot.text(x="x", y="y", text="shown", text_baseline="middle", text_font_size="12px", **look)
        self._tags = plot.text(x="x", y="y", text="tag", text_baseline="middle", text_font_size="11px", y_offset=9,
                               **look)  # fmt: skip
        plot.rect(x="x", y="y", width="width", height=0.98, fill_color=None, line_color=INK, line_width=2,
                  source=self._frames)  # fmt: skip
        tips = [("token", "@word"), ("tag", "@tag"), ("time", "@time{0,0}"), ("document", "@document"),
                ("selected neurons that are on", "@n_on")]  # fmt: skip
        plot.add_tools(hover(tips, renderers=[cells]))
        plot.xaxis.ticker = FixedTicker(ticks=list(range(-BEFORE, AFTER)))
        plot.grid.grid_line_color = None
        plot.min_border_left = 236
        plot.visible = False
        self._starts: list[int] = []

    def on_pick(self, called: Any) -> None:
        """Call a function with the first token of the match that the reader points at."""

        def tapped(event: Tap) -> None:
            row = round(event.y) if event.y is not None else -1
            if 0 <= row < len(self._starts):
                called(self._starts[row])

        self.root.on_event(Tap, tapped)

    def hide(self) -> None:
        """Show nothing."""
        self.root.visible = False

    def show(self, matches: Alignment) -> None:
        """Show matches, the best at the top."""
        self._starts = matches.found["start"].values.tolist()
        n_row = len(matches.n_on)
        tagged = any(tag for tags in matches.tags for tag in tags)
        self._cells.data = cells(matches)
        length = matches.found["length"].values.clip(max=AFTER)
        self._frames.data = {"x": (length - 1) / 2, "y": np.arange(n_row), "width": length.astype(float)}
        plot: figure = self.root
        plot.y_range.update(start=n_row - 0.5, end=-0.5)
        plot.height = 62 + (TAGGED_ROW if tagged else ROW) * n_row
        self._words.glyph.y_offset = -7 if tagged else 0
        self._tags.visible = tagged
        plot.yaxis.ticker = FixedTicker(ticks=list(range(n_row)))
        plot.yaxis.major_label_overrides = dict(enumerate(row_names(matches)))
        plot.visible = n_row > 0


def row_names(matches: Alignment) -> list[str]:
    """Return what stands before each row: its Jaccard coefficient, p where there is one, its document."""
    found = matches.found
    names = []
    for i in range(found.sizes["match"]):
        document = shortened(str(found["document_name"].values[i]), 20)
        itself = bool(found["is_query"].values[i])
        chance = ""
        if "p_value" in found and not itself:
            chance = f"  p {number(float(found['p_value'].values[i]), 2).removeprefix('0')}"
        names.append(f"{document}  {'span' if itself else number(float(found['jaccard'].values[i]), 2)}{chance}")
    return names


def cells(matches: Alignment) -> dict[str, Any]:
    """Return the cells inside the corpus, row by row, in the columns of `COLUMNS`."""
    row, place = (axis.ravel() for axis in np.mgrid[: matches.n_on.shape[0], : matches.n_on.shape[1]])
    n_on = matches.n_on.ravel()
    kept = n_on >= 0
    row, place, n_on = row[kept], place[kept], n_on[kept]
    share = n_on / max(1, matches.n_selected)
    colours = [SEQUENTIAL[round((len(SEQUENTIAL) - 1) * min(1.0, s))] for s in share.tolist()]
    words = [matches.words[i][j] for i, j in zip(row, place, strict=True)]
    documents = matches.found["document_name"].values
    start = matches.found["start"].values
    return {
        "x": place - BEFORE, "y": row, "word": words, "shown": [shortened(word, LONGEST) for word in words],
        "tag": [matches.tags[i][j] for i, j in zip(row, place, strict=True)], "n_on": n_on, "colour": colours,
        "ink": [ink(colour) for colour in colours], "time": start[row] + place - BEFORE,
        "document": [str(documents[i]) for i in row],
    }  # fmt: skip
