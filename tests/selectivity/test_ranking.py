"""Ranked neurons."""

import numpy as np
import pytest
import xarray as xr

from lstm_analysis.errors import UserError
from lstm_analysis.selectivity import neuron_table, rank_neurons

SCORE = ("concept", "layer", "neuron")


@pytest.fixture
def scores():
    auroc = np.array([[[0.6, 0.1, np.nan], [0.9, 0.5, 0.4]], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.7]]])
    return xr.Dataset(
        {
            "auroc": (SCORE, auroc),
            "average_precision": (SCORE, auroc / 2),
            "prevalence": ("concept", [0.1, 0.2]),
            "n_token": (("concept", "group"), [[90, 10], [80, 20]]),
            "null_auroc": (("draw", *SCORE), auroc[None]),
        },
        {"concept": ["idiom", "law"], "group": ["baseline", "target"]},
    )


def places(table):
    return list(zip(table["layer"], table["neuron"], strict=True))


def test_two_signs_rank_by_distance_from_neutral(scores):
    table = rank_neurons(scores, by="auroc", concept="idiom", n=None)
    assert places(table)[:2] == [(0, 1), (1, 0)]
    assert table["auroc"].tolist() == [0.1, 0.9, 0.6, 0.4, 0.5]
    assert table["sign"].tolist() == [-1, 1, 1, -1, 0]


def test_one_sign_ranks_from_the_top_and_borrows_the_sign(scores):
    table = rank_neurons(scores, by="average_precision", concept="idiom", n=2)
    assert places(table) == [(1, 0), (0, 0)]
    assert table["sign"].tolist() == [1, 1]
    alone = rank_neurons(scores.drop_vars("auroc"), by="average_precision", concept="idiom", n=1)
    assert alone["sign"].tolist() == [0]


def test_equal_scores_rank_by_place_and_nan_never(scores):
    assert places(rank_neurons(scores, concept="law", n=3)) == [(1, 2), (0, 0), (0, 1)]
    assert (0, 2) not in places(rank_neurons(scores, concept="idiom", n=None))


def test_scores_come_with_their_counts(scores):
    table = rank_neurons(scores, concept="idiom", n=1)
    expected = ["layer", "neuron", "sign", "auroc", "average_precision", "prevalence"]
    assert list(table) == [*expected, "n_token_baseline", "n_token_target"]
    assert table["n_token_target"].tolist() == [10]
    assert table["prevalence"].tolist() == [0.1]


def test_one_layer_only(scores):
    assert places(rank_neurons(scores, concept="idiom", layer=1, n=1)) == [(1, 0)]
    with pytest.raises(UserError, match=r"no layer 2; the scores have the layers \[0, 1\]"):
        rank_neurons(scores, concept="idiom", layer=2)


def test_unknown_names_get_a_hint(scores):
    with pytest.raises(UserError, match=r"unknown concept 'idoim'; did you mean 'idiom'\?"):
        rank_neurons(scores, concept="idoim")
    with pytest.raises(UserError, match=r"cannot rank by 'aucroc'.*did you mean 'auroc'\?"):
        rank_neurons(scores, by="aucroc", concept="idiom")
    with pytest.raises(UserError, match="cannot rank by 'n_token'"):
        rank_neurons(scores, by="n_token", concept="idiom")


def test_the_long_table_has_every_neuron_of_every_concept(scores):
    table = neuron_table(scores.assign_coords(layer=[0, 1], neuron=[10, 11, 12]))
    assert len(table) == 12
    assert list(table)[:3] == ["concept", "layer", "neuron"]
    row = table[(table["concept"] == "law") & (table["layer"] == 1) & (table["neuron"] == 12)].iloc[0]
    assert row["auroc"] == 0.7
    assert row["n_token_baseline"] == 80
    assert "null_auroc" not in table
    assert table["n_token_target"].dtype == np.int64
