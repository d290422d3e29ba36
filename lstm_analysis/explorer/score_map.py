"""Every neuron of every layer, coloured by any score."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from bokeh.layouts import column, row
from bokeh.models import ColorBar, Column, ColumnDataSource, FixedTicker, LinearColorMapper, OpenURL, TapTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..report.neuron_map import grid_width
from ..report.palette import DIVERGING, SEQUENTIAL, UNDEFINED
from ..schema import VARIABLES
from ..selectivity import RANKABLE, is_present
from .holdings import Holdings
from .look import INK, TEXT_SIZE, hover, plain_figure

CHANCES = {
    "p_value": "p of the neuron alone",
    "p_fwer": "p corrected for all neurons",
    "q_value": "false discovery rate over concepts and neurons",
}


@dataclass(frozen=True)
class Scores:
    """A score of each neuron, and the colours that its range is shown in.

    Parameters
    ----------
    name, meaning
        Of the score.
    values
        Dims (layer, neuron), NaN where undefined.
    present
        Which neurons there are.
    low, high
        Ends of the colours.
    two_signed
        Whether the colours go both ways from the middle.
    units
        Of the score.
    """

    name: str
    meaning: str
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    low: float
    high: float
    two_signed: bool
    units: str


def score_names(holdings: Holdings) -> dict[str, list[str]]:
    """Return the scores that can be shown: those of a concept, and those of the place in the sentence."""
    of_concept = [] if holdings.scores is None else [n for n in (*RANKABLE, *CHANCES) if n in holdings.scores]
    of_position = [] if holdings.tuning is None else [n for n in RANKABLE if n in holdings.tuning]
    return {"of the concept": of_concept, "of the place in the sentence": of_position}


def neuron_scores(holdings: Holdings, name: str, concept: str) -> Scores:
    """Return a score of all neurons.

    Parameters
    ----------
    holdings
        A run that has the score.
    name
        One of `score_names`.
    concept
        Concept of a score of concepts.
    """
    assert holdings.scores is not None
    present = is_present(holdings.scores).values
    if name in holdings.scores:
        of = holdings.scores[name].isel(concept=holdings.concepts.index(concept))
    else:
        assert holdings.tuning is not None
        of = holdings.tuning[name]
    values = np.where(present, of.transpose("layer", "neuron").values.astype(float), np.nan)
    if name in CHANCES:
        return Scores(name, CHANCES[name], values, present, 0.0, 1.0, False, "1")
    known = RANKABLE[name]
    middle, reach = known.neutral or 0.0, 1.0
    if name == "auroc":
        reach = 0.5
    elif np.isfinite(values).any():
        reach = float(np.nanmax(np.abs(values - middle))) or 1.0
    low = middle - reach if known.two_signed else middle
    return Scores(name, known.meaning, values, present, low, middle + reach, known.two_signed, units_of(name))


def units_of(name: str) -> str:
    """Return the units of a score.

    >>> units_of("d_prime"), units_of("tau")
    ('sd', 'token')
    """
    return VARIABLES[name].units


def score_map(scores: Scores) -> Column:
    """Return the map, a panel a layer; a tap opens the neuron's card."""
    colours = list(DIVERGING if scores.two_signed else SEQUENTIAL)
    mapper = LinearColorMapper(palette=colours, low=scores.low, high=scores.high, nan_color=UNDEFINED)
    panels = [_panel(scores, layer, mapper) for layer in range(len(scores.values))]
    panels[-1].add_layout(
        ColorBar(
            color_mapper=mapper, width=10, padding=8, title=None, major_label_text_font_size=TEXT_SIZE,
            bar_line_color=None, background_fill_color=None,
        ),
        "right",
    )  # fmt: skip
    pairs = [panels[i : i + 2] for i in range(0, len(panels), 2)]
    rows = [row(*pair, sizing_mode="stretch_width", spacing=18) for pair in pairs]
    return column(*rows, sizing_mode="stretch_width", spacing=6)


def _panel(scores: Scores, layer: int, mapper: LinearColorMapper) -> figure:
    values = scores.values[layer][scores.present[layer]]
    neuron = np.flatnonzero(scores.present[layer])
    width = grid_width(len(neuron))
    n_row = -(-len(neuron) // width)
    undefined = int(np.isnan(values).sum())
    note = f", {undefined:,} undefined (grey)" if undefined else ""
    plot = plain_figure(
        title=f"layer {layer}: {scores.name} ({scores.units}) of {len(neuron):,} neurons{note}",
        height=min(620, max(250, 96 + 24 * n_row)),
        x_range=(-0.6, width - 0.4), y_range=((n_row - 0.4) * width, -0.6 * width),
        x_axis_label="column (neuron = row + column)", y_axis_label="row (its first neuron)",
    )  # fmt: skip
    place = np.arange(len(neuron))
    source = ColumnDataSource(
        {"column": place % width, "row": place - place % width, "name": [f"{layer}:{i}" for i in neuron],
         "score": values}
    )  # fmt: skip
    colour = {"field": "score", "transform": mapper}
    plot.rect(
        x="column", y="row", width=0.94, height=0.94 * width, line_color=None, source=source, fill_color=colour,
        hover_line_color=INK, hover_fill_color=colour, nonselection_alpha=1.0,
    )  # fmt: skip
    plot.xaxis.ticker = FixedTicker(ticks=list(range(0, width, 5)))
    plot.yaxis.ticker = FixedTicker(ticks=list(range(0, len(neuron), width * max(1, -(-n_row // 10)))))
    plot.grid.grid_line_color = None
    plot.add_tools(hover([("neuron", "@name"), (scores.name, "@score{0.000}")], attachment="vertical"))
    plot.add_tools(TapTool(callback=OpenURL(url="/neuron?neuron=@name", same_tab=True)))
    return plot


def map_table(scores: Scores) -> pd.DataFrame:
    """Return a row a neuron: ``layer, neuron`` and the score."""
    layer, neuron = np.nonzero(scores.present)
    return pd.DataFrame({"layer": layer, "neuron": neuron, scores.name: scores.values[layer, neuron]})
