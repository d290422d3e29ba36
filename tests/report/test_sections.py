"""What the page says of the tests and analyses: the numbers of the stores, and plainly what is missing."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColumnDataSource
from fake_analyses import CATEGORIES, CONTRASTS, UNDECIDED, fake_idioms
from fake_run import LENGTH, NASTY, TYPES, MakeRun, write_run

from lstm_analysis import schema
from lstm_analysis.report import page
from lstm_analysis.report.active_curves import active_curves
from lstm_analysis.report.category_section import category_section
from lstm_analysis.report.forest import forest
from lstm_analysis.report.graded_figure import graded_figure
from lstm_analysis.report.headline import headline
from lstm_analysis.report.heat_map import heat_map
from lstm_analysis.report.idiom_section import IdiomSection, idiom_section
from lstm_analysis.report.match_section import match_section
from lstm_analysis.report.material import Material, gather
from lstm_analysis.report.page import figure_json
from lstm_analysis.report.palette import contrast, share_colours
from lstm_analysis.report.position_section import position_section
from lstm_analysis.report.scale import leading_scale
from lstm_analysis.report.small_print import small_print
from lstm_analysis.report.tuning_section import tuning_section

ALL = ("sentence_position", "categories", "idioms", "matches", "tuning", "periodicity")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Everything of a run with tests, all analyses and a twin."""
    return gather(write_run(tmp_path_factory.mktemp("runs") / "all", draws=99, analyses=ALL, twin="initial"))


@pytest.fixture(scope="module")
def html(whole: Material) -> str:
    """Its page."""
    return page.render(whole)


def text_of(html: str) -> str:
    """Return what a page shows as text, entities still written out."""
    body = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def render_section(name: str, **content: object) -> str:
    """Return one section of the page."""
    return page.template(f"{name}.html").render(
        alpha=0.05, stored=True, draws=99, active_threshold=0.3, n_trace=61, fewest=5, **content
    )


def test_fake_stores_have_the_dims_of_the_vocabulary(whole: Material) -> None:
    assert whole.idioms is not None
    assert whole.categories is not None
    for name, variable in schema.IDIOM_VARIABLES.items():
        assert whole.idioms[name].dims == variable.dims, name
    for name in (*CATEGORIES, "n_called", "member_type", "shown_layer"):
        assert whole.categories[name].dims == schema.VARIABLES[name].dims, name


def test_page_of_everything_is_whole_and_escaped(html: str) -> None:
    figures = re.findall(r'data-figure="([^"]*)">(.*?)</script>', html, flags=re.DOTALL)
    places = re.findall(r'<div id="(figure-[^"]*)"', html)
    assert sorted(name for name, _ in figures) == sorted(places)
    assert {"figure-forest", "figure-active", "figure-cliff", "figure-trace", "figure-best-tuning"} <= set(places)
    assert all(json.loads(text)["doc"]["roots"] for _, text in figures)
    shown = html[html.index("<body>") : html.index("<script")]
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<b>." not in shown
    assert len(html) < 4e6


def test_nothing_is_shown_as_nan(html: str) -> None:
    text = text_of(html)
    assert not re.search(r"\bnan\b", text, flags=re.IGNORECASE)
    assert "None" not in text.split("Provenance")[0].replace("None of", "").replace("None for", "")


def test_each_p_has_its_null_and_the_twin_stands_beside(html: str) -> None:
    text = text_of(html)
    assert "shift labels shifted within documents" in text
    assert "words word types exchanged within strata" in text
    assert "random twin" in text
    assert "as far as the model" in text
    assert "99 draws each, so that no p is below 1 / 100" in text


