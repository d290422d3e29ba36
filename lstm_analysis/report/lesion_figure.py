"""What lesions cost at the tokens of concepts, each beside the matched random neurons it is held against."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Legend, LegendItem, Range1d, Span, Whisker
from bokeh.plotting import figure

from .canvas import INK, QUIET, canvas
from .palette import DIVERGING

N_ROW = 20
NAME_LENGTH = 40


def lesion_figure(
    one: xr.Dataset, places: Sequence[tuple[int, int]], named: Sequence[str] = ("lesion", "concept")
) -> figure:
    """Return the figure: a row for each lesion and concept.

    Parameters
    ----------
    one
        ``delta_loss, delta_loss_se, p_value`` (lesion, concept), ``random_delta_loss`` (draw, lesion, concept).
    places
        Which lesions and concepts; the first 20 are drawn.
    named
        What the rows are named by: both, or that which differs.
    """
    shown = places[:N_ROW]
    rows = [one.isel(lesion=i, concept=k) for i, k in shown]
    labels = {len(shown) - n: _short("  ".join(str(row[name].item()) for name in named)) for n, row in enumerate(rows)}
    plot = canvas(
        title="loss at the concept's tokens above that at matched controls", height=120 + 22 * len(shown),
        y_range=(0.2, len(shown) + 0.8), x_axis_label="delta_loss (nats per token)", y_axis_label=", ".join(named),
    )  # fmt: skip
    plot.add_layout(Span(location=0, dimension="height", line_color=INK, line_dash=[2, 3], line_width=1))
    random = [row["random_delta_loss"].values for row in rows]
    place = np.repeat(list(labels), [len(values) for values in random]).astype(float)
    values = np.concatenate(random).astype(float) if random else np.empty(0)
    cloud = ColumnDataSource({"loss": values[~np.isnan(values)], "place": place[~np.isnan(values)]})
    grey = plot.scatter(
        x="loss", y="place", marker="dash", angle=np.pi / 2, size=9, color=QUIET, alpha=0.35, source=cloud
    )
    loss, se = (np.array([float(row[name]) for row in rows]) for name in ("delta_loss", "delta_loss_se"))
    plot.x_range = _reach([*cloud.data["loss"], *loss, *(loss - se), *(loss + se)])
    own = ColumnDataSource(
        {
            "loss": loss, "low": loss - se, "high": loss + se, "place": list(map(float, labels)),
            "lesion": [str(row["lesion"].item()) for row in rows], "p": [float(row["p_value"]) for row in rows],
            "concept": [str(row["concept"].item()) for row in rows],
        }
    )  # fmt: skip
    plot.add_layout(
        Whisker(
            dimension="width", base="place", lower="low", upper="high", source=own, line_color=DIVERGING[-1],
            line_width=2, upper_head=None, lower_head=None,
        )
    )  # fmt: skip
    dots = plot.scatter(x="loss", y="place", size=9, color=DIVERGING[-1], source=own)
    tips = [("lesion", "@lesion"), ("concept", "@concept"), ("delta_loss", "@loss{0.0000}"), ("p", "@p{0.000}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))
    plot.yaxis.ticker = FixedTicker(ticks=list(labels))
    plot.yaxis.major_label_overrides = labels
    plot.ygrid.grid_line_color = None
    items = [
        LegendItem(label="lesion, with one standard error", renderers=[dots]),
        LegendItem(label="matched random neurons", renderers=[grey]),
    ]
    plot.add_layout(
        Legend(items=items, orientation="horizontal", border_line_color=None, label_text_font_size="11px"), "above"
    )
    return plot


def _reach(values: Sequence[float]) -> Range1d:
    """Return a range that holds all values, whiskers too, with a little room."""
    known = np.array([value for value in values if np.isfinite(value)] or [0.0])
    room = 0.05 * float(np.ptp(known)) or 1.0
    return Range1d(float(known.min()) - room, float(known.max()) + room)


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"
