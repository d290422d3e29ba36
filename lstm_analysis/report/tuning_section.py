"""The section on graded variables: the neurons that follow each, their curves, and the random twin's best beside."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, HoverTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..schema import DERIVED, NUMBERS, VALUE_EDGES
from .canvas import ACCENT, MARGIN, canvas
from .duplicates import others_like
from .material import Material
from .numerals import neuron_name
from .palette import DIVERGING, UNDEFINED

N_NEURON, N_CURVE = 6, 3
MIN_TOKEN = 10
"""Values with fewer tokens are not drawn."""
COLOURS = (ACCENT, DIVERGING[-1], DIVERGING[4])
TWIN_COLOUR = "#8a8f98"
SCORES = ("eta2_type_adjusted", "eta2", "eta2_low", "eta2_high", "r", "r_low", "r_high", "p_value", "p_fwer", "q_value")


@dataclass(frozen=True)
class GradedNeuron:
    """A neuron with its scores of a variable by name, whether it is called, and its duplicates."""

    layer: int
    neuron: int
    called: bool
    scores: dict[str, float]
    duplicates: tuple[str, ...]

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)


@dataclass(frozen=True)
class GradedVariable:
    """A variable: what it is, the tokens it rests on, neurons called, the best ones, and the twin's best.

    ``tested`` says whether there are correlations and their p; ``n_called_twin`` is ``None`` without a twin.
    """

    index: int
    name: str
    meaning: str
    units: str
    tested: bool
    n_token: int
    n_token_missing: int
    n_document: int
    n_called: int
    n_called_twin: int | None
    neurons: tuple[GradedNeuron, ...]
    twin: GradedNeuron | None


def tuning_section(material: Material) -> list[GradedVariable]:
    """Return what there is to show of each graded variable; nothing if the study names none."""
    found = material.graded
    if found is None:
        return []
    twin = material.of_twin.graded
    names = found["variable"].values.tolist()
    return [_variable(material, found, twin, i, str(name)) for i, name in enumerate(names)]


def _variable(material: Material, found: xr.Dataset, twin: xr.Dataset | None, index: int, name: str) -> GradedVariable:
    one, tested = found.isel(variable=index), "graded_neuron" in found
    other = None if twin is None else twin.isel(variable=index)
    known = (DERIVED | NUMBERS).get(name)
    best = () if other is None else _best(other, 1, None)
    return GradedVariable(
        index=index,
        name=name,
        meaning="number that the corpus gives" if known is None else known.meaning,
        units="1" if known is None else known.units,
        tested=tested,
        n_token=int(one["n_token"].sum()),
        n_token_missing=int(one["n_token_missing"]),
        n_document=int(one["n_document"]) if tested else 0,
        n_called=_n_called(one),
        n_called_twin=None if other is None else _n_called(other),
        neurons=_best(one, N_NEURON, material.scores),
        twin=best[0] if best else None,
    )


def _n_called(one: xr.Dataset) -> int:
    return int((one["graded_neuron"] == 1).sum()) if "graded_neuron" in one else 0


def _best(one: xr.Dataset, n: int, scores: xr.Dataset | None) -> tuple[GradedNeuron, ...]:
    """Return the neurons called and then the others by the share after words, of duplicates the first."""
    share = one["eta2_type_adjusted"].transpose("layer", "neuron").values
    called = one["graded_neuron"].values == 1 if "graded_neuron" in one else np.zeros(share.shape, bool)
    order = np.lexsort((-np.nan_to_num(share, nan=-np.inf).ravel(), ~called.ravel()))
    group = None if scores is None or "duplicate_of" not in scores else scores["duplicate_of"].values
    found: list[GradedNeuron] = []
    for at in order[: int(np.isfinite(share).sum())].tolist():
        layer, neuron = divmod(at, share.shape[1])
        same = () if group is None else others_like(group, layer, neuron)
        if not {one.name for one in found} & set(same):
            values = {name: float(one[name][layer, neuron]) for name in SCORES if name in one}
            found.append(GradedNeuron(layer, neuron, bool(called[layer, neuron]), values, same))
        if len(found) == n:
            break
    return tuple(found)


def graded_figure(material: Material, shown: GradedVariable) -> Column:
    """Return the curves of a variable's best neurons over its values, and below how many tokens they rest on.

    Parameters
    ----------
    material
        The datasets of a run.
    shown
        A variable of its section.
    """
    assert material.graded is not None
    one = material.graded.isel(variable=shown.index)
    drawn = one["n_token"].values >= MIN_TOKEN
    at, width = _places(drawn)
    plot = canvas(height=230, y_axis_label="mean of hidden_state (1)", x_range=_range(at, width))
    twin = material.of_twin.graded
    if shown.twin is not None and twin is not None:
        twin = twin.isel(variable=shown.index, layer=shown.twin.layer, neuron=shown.twin.neuron)
        _draw(plot, twin.isel(variable_value=drawn), at, TWIN_COLOUR, f"random twin, {shown.twin.name}")
    for neuron, colour in zip(shown.neurons[:N_CURVE], COLOURS, strict=False):
        curve = one.isel(layer=neuron.layer, neuron=neuron.neuron, variable_value=drawn)
        _draw(plot, curve, at, colour, neuron.name)
    plot.legend.label_text_font_size = "11px"
    plot.legend.background_fill_alpha = 0.6
    plot.legend.border_line_color = None
    plot.xaxis.visible = False
    plot.min_border_left = MARGIN
    strip = _occupancy(plot, at, width, one["n_token"].values[drawn], f"{shown.name} ({shown.units})")
    return column(plot, strip, sizing_mode="stretch_width", spacing=0)


def _places(drawn: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle and the width of each row that is drawn; the last one, which is open, counts as one value."""
    edges = np.array([*VALUE_EDGES, VALUE_EDGES[-1] + 1], np.float64)
    width = np.diff(edges)
    return (edges[:-1] + (width - 1) / 2)[drawn], width[drawn]


def _range(at: NDArray[np.float64], width: NDArray[np.float64]) -> tuple[float, float]:
    return (float((at - width).min(initial=0)), float((at + width).max(initial=1)))


def _draw(plot: figure, curve: xr.Dataset, at: NDArray[np.float64], colour: str, name: str) -> None:
    data = {"at": at, "mean": curve["tuning_mean"].values, "from": curve["variable_value"].values}
    if "tuning_mean_low" in curve:
        data |= {end: curve[f"tuning_mean_{end}"].values for end in ("low", "high")}
    source = ColumnDataSource(data)
    if "low" in data:
        plot.varea(x="at", y1="low", y2="high", color=colour, alpha=0.2, source=source)
    plot.line(x="at", y="mean", color=colour, width=2, source=source, legend_label=name)
    dots = plot.scatter(x="at", y="mean", color=colour, size=4, source=source)
    tips = [("neuron", name), ("value from", "@from"), ("mean", "@mean{0.000}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))


def _occupancy(
    above: figure, at: NDArray[np.float64], width: NDArray[np.float64], n_token: NDArray[np.int64], label: str
) -> figure:
    """Return the bars of the tokens at each value, per unit of the value."""
    strip = canvas(height=92, x_range=above.x_range, x_axis_label=label, y_axis_label="tokens")
    source = ColumnDataSource({"at": at, "width": 0.8 * width, "top": n_token / width})
    strip.vbar(x="at", width="width", top="top", color=UNDEFINED, source=source)
    strip.yaxis.ticker.desired_num_ticks = 2
    strip.y_range.start = 0
    strip.xgrid.grid_line_color = None
    strip.min_border_left = MARGIN
    return strip
