"""The map: every neuron of every layer, coloured by its score for the concept that the reader selects."""

import itertools

import numpy as np
import xarray as xr
from bokeh.layouts import column, row
from bokeh.models import Column, ColumnDataSource, CustomJS, FixedTicker, HoverTool, LinearColorMapper, Select
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..selectivity import MEASURES, is_present
from .canvas import INK, canvas
from .palette import DIVERGING, UNDEFINED
from .scale import Scale

_WIDTHS = (5, 10, 20, 25, 40, 50, 100)
_SHOW = """
const concept = Number(select.value)
sources.forEach((source, layer) => {
  const n = source.data.name.length, start = concept * ends.at(-1) + ends[layer] - n
  const data = {...source.data, prevalence: Array(n).fill(prevalence[concept])}
  for (const name of Object.keys(scores.data))
    data[name] = Array.from({length: n}, (_, i) => {
      const packed = scores.data[name][start + i]
      return packed === nothing ? NaN : packed * steps[name]
    })
  source.data = data
  plots[layer].title.text = titles[concept][layer]
})
"""


NOTHING = -32768
"""What stands for NaN among packed values."""


def grid_width(n_neuron: int) -> int:
    """Return the neurons in a row of the map: a round number that makes it about square.

    >>> grid_width(200), grid_width(650), grid_width(7)
    (20, 25, 5)
    """
    return next((width for width in _WIDTHS if width * width >= 0.9 * n_neuron), _WIDTHS[-1])


def neuron_map(scores: xr.Dataset, scale: Scale) -> Column:
    """Return the map of all neurons, a panel a layer, with a selector of the concept.

    Parameters
    ----------
    scores
        A result of `selectivity.measure`, with the coordinate ``source`` (concept).
    scale
        Measure that colours the neurons, and its range.
    """
    flat, ends = _flat(scores)
    n_concept = scores.sizes["concept"]
    prevalence = scores["prevalence"].values if "prevalence" in scores else np.full(n_concept, np.nan)
    titles = _titles(flat[scale.measure], ends)
    mapper = LinearColorMapper(palette=list(DIVERGING), low=scale.low, high=scale.high, nan_color=UNDEFINED)
    sources, plots = [], []
    for layer, (start, stop) in enumerate(itertools.pairwise([0, *ends])):
        data = {name: values[0, start:stop] for name, values in flat.items()}
        sources.append(_source(data, layer, float(prevalence[0])))
        plots.append(_panel(sources[-1], scale, mapper, titles[0][layer], list(flat)))
    all_scores = {name: pack(values.ravel()) for name, values in flat.items()}
    select = Select(title="concept", value="0", options=_options(scores), width=420)
    select.js_on_change(
        "value",
        CustomJS(
            args={
                "select": select, "sources": sources, "plots": plots, "titles": titles, "ends": ends,
                "prevalence": prevalence.tolist(),
                "scores": ColumnDataSource({name: packed for name, (packed, _) in all_scores.items()}),
                "steps": {name: step for name, (_, step) in all_scores.items()}, "nothing": NOTHING,
            },
            code=_SHOW,
        ),
    )  # fmt: skip
    panels = row(*plots, sizing_mode="stretch_width", styles={"flex-wrap": "wrap", "gap": "8px 20px"})
    return column(select, panels, sizing_mode="stretch_width")


def pack(values: NDArray[np.float32]) -> tuple[NDArray[np.int16], float]:
    """Return values as whole numbers of a step, which takes half the bytes, and the step; NaN is `NOTHING`.

    >>> pack(np.array([0.5, np.nan, -1.0], np.float32))[0].tolist()
    [16384, -32768, -32767]
    """
    largest = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 0.0
    step = float(largest) / 32767 or 1.0
    whole = np.where(np.isnan(values), NOTHING, np.rint(values.astype(np.float64) / step))
    return whole.astype(np.int16), step


def _flat(scores: xr.Dataset) -> tuple[dict[str, NDArray[np.float32]], list[int]]:
    """Return each measure of the neurons that there are, dims (concept, neuron), and where each layer ends."""
    present = is_present(scores).values
    ends = present.sum(axis=1).cumsum().tolist()
    dims = ("concept", "layer", "neuron")
    names = [name for name in MEASURES if name in scores]
    return {name: scores[name].transpose(*dims).values[:, present].astype(np.float32) for name in names}, ends


def _source(data: dict[str, NDArray[np.float32]], layer: int, prevalence: float) -> ColumnDataSource:
    n_neuron = len(next(iter(data.values())))
    neuron = np.arange(n_neuron)
    place = neuron % grid_width(n_neuron)
    return ColumnDataSource(
        {
            "column": place, "row": neuron - place, "name": [f"{layer}:{i}" for i in neuron],
            "prevalence": [prevalence] * n_neuron, **data,
        }
    )  # fmt: skip


def _panel(source: ColumnDataSource, scale: Scale, mapper: LinearColorMapper, title: str, names: list[str]) -> figure:
    n_neuron = len(source.data["name"])
    width = grid_width(n_neuron)
    n_row = -(-n_neuron // width)
    plot = canvas(
        title=title, height=min(680, max(230, 70 + 27 * n_row)), min_width=360,
        x_range=(-0.6, width - 0.4), y_range=((n_row - 0.4) * width, -0.6 * width),
        x_axis_label="column (neuron = row + column)", y_axis_label="row (its first neuron)",
    )  # fmt: skip
    plot.rect(
        x="column", y="row", width=0.94, height=0.94 * width, line_color=None, source=source,
        fill_color={"field": scale.measure, "transform": mapper},
        hover_line_color=INK, hover_fill_color={"field": scale.measure, "transform": mapper},
    )  # fmt: skip
    plot.xaxis.ticker = FixedTicker(ticks=list(range(0, width, 5)))
    plot.yaxis.ticker = FixedTicker(ticks=list(range(0, n_neuron, width * max(1, -(-n_row // 13)))))
    plot.grid.grid_line_color = None
    plot.add_tools(HoverTool(tooltips=_tooltips(names), attachment="vertical"))
    return plot


def _tooltips(names: list[str]) -> list[tuple[str, str]]:
    shown = [("neuron", "@name")]
    for name in names:
        digits = "0.0000" if name in ("average_precision", "mutual_information") else "0.000"
        by_chance = " against prevalence @prevalence{0.0000}" if name == "average_precision" else ""
        shown.append((name, f"@{name}{{{digits}}}{by_chance}"))
    return shown


def _titles(score: NDArray[np.float32], ends: list[int]) -> list[list[str]]:
    """Return the title of each layer's panel for each concept, from its scores (concept, neuron)."""
    layers = np.split(score, ends[:-1], axis=1)
    undefined = np.array([np.isnan(values).sum(axis=1) for values in layers]).T
    note = [[f", {n:,} undefined (grey)" if n else "" for n in row] for row in undefined.tolist()]
    return [[f"layer {i}: {layers[i].shape[1]:,} neurons{text}" for i, text in enumerate(row)] for row in note]


def _options(scores: xr.Dataset) -> dict[str, list[tuple[str, str]]]:
    """Return the concepts to select from by source, with their target tokens."""
    n_token = scores["n_token"].sel(group="target").values.tolist()
    options: dict[str, list[tuple[str, str]]] = {}
    columns = zip(scores["source"].values, scores["concept"].values, n_token, strict=True)
    for i, (source, concept, n) in enumerate(columns):
        options.setdefault(str(source), []).append((str(i), f"{concept} ({n:,} target tokens)"))
    return options
