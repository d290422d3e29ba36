"""Which concepts and neurons the table shows, and in which order."""

import numpy as np
from fake_run import MakeRun

from lstm_analysis.report.evidence import FEW, shown_in_full
from lstm_analysis.report.headline import headline, null_meanings
from lstm_analysis.report.scale import leading_scale
from lstm_analysis.selectivity.concept_choice import SHOWN
from lstm_analysis.tables import top_neurons


def test_source_with_many_concepts_shows_the_most_frequent(make_run: MakeRun) -> None:
    scores = make_run(n_idiom=30).selectivity
    idiom, *_ = headline(scores, leading_scale(scores))
    assert [row.concept for row in idiom.shown[:1]] == ["idiom"]
    assert [row.concept for row in idiom.shown[1:]] == [f"idiom {i}" for i in range(29, 29 - SHOWN, -1)]
    assert sorted(row.concept for row in (*idiom.shown, *idiom.rest)) == sorted(
        ["idiom", *(f"idiom {i}" for i in range(30))]
    )
    tokens = [row.counts["n_token_target"] for row in idiom.rest]
    assert tokens == sorted(tokens, reverse=True)


def test_concepts_with_a_neuron_that_passes_come_first(make_run: MakeRun) -> None:
    scores = make_run(n_idiom=30, draws=99).selectivity
    p = np.ones(scores["p_fwer"].shape)
    p[4, 1, 2] = 0.05
    scores = scores.assign(p_fwer=(scores["p_fwer"].dims, p))
    idiom, *_ = headline(scores, leading_scale(scores), alpha=0.05)
    assert [row.concept for row in idiom.shown[:3]] == ["idiom", "idiom 3", "idiom 29"]


def test_terminal_and_page_show_the_same_concepts_and_neurons(make_run: MakeRun) -> None:
    scores = make_run(n_idiom=30, draws=99).selectivity
    lines = [line for line in top_neurons(scores).splitlines()[1:] if not line.startswith(("--", "   and"))]
    rows = [row for group in headline(scores, leading_scale(scores)) for row in group.shown]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line.startswith(row.concept[:27])
        assert all(f"{top.name} {top.score:.3f}" in line for top in row.neurons)


def test_duplicates_are_one_finding(make_run: MakeRun) -> None:
    scores = make_run(draws=99).selectivity
    rows = [row for group in headline(scores, leading_scale(scores)) for row in group.shown]
    for row in rows:
        names = {top.name for top in row.neurons}
        assert not {"0:0", "0:1"} <= names
        assert all(top.duplicates == ("0:1",) for top in row.neurons if top.name == "0:0")


def test_what_belongs_to_a_score_stands_beside_it(make_run: MakeRun) -> None:
    scores = make_run(draws=99).selectivity
    groups = headline(scores, leading_scale(scores))
    for row in (row for group in groups for row in group.shown):
        one = scores.isel(concept=row.index)
        for top in row.neurons:
            for name in ("auroc_low", "auroc_high", "p_value", "p_fwer", "q_value", "type_smd", "breadth"):
                np.testing.assert_equal(top.scores[name], one[name].isel(layer=top.layer, neuron=top.neuron).item())
    assert null_meanings(groups) == {
        "shift": "labels shifted within documents", "words": "word types exchanged within strata",
    }  # fmt: skip


def test_twin_stands_beside_its_concept(make_run: MakeRun) -> None:
    run = make_run(draws=99, twin="initial")
    assert run.twin is not None
    scores, twin = run.selectivity, run.twin.selectivity
    turned = twin.isel(concept=slice(None, None, -1))
    for row in (row for group in headline(scores, leading_scale(scores), twin=turned) for row in group.shown):
        if not row.neurons:
            assert row.twin is None
            continue
        farthest = abs(twin["auroc"].isel(concept=row.index) - 0.5).max().item()
        assert row.twin is not None
        assert abs(row.twin.score - 0.5) == farthest
        assert row.twin_reaches == (farthest >= abs(row.neurons[0].score - 0.5))


def test_neurons_are_the_farthest_from_neutral_with_their_sign(make_run: MakeRun) -> None:
    scores = make_run().selectivity
    for group in headline(scores, leading_scale(scores)):
        for row in group.shown:
            auroc = scores["auroc"].isel(concept=row.index).values
            farthest = np.sort(np.abs(auroc[np.isfinite(auroc)] - 0.5))[::-1][: len(row.neurons)]
            np.testing.assert_allclose([abs(top.score - 0.5) for top in row.neurons], farthest)
            for top in row.neurons:
                assert top.score == auroc[top.layer, top.neuron]
                assert top.sign == np.sign(top.score - 0.5)
                assert top.extreme == ("highest" if top.score > 0.5 else "lowest")


def test_few_of_many_are_shown_in_full(make_run: MakeRun) -> None:
    scores = make_run(n_idiom=30).selectivity
    groups = headline(scores, leading_scale(scores))
    full = shown_in_full(groups)
    assert len([row for row in full if row.source == "idiom"]) == 1 + FEW
    assert "first 3 tokens" in [row.concept for row in full]
    assert "empty" not in [row.concept for row in full]


def test_counts_stand_beside_every_score(make_run: MakeRun) -> None:
    scores = make_run().selectivity
    for group in headline(scores, leading_scale(scores)):
        for row in group.shown:
            one = scores.isel(concept=row.index)
            for name in ("n_token", "n_type", "n_document"):
                assert row.counts[f"{name}_target"] == one[name].sel(group="target").item()
                assert row.counts[f"{name}_baseline"] == one[name].sel(group="baseline").item()
