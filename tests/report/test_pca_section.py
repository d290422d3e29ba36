"""What the page says of principal components and probes: the numbers of the stores, escaped; what is missing."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Text
from fake_run import NASTY, write_run

from lstm_analysis.report import page
from lstm_analysis.report.material import Material, gather
from lstm_analysis.report.pca_figures import N_LABEL, idiom_scatter, scree, word_scatter
from lstm_analysis.report.pca_section import pca_section
from lstm_analysis.report.probe_section import probe_curves, probe_section
from lstm_analysis.run import Run

ASKED = ("pca", "probes")


@pytest.fixture(scope="module", autouse=True)
def without_evidence() -> Iterator[None]:
    """Pages of these sections: the others' figures and passages are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "draw", lambda *_: {})
        patch.setattr(page, "gather_evidence", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("runs") / "pca", draws=99, analyses=ASKED, twin="initial")


@pytest.fixture(scope="module")
def whole(run: Run) -> Material:
    return gather(run)


@pytest.fixture(scope="module")
def html(whole: Material) -> str:
    return page.render(whole)


def section_text(html: str, name: str) -> str:
    """Return what a section of the page shows as text, entities still written out."""
    start = html.index(f'<section id="{name}">')
    return " ".join(re.sub(r"<[^>]*>", " ", html[start : html.index("</section>", start)]).split())


def concept_of(whole: Material) -> int:
    """The one concept of the fake run that its words decide."""
    assert whole.pca is not None
    (concept,) = np.flatnonzero((whole.pca["untold"] == "").values)
    return int(concept)


def test_sets_have_the_numbers_of_the_store_and_of_the_twin(whole: Material) -> None:
    section, concept = pca_section(whole), concept_of(whole)
    assert section is not None
    assert whole.pca is not None
    assert whole.twin is not None
    assert whole.twin.pca is not None
    (one,) = section.sets
    accuracy = whole.pca["accuracy"].values[concept]
    assert one.name == NASTY
    assert [told[0] for told in one.told] == accuracy[-1].tolist()
    assert [told[0] for told in one.layers] == accuracy[:-1, -1].tolist()
    assert list(one.twin) == whole.twin.pca["accuracy"].values[concept, -1].tolist()
    assert one.twin_p == whole.twin.pca["p_fwer"].values[concept]
    assert one.p_fwer == whole.pca["p_fwer"].values[concept]
    assert section.n_untold == whole.pca.sizes["concept"] - 1
    assert section.scatters == ((concept, int(accuracy[:, 0].argmax())),)
    assert section.pairs is None
    assert section.spaces[-1].name == section.widest == "all layers"


def test_pairs_are_a_table_of_the_concepts_that_have_them(whole: Material) -> None:
    assert whole.pca is not None
    two = whole.pca.copy(deep=True)
    two["untold"][:2] = ""
    two["pair_first"][:], two["pair_second"][:] = [0, 0, 1], [1, 2, 2]
    two["pair_accuracy"][:] = np.nan
    two["pair_accuracy"][0, -1, -1] = 0.9
    section = pca_section(replace(whole, pca=two))
    assert section is not None
    assert section.pairs is not None
    assert [cell.text for cell in section.pairs.rows[0]] == ["", "0.90"]
    assert section.pairs.rows[0][1].style == "s8"
    assert section.pairs.n_all == 3


def test_the_page_says_it_and_escapes_it(whole: Material, html: str) -> None:
    text = section_text(html, "pca")
    assert "&lt;/script&gt;" in text
    assert "over all 600 tokens" in text
    assert "2 idioms of this corpus with both idiomatic and literal uses: too few" in text
    assert "For the eye only" in text
    assert NASTY not in html
    probes = section_text(html, "probes")
    assert "best single neuron" in probes
    assert "0:0" in probes
    for name in ("scree", f"words-{concept_of(whole)}", f"words-{concept_of(whole)}-twin", "occurrences", "probes"):
        assert f'id="figure-{name}"' in html
        assert f'data-figure="figure-{name}"' in html
    assert '<a href="#pca">' in html


