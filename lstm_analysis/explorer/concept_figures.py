"""The figures of a concept's card."""

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FixedTicker, OpenURL, Span, TapTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..report.numerals import number
from ..report.palette import DIVERGING, N_STEP, UNDEFINED, ink, step
from .concept_card import IdiomMatrix
from .look import ACCENT, FONT, INK, LEFT, TEXT_SIZE, hover, plain_figure
from .score_map import units_of
from .text_figure import shortened

GREY = "#9aa0aa"
N_NAMED = 8


def effect_figure(table: pd.DataFrame, by: str, chance: str, alpha: float, neutral: float) -> figure:
    """Return the effect of every neuron against its q or p, on a logarithmic scale; the best are named.

    Parameters
    ----------
    table
        All neurons, best first, with the columns ``layer, neuron``, ``by`` and ``chance``.
    by, chance
        The score, and the p or q beside it.
    alpha
        Level of the tests: above it neurons are grey.
    neutral
        The score of a neuron that knows nothing.
    """
    known = table[table[by].notna() & table[chance].notna()]
    q = known[chance].to_numpy(float)
    floor = q[q > 0].min(initial=1.0)
    source = ColumnDataSource(
        {
            "name": [f"{row.layer}:{row.neuron}" for row in known.itertuples()], "score": known[by], "q": q,
            "y": -np.log10(np.maximum(q, floor)), "colour": np.where(q <= alpha, ACCENT, GREY),
        }
    )  # fmt: skip
    below = int((q <= alpha).sum())
    plot = plain_figure(
        title=f"{below:,} of {len(known):,} neurons with {chance} ≤ {alpha:g}", height=330,
        x_axis_label=f"{by} ({units_of(by)})", y_axis_label=f"−log10 {chance} (1)",
        x_range=with_room(known[by].to_numpy(float)),
    )  # fmt: skip
    plot.add_layout(Span(location=neutral, dimension="height", line_color=INK, line_dash=[2, 3], line_width=1))
    plot.add_layout(Span(location=-np.log10(alpha), dimension="width", line_color=INK, line_dash=[5, 4], line_width=1))
    dots = plot.scatter(
        x="score", y="y", size=7, fill_color="colour", line_color="#ffffff", line_width=0.5, source=source,
        nonselection_alpha=1.0,
    )  # fmt: skip
    first = apart(known[by].to_numpy(float), np.asarray(source.data["y"], float), neutral)
    for side, align, offset in ((1, "left", 7), (-1, "right", -7)):
        of_side = [i for i in first if (known[by].iloc[i] >= neutral) == (side > 0)]
        named = {name: [source.data[name][i] for i in of_side] for name in ("name", "y")}
        named["score"] = known[by].iloc[of_side].tolist()
        plot.text(
            x="score", y="y", text="name", x_offset=offset, text_align=align, text_baseline="middle", text_color=INK,
            text_font={"value": FONT}, text_font_size=TEXT_SIZE, source=ColumnDataSource(named),
        )  # fmt: skip
    plot.add_tools(hover([("neuron", "@name"), (by, "@score{0.000}"), (chance, "@q{0.0000}")], renderers=[dots]))
    plot.add_tools(TapTool(callback=OpenURL(url="/neuron?neuron=@name", same_tab=True)))
    return plot


def with_room(score: NDArray[np.float64]) -> tuple[float, float]:
    """Return a range of scores with room for names on either side."""
    low, high = (float(score.min()), float(score.max())) if len(score) else (0.0, 1.0)
    room = 0.1 * (high - low) or 1.0
    return low - room, high + room


def apart(score: NDArray[np.float64], height: NDArray[np.float64], neutral: float) -> list[int]:
    """Return the first points whose names, on the side away from ``neutral``, cover neither each other nor a point.

    A name takes an eighth of the width and a line.
    """
    width, line = np.ptp(score) / 8 if len(score) else 0.0, np.ptp(height) / 14 if len(height) else 0.0
    chosen: list[int] = []
    for i in range(min(len(score), 4 * N_NAMED)):
        outwards = (score - score[i]) * (1 if score[i] >= neutral else -1)
        covered = (outwards > 0) & (outwards < width) & (np.abs(height - height[i]) < line)
        free = all(abs(score[i] - score[k]) > width or abs(height[i] - height[k]) > line for k in chosen)
        if free and not covered.any() and len(chosen) < N_NAMED:
            chosen.append(i)
    return chosen


def matrix_figure(matrix: IdiomMatrix, concept: str) -> figure:
    """Return idioms by neurons, coloured by AUROC and with it written in; a tap opens the neuron's card.

    Parameters
    ----------
    matrix
        What is shown.
    concept
        The idiom whose row is marked.
    """
    rows, columns = matrix.auroc.shape
    row, place = (axis.ravel() for axis in np.mgrid[:rows, :columns])
    value = matrix.auroc.ravel()
    colours = [UNDEFINED if np.isnan(v) else DIVERGING[step(v, 0.5, 0.5) + N_STEP] for v in value]
    source = ColumnDataSource(
        {
            "x": place, "y": row, "value": value, "colour": colours, "ink": [ink(colour) for colour in colours],
            "text": [number(v, 2).removeprefix("0") for v in value], "name": [matrix.neurons[j] for j in place],
            "idiom": [matrix.idioms[i] for i in row], "n": matrix.n_idiomatic[row], "n_control": matrix.n_control[row],
        }
    )  # fmt: skip
    plot = plain_figure(
        height=64 + 24 * rows + 20, x_range=(-0.5, columns - 0.5), y_range=(rows - 0.5, -0.5),
        x_axis_label="neuron, farthest from .5 on average first", x_axis_location="above",
    )  # fmt: skip
    cells = plot.rect(x="x", y="y", width=0.98, height=0.94, fill_color="colour", line_color=None, source=source,
                      nonselection_alpha=1.0)  # fmt: skip
    plot.text(
        x="x", y="y", text="text", text_color="ink", text_align="center", text_baseline="middle", source=source,
        text_font={"value": FONT}, text_font_size=TEXT_SIZE, nonselection_alpha=1.0,
    )  # fmt: skip
    plot.xaxis.ticker = FixedTicker(ticks=list(range(columns)))
    plot.xaxis.major_label_overrides = dict(enumerate(matrix.neurons))
    plot.yaxis.ticker = FixedTicker(ticks=list(range(rows)))
    names = zip(matrix.idioms, matrix.n_idiomatic, matrix.n_control, strict=True)
    plot.yaxis.major_label_overrides = {
        i: f"{'▸ ' if name == concept else ''}{shortened(name, 26)}  {n:,} : {controls:,}"
        for i, (name, n, controls) in enumerate(names)
    }
    plot.grid.grid_line_color = None
    plot.min_border_left = LEFT + 60
    tips = [("idiom", "@idiom"), ("neuron", "@name"), ("auroc", "@value{0.000}"), ("idiomatic", "@n{0,0}"),
            ("controls", "@n_control{0,0}")]  # fmt: skip
    plot.add_tools(hover(tips, renderers=[cells]))
    plot.add_tools(TapTool(callback=OpenURL(url="/neuron?neuron=@name", same_tab=True)))
    return plot