def test_counts_of_called_neurons(whole: Material) -> None:
    found, section = whole.categories, category_section(whole)
    assert found is not None
    assert section is not None
    assert whole.twin is not None
    assert whole.twin.categories is not None
    (category,) = section.tested
    assert category.name == NASTY
    assert category.n_called == int((found["called"].isel(concept=category.index) == 1).sum())
    twin = whole.twin.categories
    assert category.n_called_twin == int((twin["called"].isel(concept=category.index) == 1).sum())
    assert section.n_called == category.n_called
    assert sum(len(concepts) for _, concepts in section.untested) == whole.scores.sizes["concept"] - 1
    assert section.untested[0][0] == UNDECIDED


def test_neurons_of_a_category_have_their_scores_words_and_ngrams(whole: Material) -> None:
    section = category_section(whole)
    assert section is not None
    assert whole.categories is not None
    (category,) = section.tested
    assert [neuron.name for neuron in category.neurons] == ["0:0", "0:2"], "0:1 does the same as 0:0"
    assert category.neurons[0].duplicates == ("0:1",)
    own, shown = whole.scores.isel(concept=category.index), whole.categories.isel(concept=category.index)
    hidden = whole.states
    assert hidden is not None
    for rank, neuron in zip((0, 2), category.neurons, strict=True):
        place = {"layer": 0, "neuron": rank}
        for name, value in neuron.scores.items():
            assert value == own[name].isel(place).item()
        words = {word.text: word.effect for word in (*neuron.first, *neuron.last)}
        for i, word in enumerate(TYPES[:6]):
            if word in words:
                assert words[word] == shown["member_effect"].values[rank, i]
        states = hidden.isel(place).values
        extreme = states.min() if neuron.sign < 0 else states.max()
        assert neuron.ngrams[0].tokens[-1].value == extreme
        assert sum(gram.n_document for gram in neuron.ngrams) == 8
        assert all(len(gram.tokens) <= 4 for gram in neuron.ngrams)
    assert {half.half: half.name for half in category.held_out} == {"odd": "1:2", "even": "1:2"}


def test_idioms_without_a_test_say_why(whole: Material) -> None:
    found = fake_idioms(["a", "b"], (2, 7), np.random.default_rng(0), tested=False)
    section = idiom_section(replace(whole, idioms=found, twin=None))
    text = text_of(render_section("idioms", idioms=section, has_twin=False))
    assert "Not tested: 2 idioms have at least 5." in text
    assert "Idiom neurons: none" in text
    assert "No random twin was put through the study." in text


def idioms_of(material: Material) -> tuple[xr.Dataset, IdiomSection]:
    section = idiom_section(material)
    assert section is not None
    assert material.idioms is not None
    return material.idioms, section


def test_contrasts_show_their_best_neurons(whole: Material) -> None:
    found, section = idioms_of(whole)
    assert [one.name for one in section.contrasts] == list(CONTRASTS)
    assert whole.twin is not None
    assert whole.twin.idioms is not None
    for shown in section.contrasts:
        one = found.sel(contrast=shown.name)
        distance = abs(one["auroc_macro"] - 0.5)
        names = [neuron.name for neuron in shown.neurons]
        assert not {"0:0", "0:1"} <= set(names)
        assert abs(shown.neurons[0].scores["auroc_macro"] - 0.5) == distance.max().item()
        twin = abs(whole.twin.idioms.sel(contrast=shown.name)["auroc_macro"] - 0.5).max().item()
        assert shown.twin is not None
        assert abs(shown.twin.scores["auroc_macro"] - 0.5) == twin
        assert shown.held_out == pytest.approx(one["auroc_held_out"].mean().item())
    called = np.argwhere(found["idiom_neuron"].values)
    assert section.idiom_neurons == tuple(f"{a}:{b}" for a, b in called)