def test_idioms_that_are_told_apart_are_said(whole: Material) -> None:
    assert whole.pca is not None
    found = whole.pca.copy(deep=True)
    found["idiom_accuracy"][-1, 0], found["idiom_p_value"][-1, 0] = 0.75, 0.004
    found["n_idiom_separated"] = 8
    text = section_text(page.render(replace(whole, pca=found)), "pca")
    assert "literal uses at idioms left out (8 with both): 2 components 0.75 (p .004)" in text


def test_probes_have_the_numbers_of_the_store(whole: Material) -> None:
    section, concept = probe_section(whole), concept_of(whole)
    assert section is not None
    assert whole.probes is not None
    (line,) = section.lines
    assert list(line.auroc) == whole.probes["probe_auroc"].values[concept].tolist()
    assert list(line.control) == whole.probes["control_auroc"].values[concept].tolist()
    assert [name for name, _ in line.neurons] == [f"0:{i % 7}" for i in range(8)]
    assert section.sizes == (1, 2, 4, 8)
    curve, control = (np.array(source.data["y"]) for source in sources(probe_curves(section))[:2])
    np.testing.assert_array_equal(curve, line.auroc)
    np.testing.assert_array_equal(control, line.control)


def sources(plot: object) -> list[ColumnDataSource]:
    """The data of a figure's lines, in order."""
    lines = [r for r in plot.renderers if type(r.glyph).__name__ == "Line"]  # type: ignore[attr-defined]
    return [line.data_source for line in lines]


def test_figures_have_labels_and_the_values_of_the_store(whole: Material) -> None:
    assert whole.pca is not None
    concept = concept_of(whole)
    words = word_scatter(whole.pca, concept, 1)
    dots = [r for r in words.renderers if type(r.glyph).__name__ == "Scatter"]
    member = whole.pca["point_member"].values
    for part, renderer in zip((0, 1), dots, strict=True):
        np.testing.assert_array_equal(
            renderer.data_source.data["x"], whole.pca["word_score"].values[1, member == part, 0]
        )
    (names,) = [r for r in words.renderers if isinstance(r.glyph, Text)]
    assert len(names.data_source.data["word"]) == min(N_LABEL, (member == 1).sum())
    assert "PC1" in words.xaxis[0].axis_label
    assert "% of variance" in words.yaxis[0].axis_label
    shares = scree(whole.pca, None)
    assert len(sources(shares)) == whole.pca.sizes["space"]
    np.testing.assert_array_equal(
        sources(shares)[0].data["share"], whole.pca["explained_variance_ratio"].values[0, :20]
    )
    idioms = idiom_scatter(whole.pca)
    assert sum(len(r.data_source.data["x"]) for r in idioms.renderers) == whole.pca.sizes["occurrence"]


def test_without_a_twin_without_words_and_without_idioms(whole: Material) -> None:
    assert whole.pca is not None
    assert whole.probes is not None
    untold = {"pca": whole.pca.assign(untold=whole.pca["untold"].copy(data=["why"] * whole.pca.sizes["concept"]))}
    untold["probes"] = whole.probes.assign(untold=untold["pca"]["untold"])
    untold["pca"] = untold["pca"].drop_dims("occurrence").drop_vars(["n_idiom_separated"])
    plain = replace(whole, twin=None)
    html = page.render(plain)
    for name in ASKED:
        start = html.index(f'<section id="{name}">')
        assert "twin" not in html[start : html.index("</section>", start)]
    bare = page.render(replace(plain, **untold))
    assert "No concept of this study has words enough" in section_text(bare, "pca")
    assert "No concept of this study has words enough" in section_text(bare, "probes")
    assert "figure-occurrences" not in bare


def test_a_study_that_does_not_ask_has_no_such_section(whole: Material) -> None:
    html = page.render(replace(whole, pca=None, probes=None))
    assert 'id="pca"' not in html
    assert 'id="probes"' not in html
    assert "#pca" not in html
    assert pca_section(replace(whole, pca=None)) is None
    assert probe_section(replace(whole, probes=None)) is None
