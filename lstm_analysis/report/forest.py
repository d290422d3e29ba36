"""The best neuron at each idiom: its AUROC in every contrast, and the mean over idioms with its interval."""

import xarray as xr
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Legend, LegendItem, Span, Whisker
from bokeh.plotting import figure

from .canvas import ACCENT, INK, QUIET, canvas
from .palette import DIVERGING

N_IDIOM = 30
_MARKS = {
    "literal": ("circle", ACCENT), "tail": ("triangle", "#b8860b"), "head": ("square", "#6b8e5a"),
    "matched": ("diamond", DIVERGING[-1]),
}  # fmt: skip
_TIPS = [("idiom", "@name"), ("contrast", "@contrast"), ("auroc", "@auroc{0.000}"), ("idiomatic", "@n_idiomatic{0,0}"),
         ("controls", "@n_control{0,0}")]  # fmt: skip


def forest(found: xr.Dataset, layer: int, neuron: int, order: list[int]) -> figure:
    """Return the figure: idioms from top to bottom, above them the mean over tested idioms with its t interval.

    Parameters
    ----------
    found
        ``auroc`` (contrast, idiom, layer, neuron), ``auroc_macro`` with ``_low`` and ``_high`` (contrast, layer,
        neuron), ``n_idiomatic``, ``n_control`` (contrast, idiom).
    layer, neuron
        Which neuron.
    order
        Places of the idioms; the first 30 with occurrences are shown.
    """
    one = found.isel(layer=layer, neuron=neuron)
    some = found["n_idiomatic"].max("contrast").values
    shown = [i for i in order if some[i] > 0][:N_IDIOM]
    labels: dict[float, str] = {len(shown) - row: str(found["idiom"].values[i]) for row, i in enumerate(shown)}
    labels[len(shown) + 1.5] = "mean over tested idioms"
    plot = canvas(
        title=f"{layer}:{neuron}    auroc by idiom and contrast", height=110 + 19 * (len(shown) + 2),
        x_range=(-0.02, 1.02), y_range=(0.3, len(shown) + 2.2),
        x_axis_label="auroc (probability that the idiom's value exceeds a control's)",
        y_axis_label="idiom, by idiomatic occurrences",
    )  # fmt: skip
    plot.add_layout(Span(location=0.5, dimension="height", line_color=INK, line_dash=[2, 3], line_width=1))
    contrasts = found["contrast"].values.tolist()
    items = []
    for k, contrast in enumerate(contrasts):
        if not one["auroc"].sel(contrast=contrast).notnull().any():
            continue
        shift = 0.18 * ((len(contrasts) - 1) / 2 - k)
        drawn = _contrast(plot, one.sel(contrast=contrast), shown, shift, str(contrast))
        items.append(LegendItem(label=str(contrast), renderers=[drawn]))
    plot.yaxis.ticker = FixedTicker(ticks=list(labels))
    plot.yaxis.major_label_overrides = {place: _short(name) for place, name in labels.items()}
    plot.ygrid.grid_line_color = None
    legend = Legend(items=items, orientation="horizontal", border_line_color=None, label_text_font_size="11px")
    plot.add_layout(legend, "above")
    plot.add_tools(HoverTool(tooltips=_TIPS))
    return plot


def _short(name: str, most: int = 34) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _contrast(plot: figure, one: xr.Dataset, shown: list[int], shift: float, name: str) -> object:
    mark, colour = _MARKS.get(name, ("circle", QUIET))
    source = ColumnDataSource(
        {
            "auroc": one["auroc"].values[shown],
            "place": [len(shown) - row + shift for row in range(len(shown))],
            "name": [str(one["idiom"].values[i]) for i in shown],
            "contrast": [name] * len(shown),
            "n_idiomatic": one["n_idiomatic"].values[shown],
            "n_control": one["n_control"].values[shown],
        }
    )
    dots = plot.scatter(x="auroc", y="place", marker=mark, size=7, color=colour, alpha=0.85, source=source)
    mean, low, high = (one[f"auroc_macro{end}"].item() for end in ("", "_low", "_high"))
    if mean == mean:
        above = len(shown) + 1.5 + shift
        whole = ColumnDataSource({"place": [above], "low": [low], "high": [high]})
        if low == low:
            plot.add_layout(
                Whisker(
                    dimension="width", base="place", lower="low", upper="high", source=whole, line_color=colour,
                    line_width=2, upper_head=None, lower_head=None,
                )
            )  # fmt: skip
        plot.scatter(x=[mean], y=[above], marker=mark, size=10, color=colour)
    return dots
