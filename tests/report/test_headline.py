"""Which concepts and neurons the table shows, and in which order."""

import numpy as np
from fake_run import MakeRun

from lstm_analysis.report.evidence import FEW, shown_in_full
from lstm_analysis.report.headline import MIN_TOKEN, STRONGEST, headline
from lstm_analysis.report.scale import leading_scale


def test_source_with_many_concepts_shows_the_strongest(make_run: MakeRun) -> None:
    scores = make_run(n_idiom=30).selectivity
    idiom, *_ = headline(scores, leading_scale(scores))
    assert [row.concept for row in idiom.shown[:1]] == ["idiom"]
    singles = idiom.shown[1:]
    assert len(singles) == STRONGEST
    assert all(row.counts["n_token_target"] >= MIN_TOKEN for row in singles)
    strength = abs(scores["auroc"] - 0.5).max(["layer", "neuron"])
    enough = scores["n_token"].sel(group="target") >= MIN_TOKEN
    candidates = [f"idiom {i}" for i in range(30) if enough.sel(concept=f"idiom {i}")]
    wanted = sorted(candidates, key=lambda name: -strength.sel(concept=name).item())[:STRONGEST]
    assert [row.concept for row in singles] == wanted
    assert sorted(row.concept for row in (*idiom.shown, *idiom.rest)) == sorted(
        ["idiom", *(f"idiom {i}" for i in range(30))]
    )
    tokens = [row.counts["n_token_target"] for row in idiom.rest]
    assert tokens == sorted(tokens, reverse=True)


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
