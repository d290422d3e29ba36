"""Sparse probes: in which concepts' a neuron was chosen and by how many folds; how well few neurons tell a concept."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.model import Model
from bokeh.models import ColumnDataSource, FixedTicker, Span

from ..report.probe_section import ProbeLine, probe_line
from .holdings import Holdings
from .look import ACCENT, INK, QUIET, hover, plain_figure
from .stretch import Neuron

TWIN = "#8a8f98"


@dataclass(frozen=True)
class Chosen:
    """A concept whose probes chose a neuron: by size, the share of folds (NaN: not chosen) and the probe's AUROC."""

    concept: str
    share: tuple[float, ...]
    auroc: tuple[float, ...]


@dataclass(frozen=True)
class ProbedNeuron:
    """The concepts whose probes chose a neuron, smallest probes first; sizes; and how many concepts were probed."""

    rows: tuple[Chosen, ...]
    sizes: tuple[int, ...]
    n_concept: int


@dataclass(frozen=True)
class ProbedConcept:
    """How well few neurons tell a concept, ``None`` where ``untold`` says why it was not probed."""

    line: ProbeLine | None
    sizes: tuple[int, ...]
    untold: str
    has_twin: bool


def probed_neuron(holdings: Holdings, neuron: Neuron) -> ProbedNeuron | None:
    """Return the concepts whose probes chose a neuron; ``None`` if the study has no probes."""
    found = holdings.probes
    if found is None:
        return None
    order = ("concept", "n_neuron", "rank")
    is_it = (found["chosen_layer"] == neuron[0]) & (found["chosen_neuron"] == neuron[1])
    share = found["chosen_share"].where(is_it).transpose(*order).max("rank").values
    auroc = found["probe_auroc"].transpose(*order[:2]).values
    chosen = is_it.any("rank").transpose(*order[:2]).values
    places = np.flatnonzero(chosen.any(axis=1)).tolist()
    places.sort(key=lambda k: (int(chosen[k].argmax()), -np.nan_to_num(share[k, chosen[k].argmax()])))
    names = [str(name) for name in found["concept"].values]
    rows = tuple(Chosen(names[k], tuple(share[k].tolist()), tuple(auroc[k].tolist())) for k in places)
    return ProbedNeuron(rows, tuple(found["n_neuron"].values.tolist()), int((found["untold"] == "").sum()))


def probed_concept(holdings: Holdings, concept: str) -> ProbedConcept | None:
    """Return how well few neurons tell a concept; ``None`` if the study has no probes."""
    one = of_concept(holdings.probes, concept)
    if one is None:
        return None
    twin, untold = holdings.of_twin("probes"), str(one["untold"].item())
    line = None if untold else probe_line(one, twin)
    return ProbedConcept(line, tuple(one["n_neuron"].values.tolist()), untold, line is not None and bool(line.twin))


def of_concept(found: xr.Dataset | None, concept: str) -> xr.Dataset | None:
    """Return what an analysis says of a concept, of several of its name the first."""
    names = [] if found is None else [str(name) for name in found["concept"].values]
    return found.isel(concept=names.index(concept)) if found is not None and concept in names else None


def draw_probes(_: Holdings, __: str, card: ProbedConcept) -> dict[str, Model]:
    """Return AUROC at words left out by the number of neurons: of the probe, of random labels, of the twin."""
    if card.line is None:
        return {}
    places = list(range(len(card.sizes)))
    plot = plain_figure(
        title="probes: AUROC at words left out", height=250, x_axis_label="neurons of the probe (count)",
        y_axis_label="auroc (probability)",
    )  # fmt: skip
    plot.add_layout(Span(location=0.5, dimension="width", line_color=INK, line_dash=[2, 3], line_width=1))
    curves = {"probe": (card.line.auroc, ACCENT, "solid"), "random labels": (card.line.control, QUIET, "dashed"),
              "random twin": (card.line.twin, TWIN, "dotted")}  # fmt: skip
    drawn = []
    for name, (values, colour, dash) in curves.items():
        if values:
            source = ColumnDataSource(
                {"x": places, "y": list(values), "n": list(card.sizes), "of": [name] * len(places)}
            )
            plot.line(x="x", y="y", color=colour, width=2, line_dash=dash, source=source, legend_label=name)
            drawn.append(plot.scatter(x="x", y="y", color=colour, size=6, source=source))
    plot.xaxis.ticker = FixedTicker(ticks=places)
    plot.xaxis.major_label_overrides = {place: str(n) for place, n in zip(places, card.sizes, strict=True)}
    plot.legend.orientation = "horizontal"
    plot.legend.border_line_color = None
    plot.add_layout(plot.legend[0], "above")
    plot.add_tools(hover([("", "@of"), ("neurons", "@n"), ("auroc", "@y{0.000}")], renderers=drawn))
    return {"probes": plot}


def chosen_rows(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    """Return a row for each concept and size of a probe that chose a neuron."""
    card = probed_neuron(holdings, neuron)
    if card is None:
        return None
    rows = [
        {"concept": row.concept, "n_neuron": n, "chosen_share": share, "probe_auroc": auroc}
        for row in card.rows for n, share, auroc in zip(card.sizes, row.share, row.auroc, strict=True)
        if not np.isnan(share)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["concept", "n_neuron", "chosen_share", "probe_auroc"])


def probe_rows(holdings: Holdings, concept: str) -> pd.DataFrame | None:
    """Return a row for each size of a concept's probes."""
    card = probed_concept(holdings, concept)
    if card is None or card.line is None:
        return None
    line = card.line
    columns = {"n_neuron": card.sizes, "probe_auroc": line.auroc, "control_auroc": line.control,
               "probe_selectivity": line.selectivity, "probe_p": line.p}  # fmt: skip
    return pd.DataFrame(columns | ({"twin_probe_auroc": line.twin} if line.twin else {}))
