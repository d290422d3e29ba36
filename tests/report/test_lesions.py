"""What the page and the card say of lesions: the numbers of the store, escaped, and nothing without it."""

import re

import numpy as np
import pytest
from bokeh.models import GlyphRenderer
from fake_run import MakeRun, write_run

from lstm_analysis import schema
from lstm_analysis.errors import UserError
from lstm_analysis.explorer.holdings import Holdings
from lstm_analysis.explorer.neuron_card import facts_of
from lstm_analysis.report import page
from lstm_analysis.report.lesion_figure import lesion_figure
from lstm_analysis.report.lesion_section import lesion_section, shown_cells
from lstm_analysis.report.material import gather
from lstm_analysis.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("runs") / "fake & run", draws=99, analyses=("lesion",))


def test_the_section_shows_what_the_store_says(run: Run) -> None:
    found, section = run.lesion, lesion_section(gather(run))
    assert section is not None
    assert [line.neurons for line in section.lines] == [("0:1",), ("1:2",), ("0:3", "1:4")]
    for i, line in enumerate(section.lines):
        random = found["random_delta_loss_overall"].values[:, i]
        assert (line.low, line.high) == pytest.approx(tuple(np.quantile(random, [0.05, 0.95])))
        assert line.overall == found["delta_loss_overall"].values[i]
    concepts = [str(name) for name in found["concept"].values]
    cells = {(cell.lesion, cell.concept): cell for cell in section.cells}
    assert set(cells) == {("0:1", concepts[0]), ("1:2", concepts[1]), ("0:3,1:4", concepts[1])}
    assert [cell.unused for cell in cells.values()].count(True) == section.n_unused == 1
    one = cells["1:2", concepts[1]]
    at = found.sel(lesion="1:2", prediction="next").isel(concept=1)
    assert (one.loss, one.p, one.p_fwer) == (0.2, 0.01, 0.03)
    assert one.random == pytest.approx(float(np.median(at["random_delta_loss"])))
    assert (one.n_control, one.n_target) == tuple(at["n_token"].values.tolist())
    assert one.at_token_p == float(found.sel(lesion="1:2", prediction="token")["p_value"][1])
    (pair,) = section.pairs
    assert (pair.lesion, pair.concept, pair.other_lesion, pair.other_concept) == (
        "0:1",
        concepts[0],
        "1:2",
        concepts[1],
    )


def test_the_page_has_section_figure_and_links_and_is_escaped(run: Run) -> None:
    html = page.render(gather(run))
    section = html[html.index('<section id="lesions">') :]
    section = section[: section.index("</section>")]
    assert '<div id="figure-lesions"' in section
    assert 'data-figure="figure-lesions"' in html
    assert "neuron?neuron=1:2" in section
    assert "neuron?neuron=0:3" in section
    assert "&lt;i&gt;law&lt;/i&gt;" in section
    assert "<script" not in section
    assert len(re.findall("encoded, no loss seen", section)) == 1
    assert '<a href="#lesions">' in html


def test_the_figure_has_each_lesion_among_its_random_neurons(run: Run) -> None:
    one = run.lesion.sel(prediction="next")
    places = shown_cells(run.lesion, 0.05)
    plot = lesion_figure(one, places)
    cloud, own = (item.data_source.data for item in plot.renderers if isinstance(item, GlyphRenderer))
    assert len(cloud["loss"]) == 25 * len(places)
    assert own["loss"].tolist() == [float(one["delta_loss"][i, k]) for i, k in places]
    assert plot.xaxis.axis_label == "delta_loss (nats per token)"
    assert plot.x_range.start < min(own["low"])
    assert plot.x_range.end > max(own["high"])
    assert lesion_figure(one, places, ("concept",)).yaxis.axis_label == "concept"


def test_the_card_says_what_is_lost_without_the_neuron(run: Run) -> None:
    holdings = Holdings(run)
    (text,) = [fact for fact in facts_of(holdings, (1, 2)) if "without it" in fact]
    assert f"{float(run.lesion['delta_loss_overall'][1]):.4f}".lstrip("-") in text
    assert [fact for fact in facts_of(holdings, (1, 2)) if "above controls" in fact] == [
        f"+0.2000 after tokens of {run.lesion['concept'].values[1]} above controls"
    ]
    assert not [fact for fact in facts_of(holdings, (0, 3)) if "without it" in fact]  # only together with another


def test_a_run_without_lesions_says_nothing_and_how_to_make_them(make_run: MakeRun) -> None:
    run = make_run(analyses=())
    assert lesion_section(gather(run)) is None
    assert "section" not in page.template("lesions.html").render(lesions=None)
    assert not [fact for fact in facts_of(Holdings(run), (1, 2)) if "without it" in fact]
    with pytest.raises(UserError, match=r"has no lesion\.zarr\. Take neurons out: lstm-analysis lesion"):
        _ = run.lesion


def test_the_fake_store_has_the_variables_of_the_vocabulary(run: Run) -> None:
    assert set(run.lesion.data_vars) == set(schema.LESION)
    for name, variable in schema.LESION.items():
        assert run.lesion[name].dims == variable.dims, name