def test_active_neurons_stand_beside_their_null(whole: Material) -> None:
    found, section = idioms_of(whole)
    assert section.columns[0] == "h, any flanks"
    order = np.argsort(-found["n_idiomatic"].sel(contrast="literal").values, kind="stable")
    for idiom, index in zip(section.idioms, order, strict=True):
        at = found.isel(idiom=index, threshold=2)
        assert at["threshold"].item() == 0.3
        expected = [
            at["n_active_p"].sel(state=s, flank=f).item() for s in ("hidden", "tanh_cell") for f in ("any", "off")
        ]
        np.testing.assert_equal([one.p for one in idiom.active], expected)
    p = found["n_active_p"].isel(threshold=2).sel(state="hidden", flank="any").values
    assert (section.sought[0].n_below, section.sought[0].n_idiom) == ((p <= 0.05).sum(), np.isfinite(p).sum())


def test_many_idioms_are_cut_and_counted(whole: Material) -> None:
    names = [f"idiom {i}" for i in range(400)]
    found = fake_idioms(names, (2, 7), np.random.default_rng(0))
    section = idioms_of(replace(whole, idioms=found))[1]
    assert (len(section.idioms), len(section.rest), section.n_left_out) == (20, 300, 80)
    assert all(len(map_.names) == 20 for map_ in section.overlap.values())
    counts = [idiom.n_idiomatic for idiom in (*section.idioms, *section.rest)]
    assert counts == sorted(counts, reverse=True)


def test_figures_of_idioms_have_the_numbers_of_the_store(whole: Material) -> None:
    found = idioms_of(whole)[0]
    plot = forest(found, 1, 2, [2, 0, 1])
    sources = [s.data for s in plot.select({"type": ColumnDataSource}) if "contrast" in s.data]
    assert sorted(data["contrast"][0] for data in sources) == sorted(CONTRASTS)
    for data in sources:
        one = found.sel(contrast=data["contrast"][0]).isel(layer=1, neuron=2)
        np.testing.assert_array_equal(data["auroc"], one["auroc"].values[[2, 0, 1]])
    panels = active_curves(found)
    titles = [panel.title.text for panel, *_ in panels.children]
    assert titles[0] == "h, any flanks: mean over 3 idioms"
    assert titles[2] == "tanh(c), any flanks: mean over 3 idioms"
    data = panels.children[2][0].renderers[0].data_source.data
    np.testing.assert_allclose(
        data["active"], found["n_active"].sel(state="tanh_cell", flank="any").mean("idiom").values
    )
    figure_json(panels)
    nothing = found.assign(n_active_expected=found["n_active_expected"] * np.nan)
    assert active_curves(nothing).children[0][0].title.text == "h, any flanks: mean over 0 idioms"


def test_cliff_neurons_with_their_tests(whole: Material) -> None:
    tuning, section = whole.tuning, position_section(whole)
    assert tuning is not None
    assert section is not None
    assert section.n_called == int((tuning["cliff_neuron"] == 1).sum())
    assert [neuron.called for neuron in section.neurons] == [True] * len(section.neurons)
    sizes = [abs(neuron.scores["cliff_mean"]) for neuron in section.neurons]
    assert sizes == sorted(sizes, reverse=True)
    for neuron in section.neurons:
        one = tuning.isel(layer=neuron.layer, neuron=neuron.neuron)
        for name in ("tau_low", "level_partial_r_previous_p_fwer", "eta2_type_adjusted"):
            assert neuron.scores[name] == one[name].item()
    example = section.example
    assert example is not None
    assert example.start == 6 * 5 * LENGTH
    assert [b["boundary_token"] for b in example.boundaries] == [example.start + k * LENGTH - 1 for k in range(1, 5)]


