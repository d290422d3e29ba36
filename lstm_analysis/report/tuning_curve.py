"""The tuning curve of one neuron over the position in the sentence, with its occupancy."""

import numpy as np
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, Whisker
from bokeh.plotting import figure

from ..schema import LAST_POSITION
from .canvas import ACCENT, canvas, occupancy
from .palette import DIVERGING

N_CURVE = 6
"""Neurons that are drawn."""
FIT = DIVERGING[-1]
"""Colour of a fit, beside the data's."""


def most_tuned(tuning: xr.Dataset, n: int = N_CURVE) -> list[tuple[int, int]]:
    """Return (layer, neuron) of the neurons with the largest ``eta2``, NaN left out, of equals the first.

    Parameters
    ----------
    tuning
        Needs ``eta2`` (layer, neuron).
    """
    eta2 = tuning["eta2"].transpose("layer", "neuron").values
    order = np.argsort(np.where(np.isnan(eta2), np.inf, -eta2).ravel(), kind="stable")
    layer, neuron = np.unravel_index(order[: min(n, np.isfinite(eta2).sum())], eta2.shape)
    return list(zip(layer.tolist(), neuron.tolist(), strict=True))


def tuning_curve(tuning: xr.Dataset, layer: int, neuron: int) -> Column:
    """Return mean and standard deviation at each position, the fit to the mean, and how many tokens all rest on.

    The last bin holds all later positions, so it stands apart from the curve.

    Parameters
    ----------
    tuning
        ``tuning_mean``, ``tuning_sd`` (sentence_position, layer, neuron), ``n_token`` (sentence_position), ``eta2``.
        Drawn if they are there: the interval ``tuning_mean_low, tuning_mean_high``; the fit ``baseline, amplitude,
        tau`` with ``tau_low, tau_high``.
    layer, neuron
        Which neuron.
    """
    one = tuning.isel(layer=layer, neuron=neuron)
    mean, sd = one["tuning_mean"].values, one["tuning_sd"].values
    position, n_token = one["sentence_position"].values, one["n_token"].values
    source = {"sentence_position": position, "n_token": n_token, "tuning_mean": mean}
    source |= {"low": mean - sd, "high": mean + sd}
    if "tuning_mean_low" in one:
        source |= {"mean_low": one["tuning_mean_low"].values, "mean_high": one["tuning_mean_high"].values}
    later = position == LAST_POSITION
    curve = ColumnDataSource({name: values[~later] for name, values in source.items()})
    rest = ColumnDataSource({name: values[later] for name, values in source.items()})
    fit = fitted_curve(one)
    plot = _curve(curve, rest, fit, f"{layer}:{neuron}    eta2 = {one['eta2'].item():.3f}{_tau(one)}")
    label = "sentence_position (tokens from the start)"
    strip = occupancy(
        ColumnDataSource(source), "sentence_position", "n_token", plot, LAST_POSITION, 92, label, "tokens"
    )
    return column(plot, strip, sizing_mode="stretch_width", spacing=0)


def fitted_curve(one: xr.Dataset) -> ColumnDataSource | None:
    """Return the fit of a neuron between the first and last position it was fitted to; ``None`` without a tau."""
    if "tau" not in one or not np.isfinite(one["tau"].item()):
        return None
    fitted = np.flatnonzero(one["n_token"].values[:LAST_POSITION] > 0)
    place = np.linspace(fitted[0], fitted[-1], 200)
    values = one["baseline"].item() + one["amplitude"].item() * -np.expm1(-place / one["tau"].item())
    return ColumnDataSource({"sentence_position": place, "fit": values})


def _tau(one: xr.Dataset) -> str:
    if "tau" not in one:
        return ""
    tau, r2 = one["tau"].item(), one["r2"].item()
    if not np.isfinite(tau):
        return "    no tau"
    low, high = one["tau_low"].item(), one["tau_high"].item()
    interval = f" [{low:.1f}, {high:.1f}]" if np.isfinite(low) else ""
    return f"    tau = {tau:.1f}{interval} tokens    r2 = {r2:.3f}"


def _curve(curve: ColumnDataSource, rest: ColumnDataSource, fit: ColumnDataSource | None, title: str) -> figure:
    plot = canvas(title=title, height=190, x_range=(-1, LAST_POSITION + 1.5), y_axis_label="hidden_state (1)")
    plot.varea(x="sentence_position", y1="low", y2="high", color=ACCENT, alpha=0.13, source=curve)
    if "mean_low" in curve.data:
        plot.varea(x="sentence_position", y1="mean_low", y2="mean_high", color=ACCENT, alpha=0.35, source=curve)
    plot.line(x="sentence_position", y="tuning_mean", color=ACCENT, width=2, source=curve)
    if fit is not None:
        plot.line(x="sentence_position", y="fit", color=FIT, width=2, line_dash=[5, 4], source=fit)
    plot.add_layout(
        Whisker(
            base="sentence_position", lower="low", upper="high", source=rest, line_color=ACCENT, line_alpha=0.35,
            line_width=3, upper_head=None, lower_head=None,
        )
    )  # fmt: skip
    plot.scatter(x="sentence_position", y="tuning_mean", color=ACCENT, size=6, source=rest)
    plot.xaxis.visible = False
    return plot
