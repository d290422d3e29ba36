"""The section on neurons that do the same: families, mutual best matches, |r| against twin and rotations."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..analyses.neuron_matching import DUPLICATE_R, FAMILY_R
from .canvas import ACCENT, INK, canvas
from .material import Material
from .numerals import neuron_name
from .palette import DIVERGING

N_PAIR, N_FAMILY, N_BIN = 12, 8, 40
CURVES = {
    "model": ("model, best |r|", ACCENT, "solid"),
    "twin": ("random twin, best |r|", "#8a8f98", "solid"),
    "rotated": ("model against rotated layers", DIVERGING[4], "dashed"),
    "across": ("model against its random twin", DIVERGING[-1], "dotted"),
}
"""What is drawn: its name, colour and dash."""


@dataclass(frozen=True)
class MatchedPair:
    """Two neurons each of which is the best match of the other."""

    name: str
    other: str
    r: float
    r_residual: float
    r_rotated: float
    excess_r: float


@dataclass(frozen=True)
class Family:
    """Neurons that do nearly the same: the first few by name, and how many."""

    neurons: tuple[str, ...]
    n_neuron: int


@dataclass(frozen=True)
class MatchingSection:
    """What there is to show of neurons that do the same.

    ``level`` is the value that 95 % of the twin's best |r| stay below, NaN without a twin; ``n_above`` counts the
    model's neurons above it.
    """

    n_neuron: int
    n_token: int
    n_token_residual: int
    n_duplicate: int
    n_duplicate_twin: int | None
    n_mutual: int
    level: float
    n_above: int
    family_r: float
    duplicate_r: float
    whole: bool
    pairs: tuple[MatchedPair, ...]
    families: tuple[Family, ...]


def matching_section(material: Material) -> MatchingSection | None:
    """Return what there is to show of neurons that do the same, ``None`` if the study does not ask for it."""
    found = material.neuron_matching
    if found is None:
        return None
    twin = material.of_twin.neuron_matching
    best = best_r(found)
    level = np.nan if twin is None else level_of(twin)
    return MatchingSection(
        n_neuron=len(best),
        n_token=int(found["n_token"]),
        n_token_residual=int(found["n_token_residual"]),
        n_duplicate=int((found["duplicate"] >= 0).sum()),
        n_duplicate_twin=None if twin is None else int((twin["duplicate"] >= 0).sum()),
        n_mutual=int((found["mutual"] == 1).sum()) // 2,
        level=level,
        n_above=int((best > level).sum()),
        family_r=FAMILY_R,
        duplicate_r=DUPLICATE_R,
        whole=bool(found["r_rotated"].notnull().any()),
        pairs=_pairs(found),
        families=_families(found),
    )


def level_of(twin: xr.Dataset) -> float:
    """Return the value that 95 % of a random twin's best |r| stay below, NaN if it has none."""
    reached = best_r(twin)
    return float(np.quantile(reached, 0.95)) if len(reached) else np.nan


def best_r(found: xr.Dataset) -> NDArray[np.float64]:
    """Return the largest |r| of each neuron that has any."""
    values = np.abs(found["r"].isel(rank=0).values.ravel()).astype(np.float64)
    return np.asarray(values[np.isfinite(values)], np.float64)


def _pairs(found: xr.Dataset) -> tuple[MatchedPair, ...]:
    """Return the mutual best matches with the largest |r|, each once."""
    best = found.isel(rank=0)
    place = list(zip(*np.nonzero(best["mutual"].transpose("layer", "neuron").values == 1), strict=True))
    columns = {
        name: best[name].transpose("layer", "neuron").values
        for name in ("best_layer", "best_neuron", "r", "r_residual", "r_rotated", "excess_r")
    }
    partner = {at: (int(columns["best_layer"][at]), int(columns["best_neuron"][at])) for at in place}
    once = sorted((at for at in place if at < partner[at]), key=lambda at: (-abs(float(columns["r"][at])), at))
    numbers = ("r", "r_residual", "r_rotated", "excess_r")
    return tuple(
        MatchedPair(
            neuron_name(int(at[0]), int(at[1])), neuron_name(*partner[at]),
            *(float(columns[name][at]) for name in numbers),
        )
        for at in once[:N_PAIR]
    )  # fmt: skip


def _families(found: xr.Dataset) -> tuple[Family, ...]:
    """Return the largest families."""
    family = found["family"].transpose("layer", "neuron").values
    numbers, size = np.unique(family[family >= 0], return_counts=True)
    largest = numbers[np.lexsort((numbers, -size))][:N_FAMILY]
    members = [[neuron_name(*at) for at in np.argwhere(family == number).tolist()] for number in largest]
    return tuple(Family(tuple(names[:N_PAIR]), len(names)) for names in members)


def matching_figure(material: Material) -> figure:
    """Return how many neurons reach which |r|: in the model, in its twin, against rotated layers and the twin.

    Parameters
    ----------
    material
        The datasets of a run with the analysis ``neuron_matching``.
    """
    found = material.neuron_matching
    assert found is not None
    twin = material.of_twin.neuron_matching
    values = {"model": best_r(found), "rotated": _finite(found["r_rotated"])}
    if twin is not None:
        values |= {"twin": best_r(twin)}
        if "r_twin" in twin:
            values |= {"across": _finite(twin["r_twin"])}
    plot = canvas(height=230, x_range=(0, 1), x_axis_label="largest |r| of a neuron", y_axis_label="share of neurons")
    edges = np.linspace(0, 1, N_BIN + 1)
    renderers = []
    for key, (name, colour, dash) in CURVES.items():
        if key in values and len(values[key]):
            share = np.histogram(values[key], edges)[0] / len(values[key])
            source = ColumnDataSource({"at": (edges[:-1] + edges[1:]) / 2, "share": share, "name": [name] * N_BIN})
            drawn = {"color": colour, "line_dash": dash, "width": 2, "source": source, "legend_label": name}
            renderers.append(plot.step(x="at", y="share", mode="center", **drawn))
    plot.add_tools(HoverTool(renderers=renderers, tooltips=[("", "@name"), ("|r|", "@at{0.00}"), ("share", "@share")]))
    plot.y_range.start = 0
    if renderers:
        plot.legend.location = "top_right"
        plot.legend.label_text_font_size = "11px"
        plot.legend.label_text_color = INK
        plot.legend.background_fill_alpha = 0.6
        plot.legend.border_line_color = None
    return plot


def _finite(values: xr.DataArray) -> NDArray[np.float64]:
    flat = values.values.ravel()
    return np.asarray(flat[np.isfinite(flat)], np.float64)
