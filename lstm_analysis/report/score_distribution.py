"""How the scores of one concept are distributed over the neurons."""

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, Span
from bokeh.plotting import figure

from ..selectivity import is_present
from .canvas import INK, canvas
from .palette import DIVERGING, N_STEP, step
from .scale import Scale

N_BIN = 50


def score_distribution(scores: xr.Dataset, scale: Scale) -> figure:
    """Return the histogram of a concept's scores, coloured like the map.

    Parameters
    ----------
    scores
        Scores of one concept, dims (layer, neuron); NaN where undefined.
    scale
        Measure to show, and its range.
    """
    score = scores[scale.measure].transpose("layer", "neuron").values[is_present(scores).values]
    values = score[np.isfinite(score)]
    n_neuron, edges = np.histogram(values, bins=N_BIN, range=(scale.low, scale.high))
    n_undefined = score.size - values.size
    title = f"{values.size:,} neurons" + (f" ({n_undefined:,} undefined)" if n_undefined else "")
    plot = canvas(
        title=title, height=190, x_range=(scale.low, scale.high),
        x_axis_label=scale.measure, y_axis_label="neurons (count)",
    )  # fmt: skip
    middle = (edges[:-1] + edges[1:]) / 2
    colours = [DIVERGING[step(x, scale.neutral, scale.reach) + N_STEP] for x in middle]
    source = ColumnDataSource({"left": edges[:-1], "right": edges[1:], "top": n_neuron, "colour": colours})
    plot.quad(
        left="left", right="right", bottom=0, top="top", source=source,
        fill_color="colour", line_color="#8b919c", line_width=0.5,
    )  # fmt: skip
    plot.add_layout(Span(location=scale.neutral, dimension="height", line_color=INK, line_dash=[2, 3], line_width=1))
    plot.y_range.start = 0
    plot.xgrid.grid_line_color = None
    return plot
