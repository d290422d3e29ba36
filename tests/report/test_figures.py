"""The figures: labelled, whole, and with the numbers of the datasets."""

from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from bokeh.model import Model
from bokeh.models import ColumnDataSource, CustomJS, HoverTool, LinearColorMapper, Rect, Select
from bokeh.plotting import figure
from fake_run import CONSTANT, N_LAYER, N_NEURON, MakeRun
from numpy.typing import NDArray

from lstm_analysis.report.neuron_map import neuron_map
from lstm_analysis.report.page import figure_json
from lstm_analysis.report.palette import DIVERGING, contrast, style_colours
from lstm_analysis.report.scale import Scale, leading_scale
from lstm_analysis.report.score_distribution import score_distribution
from lstm_analysis.report.tuning_curve import most_tuned, tuning_curve

AUROC = Scale("auroc", 0.5, 0.5)


def plots(model: Model) -> Iterator[figure]:
    """Yield the plots in a layout, in its order."""
    if isinstance(model, figure):
        yield model
    for child in getattr(model, "children", []):
        yield from plots(child)


def unpack(callback: CustomJS, name: str) -> NDArray[np.float64]:
    """Return a measure of all concepts as the page's script reads it."""
    packed = callback.args["scores"].data[name]
    return np.where(packed == callback.args["nothing"], np.nan, packed * callback.args["steps"][name])


def test_every_figure_has_labelled_axes(make_run: MakeRun) -> None:
    run = make_run()
    scores = run.selectivity
    models = [
        neuron_map(scores, AUROC),
        score_distribution(scores.isel(concept=0), AUROC),
        tuning_curve(run.sentence_position, 1, 6),
    ]
    for model in models:
        found = list(plots(model))
        assert found
        for plot in found:
            visible = [axis for axis in plot.axis if axis.visible]
            assert all(axis.axis_label for axis in visible)
            assert plot.toolbar_location is None
    assert all(next(plots(model)).title.text for model in models)


def test_map_shows_every_neuron_of_every_concept(make_run: MakeRun) -> None:
    scores = make_run().selectivity
    model = neuron_map(scores, AUROC)
    panels = list(plots(model))
    assert [plot.title.text for plot in panels] == ["layer 0: 7 neurons", "layer 1: 7 neurons, 1 undefined (grey)"]
    (select,) = model.select({"type": Select})
    assert list(select.options) == ["idiom", "categories", "first 3 tokens"]
    (callback,) = select.js_property_callbacks["change:value"]
    assert isinstance(callback, CustomJS)
    everything = callback.args["scores"].data
    unpacked = unpack(callback, "auroc")
    np.testing.assert_allclose(unpacked, scores["auroc"].values.ravel(), atol=2e-5)
    assert set(everything) == set(callback.args["steps"])
    assert np.isnan(unpacked.reshape(-1, N_LAYER, N_NEURON)[:, CONSTANT[0], CONSTANT[1]]).all()
    for layer, source in enumerate(callback.args["sources"]):
        assert source.data["name"] == [f"{layer}:{i}" for i in range(N_NEURON)]
        np.testing.assert_array_equal(source.data["row"] + source.data["column"], np.arange(N_NEURON))
        np.testing.assert_array_equal(source.data["auroc"], scores["auroc"].values[0, layer].astype(np.float32))


def test_map_of_unequal_layers_shows_only_neurons_that_are_there(make_run: MakeRun) -> None:
    sizes = (7, 9, 3)
    scores = make_run(layer_sizes=sizes).selectivity
    model = neuron_map(scores, AUROC)
    titles = [plot.title.text for plot in plots(model)]
    assert titles == ["layer 0: 7 neurons", "layer 1: 9 neurons, 1 undefined (grey)", "layer 2: 3 neurons"]
    (select,) = model.select({"type": Select})
    (callback,) = select.js_property_callbacks["change:value"]
    everything, ends = unpack(callback, "auroc"), callback.args["ends"]
    assert ends == [7, 16, 19]
    for concept in range(scores.sizes["concept"]):
        for layer, source in enumerate(callback.args["sources"]):
            n = len(source.data["name"])
            assert n == sizes[layer]
            start = concept * ends[-1] + ends[layer] - n  # as the page's script has it
            expected = scores["auroc"].values[concept, layer, :n].astype(np.float32)
            np.testing.assert_allclose(everything[start : start + n], expected, atol=2e-5)
    assert score_distribution(scores.isel(concept=0), AUROC).title.text == "18 neurons (1 undefined)"


