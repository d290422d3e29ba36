"""What the page says of training dynamics: the numbers of the store, what is not known, and its figures."""

import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from bokeh.models import BoxAnnotation, Span
from fake_dynamics import EPOCHS, fake_dynamics
from fake_run import NASTY, write_run
from page_tables import Tables

from lstm_analysis.report import page
from lstm_analysis.report.analysis_sections import draw_dynamics
from lstm_analysis.report.dynamics_figure import dynamics_figure, perplexity_figure, places
from lstm_analysis.report.dynamics_section import DynamicsSection, dynamics_section
from lstm_analysis.report.material import Material, gather


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    run = write_run(tmp_path_factory.mktemp("runs") / "run", draws=99, analyses=("categories",), n_idiom=14)
    scores = run.selectivity.assign(p_fwer=run.selectivity["p_fwer"] / 5)  # that some are small
    return replace(gather(run), scores=scores, training_dynamics=fake_dynamics(scores))


def section_of(material: Material) -> DynamicsSection:
    section = dynamics_section(material)
    assert section is not None
    return section


def html_of(material: Material) -> str:
    return page.template("dynamics.html").render(dynamics=dynamics_section(material))


def dynamics_of(material: Material) -> xr.Dataset:
    assert material.training_dynamics is not None
    return material.training_dynamics


def test_courses_are_those_of_the_store(material: Material) -> None:
    section, found = section_of(material), dynamics_of(material)
    assert section.epochs == tuple(EPOCHS)
    assert section.labels[:3] == ("untrained", "0.1", "0.25")
    assert 1 < len(section.concepts) <= 6
    assert [one.index for one in section.concepts] == sorted(one.index for one in section.concepts)
    dates = []
    for concept in section.concepts:
        one = found.isel(concept=concept.index)
        assert concept.name == one["concept"].item()
        assert list(concept.n_selective) == one["n_selective"].values.tolist()
        assert concept.untrained_floor == float(one["untrained_floor"])
        best = (int(one["best_layer"][-1]), int(one["best_neuron"][-1]))
        assert (concept.neurons[0].layer, concept.neurons[0].neuron) == best
        for neuron in concept.neurons:
            at = one.isel(layer=neuron.layer, neuron=neuron.neuron)
            assert list(neuron.scores) == at["auroc"].values.tolist()
            assert list(neuron.selective) == at["selective"].values.tolist()
            np.testing.assert_equal(neuron.selective_since, float(at["selective_since"]))
            np.testing.assert_equal(neuron.half_since, float(at["half_since"]))
            dates.append(neuron.selective_since)
    assert np.isfinite(dates).any()


def test_concepts_are_of_each_source_in_turn_and_those_with_selective_neurons_first(material: Material) -> None:
    section, found = section_of(material), dynamics_of(material)
    selective = [one.n_selective[-1] > 0 for one in section.concepts]
    left = [k for k in range(section.n_concept) if k not in [one.index for one in section.concepts]]
    assert all(selective) or not (found["n_selective"][-1, left] > 0).any()
    assert "empty" not in [one.name for one in section.concepts]  # it has no score
    nobody = found.assign(n_selective=found["n_selective"] * 0)
    shown = section_of(replace(material, training_dynamics=nobody)).concepts
    sources = [str(found["source"].values[one.index]) for one in shown]
    assert {"idiom", "categories", "first 3 tokens"} == set(sources)


def test_words_left_out_and_counts_are_those_of_the_store(material: Material) -> None:
    section, found = section_of(material), dynamics_of(material)
    (words,) = [one for one in section.concepts if one.held_out]
    assert words.name == NASTY
    half = found.isel(concept=words.index, half=1)
    assert words.held_out[1] == (f"{int(half['held_out_layer'])}:{int(half['held_out_neuron'])}",
                                 tuple(half["held_out_smd"].values.tolist()))  # fmt: skip
    flags = {"cliff_neuron": ("layer", "neuron"), "graded_neuron": ("variable", "layer", "neuron")}
    rng = np.random.default_rng(0)
    sizes = {**found.sizes, "variable": 2}
    extra = {
        n: (("epoch", *d), rng.integers(-1, 2, [sizes["epoch"], *(sizes[x] for x in d)])) for n, d in flags.items()
    }
    more = found.assign(extra).assign_coords(variable=["depth", "<i>"])
    rows = {row.name: row.counts for row in section_of(replace(material, training_dynamics=more)).counts}
    assert rows["concepts with a selective neuron"] == tuple((found["n_selective"] > 0).sum("concept").values.tolist())
    assert rows["cliff neurons"] == tuple((extra["cliff_neuron"][1] == 1).sum((1, 2)).tolist())
    assert rows["neurons called for <i>"] == tuple((extra["graded_neuron"][1][:, 1] == 1).sum((1, 2)).tolist())
    assert section.n_tested == int(found["p_fwer"][-1].notnull().any(["layer", "neuron"]).sum())