def test_no_cliff_neuron_is_said(whole: Material) -> None:
    assert whole.tuning is not None
    none = whole.tuning.assign(cliff_neuron=whole.tuning["cliff_neuron"].clip(max=0))
    section = position_section(replace(whole, tuning=none))
    assert section is not None
    assert section.n_called == 0
    assert section.neurons
    text = text_of(render_section("position", position=section, tuned=[]))
    assert "0 cliff neurons" in text
    assert "No neuron is called; the largest cliffs are listed." in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"stored": False, "draws": 99, "analyses": ("sentence_position", "categories")},
            (
                "What neurons do at sentence boundaries was not measured: store: none.",
                "analyses: [idioms] , which needs stored states",
                "They are not stored: what needs a second look",
                "No random twin was put through the study",
            ),
        ),
        (
            {"draws": 0, "analyses": ()},
            (
                "no null distribution was computed ( selectivity.draws: 0 )",
                "analyses: [categories] ), which needs selectivity.draws",
                "analyses: [sentence_position] ).",
                "None was computed (selectivity.draws: 0)",
            ),
        ),
        ({"draws": 99, "n_document": 1, "twin": "shuffled"}, ("The corpus is one document.", "with shuffled weights")),
    ],
    ids=["nothing stored", "no draws and no analyses", "one document"],
)
def test_what_is_missing_is_said(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: tuple[str, ...]
) -> None:
    for name, nothing in (("draw", {}), ("draw_sections", {}), ("gather_evidence", [])):
        monkeypatch.setattr(page, name, lambda *_, nothing=nothing: nothing)
    text = text_of(page.render(gather(make_run(**options))))
    for part in said:
        assert part in text
    assert not re.search(r"\bnan\b", text, flags=re.IGNORECASE)


def test_small_print_names_the_level_and_the_draws(whole: Material) -> None:
    scale = leading_scale(whole.scores)
    remarks = {remark.subject: remark.text for remark in small_print(whole, scale, headline(whole.scores, scale))}
    assert "shift (6 concepts)" in remarks["Null"]
    assert "words (1 concept)" in remarks["Null"]
    assert "alpha = 0.05" in remarks["Level"]
    assert "1.23 %" in remarks["Unknown words"]
    assert "1 of 14" in remarks["Constant neurons"]


def test_heat_map_has_counts_and_shares() -> None:
    both, share = np.array([[3, 1], [1, 2]]), np.array([[1, 0.25], [0.25, 1]])
    found = heat_map(["a", "b"], both, share, np.array([[1, np.nan], [2, 1]]), np.array([1, 0]), 2)
    assert found.names == ("b", "a")
    assert [[cell.text for cell in row] for row in found.rows] == [["2", "1"], ["1", "3"]]
    assert found.rows[0][1].style == "s2"
    assert found.rows[1][0].title == "a and b: 1 neurons, Jaccard 0.25, lift –"
    assert all(contrast(ink, background) >= 4.5 for _, background, ink in share_colours())


def test_matches_of_phrases(whole: Material, html: str) -> None:
    found, nothing, nowhere = match_section(whole)
    assert whole.matches is not None
    first = whole.matches.isel(phrase=0)
    assert (found.n_occurrence, found.n_selecting, found.n_selected) == (9, 7, 12)
    assert (len(found.lines), found.n_match, found.n_phrase) == (12, 14, 2)
    assert [line.kind for line in found.lines] == ["query", "phrase", "phrase", *[""] * 9]
    types, document, words = (whole.corpus[name].values for name in ("type", "document", "type_id"))
    for i, line in enumerate(found.lines):
        start, stop = int(first["start"][i]), int(first["start"][i] + first["length"][i])
        same = document == document[start]
        assert line.text == " ".join(types[words[start:stop][same[start:stop]]])
        assert line.before == " ".join(types[words[max(0, start - 6) : start][same[max(0, start - 6) : start]]])
        assert line.jaccard == float(first["jaccard"][i])
    assert nothing.lines == nowhere.lines == ()
    text = text_of(html[html.index('<section id="matches">') :])
    assert "in &lt;b&gt;the&lt;/b&gt; red" in text
    assert "9 occurrences, 7 of them select a neuron · the first of these selects 12 neurons" in text
    assert "of its 14 best matches 2 are the phrase again · the random twin: 12 neurons, best match" in text
    assert "No occurrence selects a neuron." in text
    assert "The phrase does not stand in this corpus inside one sentence." in text
    assert '<a href="#matches">' in html


