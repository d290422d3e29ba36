"""The figures of sentence position: labelled, with the numbers of the dataset, whole where one is undefined."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Span

from lstm_analysis.report.cliff_figure import cliff_figure, trace_figure
from lstm_analysis.report.tuning_curve import fitted_curve, tuning_curve


@pytest.fixture
def positions() -> xr.Dataset:
    rng = np.random.default_rng(0)
    position, length = np.arange(61), np.arange(1, 61)
    mean = 0.1 + 0.6 * (1 - np.exp(-position / 6.0))[:, None, None] * np.ones((1, 1, 2))
    n_token, n_boundary = np.where(position < 40, 50, 0), np.where((length > 2) & (length < 30), 9, 0)
    dims, by_length, neuron = (
        ("sentence_position", "layer", "neuron"),
        ("sentence_length_bin", "layer", "neuron"),
        ("layer", "neuron"),
    )
    curve = np.where(n_token[:, None, None] > 0, mean, np.nan)
    cliff = np.where(n_boundary[:, None, None] > 0, rng.normal(0.5, 0.1, (60, 1, 2)), np.nan)
    values = {
        "baseline": [[0.1, np.nan]], "amplitude": [[0.6, np.nan]], "tau": [[6.0, np.nan]], "tau_low": [[5.5, np.nan]],
        "tau_high": [[6.5, np.nan]], "r2": [[0.99, np.nan]], "eta2": [[0.8, 0.0]], "cliff_mean": [[0.5, 0.5]],
        "cliff_r_current": [[0.3, np.nan]], "cliff_r_current_p_fwer": [[0.01, np.nan]],
    }  # fmt: skip
    return xr.Dataset(
        {
            "tuning_mean": (dims, curve), "tuning_sd": (dims, curve / 3), "tuning_mean_low": (dims, curve - 0.02),
            "tuning_mean_high": (dims, curve + 0.02), "n_token": ("sentence_position", n_token),
            "cliff_by_length": (by_length, cliff), "cliff_sd_by_length": (by_length, cliff / 5),
            "n_boundary_by_length": ("sentence_length_bin", n_boundary),
            **{name: (neuron, value) for name, value in values.items()},
        },
        {"sentence_position": position, "sentence_length_bin": length},
    )  # fmt: skip


def test_tuning_curve_shows_fit_and_interval(positions: xr.Dataset) -> None:
    above, below = tuning_curve(positions, 0, 0).children
    assert above.title.text == "0:0    eta2 = 0.800    tau = 6.0 [5.5, 6.5] tokens    r2 = 0.990"
    (fit,) = [s for s in above.select({"type": ColumnDataSource}) if "fit" in s.data]
    assert fit.data["sentence_position"][[0, -1]].tolist() == [0, 39]
    np.testing.assert_allclose(fit.data["fit"][[0, -1]], positions["tuning_mean"].values[[0, 39], 0, 0])
    assert len(above.renderers) == 5
    assert below.xaxis.axis_label


def test_tuning_curve_without_tau_shows_none(positions: xr.Dataset) -> None:
    above, _ = tuning_curve(positions, 0, 1).children
    assert above.title.text == "0:1    eta2 = 0.000    no tau"
    assert fitted_curve(positions.isel(layer=0, neuron=1)) is None
    plain = tuning_curve(positions[["tuning_mean", "tuning_sd", "n_token", "eta2"]], 0, 0)
    assert plain.children[0].title.text == "0:0    eta2 = 0.800"


def test_cliff_figure_has_the_lengths_that_occur_and_their_counts(positions: xr.Dataset) -> None:
    above, below = cliff_figure(positions, 0, 0).children
    assert above.x_range is below.x_range
    source = below.renderers[0].data_source
    assert source.data["length"].tolist() == list(range(3, 30))
    np.testing.assert_array_equal(source.data["mean"], positions["cliff_by_length"].values[2:29, 0, 0])
    assert (above.y_range.start < source.data["low"].min()) & (above.y_range.end > source.data["high"].max())
    assert "cliff_r_current = 0.300 (p_fwer = 0.010)" in above.title.text
    assert "cliff_r_current = undefined" in cliff_figure(positions, 0, 1).children[0].title.text
    assert below.xaxis[0].major_label_overrides == {60: "60+"}
    assert above.yaxis[0].axis_label
    assert below.xaxis[0].axis_label


def test_cliff_figure_without_boundaries_is_empty(positions: xr.Dataset) -> None:
    none = positions.assign(n_boundary_by_length=positions["n_boundary_by_length"] * 0)
    assert len(cliff_figure(none, 0, 0).children[1].renderers[0].data_source.data["length"]) == 0


def test_trace_marks_boundaries_and_names_words() -> None:
    end = np.zeros(61, bool)
    end[[9, 30]] = True
    plot = trace_figure(np.linspace(-1, 1, 61), [f"w{i}" for i in range(61)], end, 1000, "1:4")
    assert sorted(span.location for span in plot.select({"type": Span})) == [1009.5, 1030.5]
    (hover,) = plot.select({"type": HoverTool})
    source = plot.renderers[0].data_source
    assert {text.strip("@").split("{")[0] for _, text in hover.tooltips} <= set(source.data)
    assert source.data["time"][[0, -1]].tolist() == [1000, 1060]
    assert plot.xaxis[0].axis_label
    assert plot.yaxis[0].axis_label
