"""Figures of principal components: shares of variance, and words or occurrences on the first two."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, Span
from bokeh.plotting import figure

from .canvas import ACCENT, LINE, QUIET, canvas
from .palette import DIVERGING

N_SCREE = 20
N_LABEL = 16
"""Words of a concept whose names stand beside their points, the most frequent ones; the pointer shows all."""
N_IDIOM = 6
COLOURS = (ACCENT, "#b8860b", "#6b8e5a", DIVERGING[-1], "#7a5195", "#2f8f8f")


def scree(found: xr.Dataset, twin: xr.Dataset | None) -> figure:
    """Return the shares of variance of the leading components of each space; dashed are those of a random twin.

    Parameters
    ----------
    found, twin
        ``explained_variance_ratio`` (space, component).
    """
    plot = canvas(
        title="share of variance by component", height=290, x_axis_label="component",
        y_axis_label="explained_variance_ratio (share)",
    )  # fmt: skip
    items, drawn = [], []
    parts = [("", found, "solid")] + ([(" (random twin)", twin, "dashed")] if twin is not None else [])
    for of, dataset, dash in parts:
        for s, space in enumerate(map(str, dataset["space"].values)):
            share = dataset["explained_variance_ratio"].values[s, :N_SCREE]
            source = ColumnDataSource(
                {"component": np.arange(1, len(share) + 1), "share": share, "space": [space + of] * len(share)}
            )
            colour = COLOURS[s % len(COLOURS)]
            line = plot.line(x="component", y="share", color=colour, width=2, line_dash=dash, source=source)
            drawn.append(plot.scatter(x="component", y="share", color=colour, size=5, source=source))
            if not of:
                items.append(LegendItem(label=space, renderers=[line]))
    plot.add_layout(_legend(items), "above")
    tips = [("space", "@space"), ("component", "@component"), ("share", "@share{0.000}")]
    plot.add_tools(HoverTool(renderers=drawn, tooltips=tips))
    plot.y_range.start = 0
    return plot


def word_scatter(found: xr.Dataset, concept: int, space: int, of: str = "") -> figure:
    """Return words of a concept and words that they are held against on the first two components.

    Parameters
    ----------
    found
        ``word_score`` (space, point, component) and the columns ``point_``.
    concept, space
        Which ones.
    of
        What to say of the model in the title.
    """
    here = np.flatnonzero(found["point_concept"].values == concept)
    one = found.isel(point=here, space=space)
    accuracy = found["accuracy"].transpose("concept", "space", "n_dimension").values[concept, space, 0]
    plot = _axes(found, space, f"{found['concept'].values[concept]}{of}: accuracy {accuracy:.2f}")
    items = []
    for member, name, colour in ((0, "matched words", "#aab1bd"), (1, "words of the concept", ACCENT)):
        part = one.isel(point=one["point_member"].values == member)
        source = ColumnDataSource(
            {
                "x": part["word_score"].values[:, 0], "y": part["word_score"].values[:, 1],
                "word": [str(text) for text in part["point_type"].values], "n_token": part["point_n_token"].values,
                "set": [name] * part.sizes["point"],
            }
        )  # fmt: skip
        dots = plot.scatter(x="x", y="y", size=6, color=colour, alpha=0.75, source=source)
        items.append(LegendItem(label=f"{name} ({part.sizes['point']})", renderers=[dots]))
        plot.add_tools(
            HoverTool(renderers=[dots], tooltips=[("word", "@word"), ("", "@set"), ("tokens", "@n_token{0,0}")])
        )
        if member:
            named = ColumnDataSource({name: list(values)[:N_LABEL] for name, values in source.data.items()})
            plot.text(
                x="x", y="y", text="word", x_offset=5, y_offset=4, source=named, text_font_size="10.5px",
                text_color=colour,
            )  # fmt: skip
    plot.add_layout(_legend(items), "above")
    return plot


def idiom_scatter(found: xr.Dataset) -> figure:
    """Return occurrences of idioms, at their last word, on the first two components of the widest space.

    The idioms with most occurrences have colours; literal uses are hollow.

    Parameters
    ----------
    found
        ``occurrence_score`` (space, occurrence, component), the columns ``occurrence_``, and ``idiom``.
    """
    idiom, value = found["occurrence_idiom"].values, found["occurrence_value"].values
    score, names = found["occurrence_score"].values[-1], [str(name) for name in found["idiom"].values]
    counts = np.bincount(idiom, minlength=len(names))
    leading = [int(i) for i in np.argsort(-counts, kind="stable")[:N_IDIOM] if counts[i]]
    plot = _axes(found, found.sizes["space"] - 1, "occurrences of idioms at their last word")
    groups: Sequence[tuple[str, str, np.ndarray]] = [
        ("others", "#c4c7cc", ~np.isin(idiom, leading)),
        *((names[i], COLOURS[k], idiom == i) for k, i in enumerate(leading)),
    ]
    items = []
    for name, colour, chosen in groups:
        rows = np.flatnonzero(chosen)
        source = ColumnDataSource(
            {
                "x": score[rows, 0], "y": score[rows, 1], "name": [names[idiom[row]] for row in rows],
                "fill": [colour if value[row] == 1 else "#ffffff" for row in rows],
                "use": ["idiomatic" if value[row] == 1 else "literal" for row in rows],
            }
        )  # fmt: skip
        dots = plot.scatter(x="x", y="y", size=7, line_color=colour, fill_color="fill", alpha=0.85, source=source)
        if len(rows):
            items.append(LegendItem(label=f"{name[:30]} ({len(rows)})", renderers=[dots]))
        plot.add_tools(HoverTool(renderers=[dots], tooltips=[("idiom", "@name"), ("use", "@use")]))
    legend = _legend(items)
    legend.ncols = 3
    plot.add_layout(legend, "below")
    return plot


def _axes(found: xr.Dataset, space: int, title: str) -> figure:
    share = found["explained_variance_ratio"].values[space]
    labels = [f"PC{i + 1} ({100 * share[i]:.0f} % of variance)" for i in range(2)]
    name = str(found["space"].values[space])
    plot = canvas(title=f"{name}    {title}", height=430, x_axis_label=labels[0], y_axis_label=labels[1])
    plot.x_range.range_padding = 0.3  # names stand right of their points
    for dimension in ("width", "height"):
        plot.add_layout(Span(location=0, dimension=dimension, line_color=LINE, line_width=1))
    return plot


def _legend(items: list[LegendItem]) -> Legend:
    return Legend(
        items=items, orientation="horizontal", border_line_color=None, label_text_font_size="11px",
        label_text_color=QUIET, margin=0, padding=2,
    )  # fmt: skip
