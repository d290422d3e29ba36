"""The section on neurons that do the same: what it counts, lists and draws, with a twin and without."""

from pathlib import Path

import numpy as np
import pytest
from fake_run import N_TIME, write_run

from lstm_analysis.report.matching_section import matching_figure, matching_section
from lstm_analysis.report.material import gather
from lstm_analysis.report.page import render, template
from lstm_analysis.run import Run

ANALYSES = ("neuron_matching",)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("matched") / "run", analyses=ANALYSES, twin="initial", layer_sizes=(7, 5))


def test_counts_pairs_and_families_are_those_of_the_store(run: Run) -> None:
    shown, found = matching_section(gather(run)), run.neuron_matching
    assert shown is not None
    assert run.twin is not None
    assert shown.n_neuron == 11  # one of 12 is constant
    assert shown.n_token == N_TIME
    assert (shown.n_duplicate, shown.n_duplicate_twin) == (2, 0)
    first = shown.pairs[0]
    assert (first.name, first.other) == ("0:0", "0:6")
    assert first.r == pytest.approx(-1)
    assert first.excess_r == pytest.approx(1 - first.r_rotated)
    assert shown.n_mutual == (found["mutual"].values == 1).sum() / 2 == len(shown.pairs)
    assert shown.families[0].neurons == ("0:0", "0:6")
    twin = np.abs(run.twin.neuron_matching["r"].values[0])
    assert shown.level == pytest.approx(np.nanquantile(twin, 0.95))
    best = np.abs(found["r"].values[0])
    assert shown.n_above == (best > shown.level).sum() >= 2


def test_the_figure_draws_shares_of_neurons(run: Run) -> None:
    figure = matching_figure(gather(run))
    drawn = {item.label.value: item.renderers[0].data_source.data["share"] for item in figure.legend[0].items}
    assert list(drawn) == [
        "model, best |r|", "random twin, best |r|", "model against rotated layers", "model against its random twin",
    ]  # fmt: skip
    assert all(share.sum() == pytest.approx(1) for share in drawn.values())
    assert drawn["model, best |r|"][-1] == pytest.approx(2 / 11)
    assert figure.xaxis[0].axis_label == "largest |r| of a neuron"


def test_the_page_holds_the_section_or_leaves_it_out(run: Run) -> None:
    page = render(gather(run))
    assert page.count('<section id="matching">') == 1
    assert 'href="#matching"' in page
    assert "2 duplicates (mean |r| ≥ 0.95), in the twin 0" in page
    assert "section" not in template("matching.html").render(matching=None)


def test_without_a_twin_there_is_no_level(tmp_path: Path) -> None:
    material = gather(write_run(tmp_path / "run", analyses=ANALYSES))
    shown = matching_section(material)
    assert shown is not None
    assert np.isnan(shown.level)
    assert shown.n_duplicate_twin is None
    assert "which 95 % of the random twin" not in template("matching.html").render(matching=shown)
    assert len(matching_figure(material).legend[0].items) == 2
