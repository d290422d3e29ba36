"""The figures of a neuron's card."""

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FixedTicker, OpenURL, Span, TapTool, Whisker
from bokeh.plotting import figure

from .look import ACCENT, INK, LEFT, hover, plain_figure
from .neuron_card import Distribution
from .score_map import units_of
from .text_figure import shortened

N_CONCEPT = 25


def distribution_figure(found: Distribution) -> figure:
    """Return the distribution of a neuron's values, the share of tokens on a logarithmic scale."""
    percent = 100 * found.share
    floor = 100 / found.n_token
    source = ColumnDataSource(
        {"left": found.edge[:-1], "right": found.edge[1:], "top": np.maximum(percent, floor), "percent": percent}
    )
    plot = plain_figure(
        title=f"values over {found.n_token:,} tokens", height=220, y_axis_type="log", y_range=(floor, 130),
        x_axis_label="h (1)", y_axis_label="% of tokens (log scale)",
    )  # fmt: skip
    bars = plot.quad(left="left", right="right", bottom=floor, top="top", color=ACCENT, alpha=0.75, source=source)
    plot.xgrid.grid_line_color = None
    tips = [("h", "@left{0.000} to @right{0.000}"), ("% of tokens", "@percent{0.000}")]
    plot.add_tools(hover(tips, renderers=[bars]))
    return plot


def selectivity_figure(table: pd.DataFrame, measure: str, alpha: float) -> figure:
    """Return the scores of a neuron for the first concepts of a table, with their intervals where there are any.

    Dots are filled where p over all neurons is at most alpha.

    Parameters
    ----------
    table
        As `neuron_card.selectivity_of` gives it.
    measure
        The leading measure.
    alpha
        Level of the tests.
    """
    shown = table[table[measure].notna()][:N_CONCEPT]
    place = len(shown) - 1 - np.arange(len(shown))
    source = {"concept": shown["concept"].astype(str), "score": shown[measure], "y": place}
    source |= {"n": shown["n_token_target"]} if "n_token_target" in shown else {"n": np.zeros(len(shown))}
    found = shown["p_fwer"] <= alpha if "p_fwer" in shown else pd.Series(True, shown.index)
    source["fill"] = np.where(found, ACCENT, "#ffffff")
    interval = f"{measure}_low" in shown
    if interval:
        source |= {"low": shown[f"{measure}_low"], "high": shown[f"{measure}_high"]}
    data = ColumnDataSource({name: np.asarray(column) for name, column in source.items()})
    label = f"{measure} ({units_of(measure)})" + (", with its interval" if interval else "")
    limits = {"x_range": (-0.02, 1.02)} if measure == "auroc" else {}
    plot = plain_figure(
        title=f"{measure} for {len(shown):,} of {len(table):,} concepts", height=90 + 21 * max(3, len(shown)),
        y_range=(-0.8, max(3, len(shown)) - 0.2), x_axis_label=label,
        **limits,
    )  # fmt: skip
    middle = 0.5 if measure == "auroc" else 0.0
    plot.add_layout(Span(location=middle, dimension="height", line_color=INK, line_dash=[2, 3], line_width=1))
    if interval:
        plot.add_layout(
            Whisker(
                dimension="width", base="y", lower="low", upper="high", source=data, line_color=ACCENT, line_width=2,
                line_alpha=0.45, upper_head=None, lower_head=None,
            )
        )  # fmt: skip
    dots = plot.scatter(
        x="score", y="y", size=8, fill_color="fill", line_color=ACCENT, line_width=1.5, source=data,
        nonselection_alpha=1.0,
    )  # fmt: skip
    plot.yaxis.ticker = FixedTicker(ticks=place.tolist())
    names = [shortened(str(name), 20) for name in shown["concept"]]
    plot.yaxis.major_label_overrides = dict(zip(place.tolist(), names, strict=True))
    plot.ygrid.grid_line_color = None
    plot.min_border_left = LEFT
    tips = [("concept", "@concept"), (measure, "@score{0.000}"), ("target tokens", "@n{0,0}")]
    plot.add_tools(hover(tips, renderers=[dots]))
    plot.add_tools(TapTool(callback=OpenURL(url="/concept?concept=@concept", same_tab=True)))
    return plot