def test_without_phrases_there_is_no_such_section(whole: Material) -> None:
    assert "#matches" not in page.render(replace(whole, matches=None))
    assert match_section(replace(whole, matches=None)) == []


def test_graded_variables_with_their_neurons_and_the_twin(whole: Material, html: str) -> None:
    depth, nasty, never = tuning_section(whole)
    assert whole.graded is not None
    assert whole.twin is not None
    assert whole.twin.graded is not None
    found = whole.graded.sel(variable="brace_depth")
    share, called = found["eta2_type_adjusted"].values, found["graded_neuron"].values == 1
    assert depth.n_called == called.sum() > 0
    assert depth.n_called_twin == int((whole.twin.graded["graded_neuron"].sel(variable="brace_depth") == 1).sum())
    first = depth.neurons[0]
    assert share[first.layer, first.neuron] == share[called].max()
    assert first.scores["r"] == float(found["r"][first.layer, first.neuron])
    order = [(not one.called, -one.scores["eta2_type_adjusted"]) for one in depth.neurons]
    assert order == sorted(order)
    assert len({one.name for one in depth.neurons}) == 6
    assert depth.twin is not None
    assert (depth.meaning, nasty.meaning) == (
        schema.NUMBERS["brace_depth"].meaning,
        "number that the corpus gives",
    )
    assert never.neurons == ()
    text = text_of(html[html.index('<section id="graded">') :])
    assert f"{depth.n_called} neurons called, in the random twin {depth.n_called_twin}" in text
    assert "&lt;b&gt;nasty&lt;/b&gt;" in text
    assert "No neuron has a share: no token has a value." in text
    assert '<a href="#graded">' in html


def test_duplicates_are_one_graded_neuron(whole: Material) -> None:
    group = whole.scores["duplicate_of"].copy(data=np.zeros(whole.scores["duplicate_of"].shape, int))
    one = replace(whole, scores=whole.scores.assign(duplicate_of=group))
    depth = tuning_section(one)[0]
    assert len(depth.neurons) == 1
    assert len(depth.neurons[0].duplicates) == group.size - 1


def test_the_curves_drawn_are_those_of_the_store(whole: Material) -> None:
    assert whole.graded is not None
    depth = tuning_section(whole)[0]
    plot, strip = graded_figure(whole, depth).children
    lines = [r for r in plot.renderers if type(r.glyph).__name__ == "Line"]
    assert len(lines) == 4
    assert lines[0].glyph.line_color == "#8a8f98"
    found = whole.graded.sel(variable="brace_depth")
    drawn = found["n_token"].values >= 10
    first = depth.neurons[0]
    data = lines[1].data_source.data
    np.testing.assert_array_equal(data["mean"], found["tuning_mean"][drawn, first.layer, first.neuron])
    np.testing.assert_array_equal(data["low"], found["tuning_mean_low"][drawn, first.layer, first.neuron])
    edges = np.array(schema.VALUE_EDGES)[drawn]
    exact = edges < 60
    np.testing.assert_array_equal(data["at"][exact], edges[exact])
    assert strip.below[0].axis_label == "brace_depth (1)"
    assert set(data["from"]) == set(edges)


def test_graded_variables_without_tests(tmp_path: Path) -> None:
    material = gather(write_run(tmp_path / "plain", analyses=("sentence_position", "tuning"), stored=False))
    depth = tuning_section(material)[0]
    assert not depth.tested
    assert depth.n_called_twin is None
    html = page.render(material)
    assert "Correlations, intervals and tests need stored states" in html
    graded = text_of(html[html.index('<section id="graded">') : html.index('<section id="small-print">')])
    assert "called" not in graded


def test_without_graded_variables_there_is_no_such_section(whole: Material) -> None:
    assert "#graded" not in page.render(replace(whole, graded=None))
