"""How a neuron lies in the principal components: which it weighs most on, how much of its variance they explain."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from bokeh.model import Model
from bokeh.models import ColumnDataSource
from numpy.typing import NDArray

from .. import fixed_point
from .holdings import Holdings
from .look import ACCENT, QUIET, hover, plain_figure
from .stretch import Neuron

N_NAMED, N_DRAWN = 3, 20
FEW = (2, 10)


@dataclass(frozen=True)
class Component:
    """A component, counted from 1: the neuron's loading, its part of the neuron's variance, and of its space's."""

    number: int
    loading: float
    share: float
    of_space: float


@dataclass(frozen=True)
class NeuronSpace:
    """A neuron in the components of a space: all that are kept, in order.

    Without the one-pass sums the shares of the neuron's variance are NaN.
    """

    name: str
    components: tuple[Component, ...]

    @property
    def heaviest(self) -> tuple[Component, ...]:
        """The components that explain most of the neuron, or that it has the largest loadings on."""
        known = all(np.isfinite(one.share) for one in self.components)
        order = sorted(self.components, key=lambda one: -(one.share if known else abs(one.loading)))
        return tuple(order[:N_NAMED])

    def told(self, n: int) -> float:
        """Return the share of the neuron's variance that the first n components explain."""
        return float(sum(one.share for one in self.components[:n]))


@dataclass(frozen=True)
class ComponentCard:
    """A neuron in the components of its layer, and of all layers where there are several; none if it does not vary."""

    spaces: tuple[NeuronSpace, ...]
    few: tuple[int, ...] = FEW


def component_card(holdings: Holdings, neuron: Neuron) -> ComponentCard | None:
    """Return how a neuron lies in the components; ``None`` if the study does not ask for them.

    The share of a neuron's variance that a component explains is loading^2 x variance of the component / variance of
    the neuron; over all components it adds up to 1.
    """
    found = holdings.pca
    if found is None:
        return None
    at = found[["loading", "explained_variance", "explained_variance_ratio"]].isel(layer=neuron[0], neuron=neuron[1])
    variance = variance_of(holdings, neuron)
    if variance == 0:
        return ComponentCard(())
    spaces = []
    for s, name in enumerate(map(str, found["space"].values)):
        loading, size, ratio = (at[name].values[s].astype(np.float64) for name in at)
        known = np.isfinite(loading)
        if known.any():
            share = loading**2 * size / variance
            columns = zip(*(values[known].tolist() for values in (loading, share, ratio)), strict=True)
            spaces.append(NeuronSpace(name, tuple(Component(i + 1, *one) for i, one in enumerate(columns))))
    return ComponentCard(tuple(spaces))


def variance_of(holdings: Holdings, neuron: Neuron) -> float:
    """Return the variance of a neuron's h over all tokens from the one-pass sums; NaN without them."""
    names = [f"position_{name}" for name in ("n_token", "value_sum", "square_sum_high", "square_sum_low")]
    summary = holdings.summary
    if summary is None or any(name not in summary for name in names):
        return np.nan
    sums = summary[names].isel(layer=neuron[0], neuron=neuron[1]).load().sum("sentence_position")
    return float(fixed_point.variance(sums, "position_"))


def draw_components(_: Holdings, __: Neuron, card: ComponentCard) -> dict[str, Model]:
    """Return the share of the neuron's variance by component of its layer; nothing if that is not known."""
    if not card.spaces or not np.isfinite(card.spaces[0].told(1)):
        return {}
    space = card.spaces[0]
    shown = space.components[:N_DRAWN]
    number: NDArray[np.int64] = np.array([one.number for one in shown])
    own, of_space = ([100 * value for value in values] for values in
                     ([one.share for one in shown], [one.of_space for one in shown]))  # fmt: skip
    source = ColumnDataSource(
        {"number": number, "share": own, "of_space": of_space, "loading": [one.loading for one in shown]}
    )
    plot = plain_figure(
        title=f"{space.name}: share of variance by component", height=210, x_range=(0.3, N_DRAWN + 0.7),
        x_axis_label=f"component of {space.name}", y_axis_label="% of variance",
    )  # fmt: skip
    bars = plot.vbar(x="number", top="share", width=0.76, color=ACCENT, alpha=0.75, source=source,
                     legend_label="this neuron")  # fmt: skip
    plot.line(x="number", y="of_space", color=QUIET, width=2, line_dash=[5, 4], source=source, legend_label=space.name)
    plot.legend.location = "top_right"
    plot.legend.label_text_font_size = "12px"
    plot.legend.border_line_color = None
    plot.xgrid.grid_line_color = None
    plot.y_range.start = 0
    tips = [("component", "@number"), ("% of the neuron's variance", "@share{0.0}"), ("loading", "@loading{0.000}"),
            (f"% of the variance of {space.name}", "@of_space{0.0}")]  # fmt: skip
    plot.add_tools(hover(tips, renderers=[bars]))
    return {"components": plot}


def component_rows(holdings: Holdings, neuron: Neuron) -> pd.DataFrame | None:
    """Return a row for each component of each space of a neuron."""
    card = component_card(holdings, neuron)
    if card is None:
        return None
    rows = [
        {"space": space.name, "component": one.number, "loading": one.loading, "share_of_neuron": one.share,
         "explained_variance_ratio": one.of_space}
        for space in card.spaces for one in space.components
    ]  # fmt: skip
    return pd.DataFrame(rows)
