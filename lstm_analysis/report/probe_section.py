"""The section on sparse probes: how much of a concept 1, 2, 4 and 8 neurons hold, against random labels."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Legend, LegendItem, Span
from bokeh.plotting import figure

from .canvas import INK, QUIET, canvas
from .material import Material
from .numerals import neuron_name
from .pca_figures import COLOURS
from .pca_section import same_concept

N_CURVE = len(COLOURS)


@dataclass(frozen=True)
class ProbeLine:
    """A concept: AUROC by number of neurons, of the control tasks, of the twin; selectivity, p; the neurons chosen.

    ``neurons`` are those of the largest probe with the share of folds that chose each of them.
    """

    name: str
    n_member: int
    n_matched: int
    auroc: tuple[float, ...]
    control: tuple[float, ...]
    twin: tuple[float, ...]
    selectivity: tuple[float, ...]
    p: tuple[float, ...]
    neurons: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class ProbeSection:
    """The concepts that were probed, numbers of neurons, and how many concepts could not be."""

    lines: tuple[ProbeLine, ...]
    sizes: tuple[int, ...]
    n_untold: int


def probe_section(material: Material) -> ProbeSection | None:
    """Return what the section shows; ``None`` if the study leaves the analysis out.

    Parameters
    ----------
    material
        The run.
    """
    found = material.probes
    if found is None:
        return None
    twin = material.of_twin.probes
    shown = np.flatnonzero((found["untold"] == "").values)
    lines = sorted((probe_line(found.isel(concept=int(k)), twin) for k in shown), key=lambda line: -line.auroc[-1])
    sizes = tuple(found["n_neuron"].values.tolist())
    return ProbeSection(tuple(lines), sizes, found.sizes["concept"] - len(shown))


def probe_line(one: xr.Dataset, twin: xr.Dataset | None) -> ProbeLine:
    """Return a concept of ``probes.zarr``, with what the random twin reaches for that of the same name and source."""
    same = None if twin is None else same_concept(twin, one)
    of_twin = () if same is None else tuple(same["probe_auroc"].values.tolist())
    last = one.isel(n_neuron=-1)
    places = zip(last["chosen_layer"].values.tolist(), last["chosen_neuron"].values.tolist(), strict=True)
    chosen = [neuron_name(layer, neuron) for layer, neuron in places if layer >= 0]
    names = ("probe_auroc", "control_auroc", "probe_selectivity", "probe_p")
    auroc, control, selectivity, p = (tuple(one[name].values.tolist()) for name in names)
    return ProbeLine(
        name=str(one["concept"].values),
        n_member=int(one["n_type_member"]),
        n_matched=int(one["n_type_matched"]),
        auroc=auroc, control=control, twin=of_twin, selectivity=selectivity, p=p,
        neurons=tuple(zip(chosen, last["chosen_share"].values.tolist(), strict=False)),
    )  # fmt: skip


def probe_curves(section: ProbeSection) -> figure:
    """Return AUROC at words left out by number of neurons, a line a concept; dashed are the control tasks."""
    plot = canvas(
        title="probes: AUROC at words left out", height=290, x_axis_label="neurons of the probe (count)",
        y_axis_label="auroc (probability)",
    )  # fmt: skip
    plot.add_layout(Span(location=0.5, dimension="width", line_color=INK, line_dash=[2, 3], line_width=1))
    places, items, drawn = list(range(len(section.sizes))), [], []
    for line, colour in zip(section.lines[:N_CURVE], COLOURS, strict=False):
        for values, dash, what in ((line.auroc, "solid", "probe"), (line.control, "dashed", "random labels")):
            source = ColumnDataSource(
                {"x": places, "y": list(values), "n": list(section.sizes), "of": [f"{line.name}, {what}"] * len(places)}
            )
            curve = plot.line(x="x", y="y", color=colour, width=2, line_dash=dash, source=source)
            drawn.append(plot.scatter(x="x", y="y", color=colour, size=5, source=source))
            if what == "probe":
                items.append(LegendItem(label=line.name[:24], renderers=[curve]))
    plot.xaxis.ticker = FixedTicker(ticks=places)
    plot.xaxis.major_label_overrides = {place: str(n) for place, n in zip(places, section.sizes, strict=True)}
    plot.add_tools(HoverTool(renderers=drawn, tooltips=[("", "@of"), ("neurons", "@n"), ("auroc", "@y{0.000}")]))
    plot.add_layout(
        Legend(
            items=items, orientation="horizontal", border_line_color=None, label_text_font_size="11px",
            label_text_color=QUIET, margin=0, padding=2, ncols=3,
        ),
        "above",
    )  # fmt: skip
    return plot