def test_the_page_has_the_dates_and_is_escaped(material: Material) -> None:
    section, html = section_of(material), html_of(material)
    assert NASTY not in html
    assert "&lt;/script&gt;" in html
    tables = Tables(html)
    rows = {row[0]: row for row in tables.rows(0)}
    for concept in section.concepts:
        for neuron in concept.neurons:
            if len([c for c in section.concepts for n in c.neurons if n.name == neuron.name]) == 1:
                row = next(cells for name, cells in rows.items() if name.split(" ")[0] == neuron.name)
                before = section.before(neuron.selective_since)
                since = section.label(neuron.selective_since) + (f" not at {before}" if before else "")
                assert row[-2:] == [since, section.label(neuron.half_since)]
                assert row[1] == f"{neuron.scores[0]:.3f}"
    assert tables.rows(1)[-1][0] == "validation perplexity"
    assert not re.search(r"\bnan\b|None", html)
    places_of_figures = re.findall(r'id="figure-(dynamics-[^"]*)"', html)
    assert sorted(places_of_figures) == sorted(draw_dynamics(material, section))


def test_the_epoch_before_a_date_is_said_unless_it_is_the_untrained_network(material: Material) -> None:
    section = section_of(material)
    assert (section.before(0.25), section.before(0.1), section.before(0.0), section.before(np.nan)) == (
        "0.1",
        "",
        "",
        "",
    )


def test_what_is_not_known_is_said(material: Material) -> None:
    scores = material.scores
    late = replace(material, training_dynamics=fake_dynamics(scores, perplexity=False, untrained=False))
    html = html_of(late)
    assert "No neuron is dated:" in html
    assert "without the untrained network" in html
    assert not re.search(r"best untrained|perplexity|by chance:", html)
    section = section_of(late)
    assert places(section) == list(range(len(EPOCHS) - 1))
    assert "dynamics-perplexity" not in draw_dynamics(late, section)
    assert not dynamics_figure(section, section.concepts[0]).select(BoxAnnotation)
    empty = dynamics_of(material).assign(best_neuron=dynamics_of(material)["best_neuron"] * 0 - 1)
    assert "No concept has a score" in html_of(replace(material, training_dynamics=empty))
    assert dynamics_section(replace(material, training_dynamics=None)) is None
    assert "section" not in html_of(replace(material, training_dynamics=None))


def test_the_neurons_of_another_untrained_network_are_not_joined_to_these(material: Material) -> None:
    other = replace(material, training_dynamics=fake_dynamics(material.scores, same_start=False))
    section, own = section_of(other), section_of(material)
    for concept, same in zip(section.concepts, own.concepts, strict=True):
        assert concept.untrained_floor == same.untrained_floor
        for neuron in concept.neurons:
            assert np.isnan(neuron.scores[0])
            assert np.isfinite(neuron.scores[1:]).all()
    assert "of 8 checkpoints of one training, and of an untrained network from another seed" in html_of(other)
    assert "of 9 checkpoints of one training, the first of them the untrained network" in html_of(material)


def test_figures_have_the_scores_hollow_markers_and_the_untrained_network(material: Material) -> None:
    section = section_of(material)
    concept = max(section.concepts, key=lambda one: sum(one.n_selective))
    plot = dynamics_figure(section, concept)
    dots = [r for r in plot.renderers if type(r.glyph).__name__ == "Scatter"]
    for neuron, renderer in zip(concept.neurons, dots, strict=True):
        data = renderer.data_source.data
        assert data["y"] == list(neuron.scores)
        assert [fill != "#ffffff" for fill in data["fill"]] == list(neuron.selective)
        assert data["x"] == [0.0, *(i + 0.6 for i in range(1, len(EPOCHS)))]
    (band,) = plot.select(BoxAnnotation)
    assert band.top == pytest.approx(0.5 + concept.untrained_floor)
    assert band.bottom == pytest.approx(0.5 - concept.untrained_floor)
    dashed = sorted(span.location for span in plot.select(Span) if span.line_dash == [5, 4])
    np.testing.assert_allclose(dashed, [0.5 - concept.untrained_best, 0.5 + concept.untrained_best])
    assert plot.xaxis[0].major_label_overrides[0.0] == "untrained"
    ranges = {(p.y_range.start, p.y_range.end) for p in (dynamics_figure(section, one) for one in section.concepts)}
    assert len(ranges) == 1
    low, high = ranges.pop()
    assert all(low < score < high for one in section.concepts for neuron in one.neurons for score in neuron.scores)


def test_a_score_of_one_sign_is_drawn_upwards_only_and_many_epochs_have_few_labels(material: Material) -> None:
    section = replace(section_of(material), two_signed=False, neutral=0.0)
    plot = dynamics_figure(section, section.concepts[0])
    (band,) = plot.select(BoxAnnotation)
    assert (band.bottom, plot.y_range.start < 0 < -3 * plot.y_range.start < plot.y_range.end) == (0, True)
    many = replace(section, epochs=tuple(np.arange(31.0)), perplexity=tuple(np.linspace(900, 80, 31)))
    labels = perplexity_figure(many).xaxis[0].major_label_overrides
    assert len(labels) <= 11
    assert (labels[0.0], labels[30.6]) == ("untrained", "30")
    assert perplexity_figure(many).yaxis[0].ticker.ticks == [100.0, 200.0, 500.0]


def test_the_whole_page_links_to_the_section(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda *_: {})
    monkeypatch.setattr(page, "gather_evidence", lambda *_: [])
    html = page.render(material)
    assert '<a href="#dynamics">' in html
    assert html.count('<section id="dynamics">') == 1
    assert 'data-figure="figure-dynamics-perplexity"' in html
    assert "#dynamics" not in page.render(replace(material, training_dynamics=None))