def test_hover_names_columns_that_are_there(make_run: MakeRun) -> None:
    model = neuron_map(make_run().selectivity, AUROC)
    for plot in plots(model):
        (hover,) = plot.select({"type": HoverTool})
        source = plot.renderers[0].data_source
        for label, text in hover.tooltips:
            assert text.split("@")[1].split("{")[0] in source.data, label


def test_colours_are_symmetric_around_neutral(make_run: MakeRun) -> None:
    model = neuron_map(make_run().selectivity, AUROC)
    mappers = {plot.renderers[0].glyph.fill_color.transform for plot in plots(model)}
    (mapper,) = mappers
    assert isinstance(mapper, LinearColorMapper)
    assert isinstance(next(plots(model)).renderers[0].glyph, Rect)
    assert (mapper.low, mapper.high) == (0, 1)
    assert len(DIVERGING) % 2 == 1


def test_map_of_a_hundred_concepts_is_small() -> None:
    rng, shape = np.random.default_rng(0), (100, 2, 200)
    names = ("auroc", "d_prime", "mean_difference", "average_precision", "mutual_information")
    scores = xr.Dataset({name: (("concept", "layer", "neuron"), rng.random(shape)) for name in names})
    scores["n_token"] = (("concept", "group"), np.full((100, 2), 10))
    coords = {
        "concept": [f"c{i}" for i in range(100)],
        "source": ("concept", ["s"] * 100),
        "group": ["baseline", "target"],
    }
    assert len(figure_json(neuron_map(scores.assign_coords(coords), AUROC))) < 0.9e6


def test_distribution_counts_every_defined_neuron(make_run: MakeRun) -> None:
    scores = make_run().selectivity.isel(concept=0)
    plot = score_distribution(scores, AUROC)
    assert plot.renderers[0].data_source.data["top"].sum() == scores["auroc"].notnull().sum()
    assert plot.title.text == "13 neurons (1 undefined)"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_distribution_keeps_the_ends(value: float) -> None:
    plot = score_distribution(xr.Dataset({"auroc": (("layer", "neuron"), [[value]])}), AUROC)
    assert plot.renderers[0].data_source.data["top"].sum() == 1


def test_tuning_curve_sets_the_last_bin_apart(make_run: MakeRun) -> None:
    tuning = make_run().sentence_position
    above, below = plots(tuning_curve(tuning, 0, 3))
    assert above.x_range is below.x_range
    assert below.xaxis[0].major_label_overrides == {60: "60+"}
    sources = {tuple(s.data["sentence_position"]) for s in above.select({"type": ColumnDataSource})}
    assert sources == {tuple(range(60)), (60,)}
    np.testing.assert_array_equal(below.renderers[0].data_source.data["n_token"], tuning["n_token"].values)


def test_most_tuned_neurons_come_first_and_constant_ones_never(make_run: MakeRun) -> None:
    tuning = make_run().sentence_position
    assert most_tuned(tuning, 3) == [(1, 6), (1, 5), (1, 3)]
    assert len(most_tuned(tuning, 100)) == N_LAYER * N_NEURON - 1
    assert most_tuned(tuning.assign(eta2=tuning["eta2"] * np.nan)) == []


def test_scale_of_scores_that_are_all_undefined() -> None:
    scores = xr.Dataset({"d_prime": (("concept", "layer", "neuron"), np.full((1, 1, 2), np.nan))})
    assert leading_scale(scores) == Scale("d_prime", 0.0, 1.0)


def test_words_can_be_read_on_every_colour() -> None:
    assert all(contrast(ink, background) >= 4.5 for _, background, ink in style_colours())
