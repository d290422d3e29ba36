"""Ranked neurons."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.fixture
def tested(scores):
    """Scores with their tests: neurons 0:0, 1:1 and 1:2 do the same, 0:1 and 1:0 are alone, 0:2 is not there."""
    q = np.array([[[0.2, 0.01, np.nan], [0.04, 0.5, 0.06]], np.full((2, 3), np.nan)])
    smd = np.array([[[0.9, -2.0, np.nan], [0.1, 0.0, -0.2]], np.zeros((2, 3))])
    return scores.assign(
        q_value=(SCORE, q), type_smd=(SCORE, smd), breadth=(SCORE, np.abs(smd) / 2),
        auroc_low=(SCORE, scores.auroc.values - 0.05), p_null=("concept", ["words", "shift"]),
        duplicate_of=(SCORE[1:], [[7, 1, -1], [3, 7, 7]]),
    )  # fmt: skip


def test_duplicates_are_one_row(tested):
    table = rank_neurons(tested, concept="idiom", n=None)
    assert places(table) == [(0, 1), (1, 0), (0, 0)]
    assert table["duplicates"].tolist() == ["", "", "1:1, 1:2"]
    assert list(table)[:4] == ["layer", "neuron", "sign", "duplicates"]
    assert "duplicate_of" not in table
    kept = rank_neurons(tested, concept="idiom", n=None, group_duplicates=False)
    assert len(kept) == 5
    assert kept["duplicate_of"].tolist() == [1, 3, 7, 7, 7]
    assert "duplicates" not in kept


def test_n_counts_findings_not_neurons(tested):
    tested["auroc"] = xr.full_like(tested.auroc, 0.5)
    tested["auroc"][0] = [[0.9, 0.6, np.nan], [0.55, 0.8, 0.7]]
    assert places(rank_neurons(tested, concept="idiom", n=3)) == [(0, 0), (0, 1), (1, 0)]


def test_a_group_is_named_by_its_best_member_that_passes(tested):
    table = rank_neurons(tested, concept="idiom", layer=1, sign=-1, n=None)
    assert places(table) == [(1, 2)]
    assert table["duplicates"].tolist() == ["0:0, 1:1"]


def test_neurons_without_a_group_stand_alone(tested):
    alone = tested.assign(duplicate_of=(SCORE[1:], [[-1, -1, np.nan], [np.nan, -1, 2]]))
    table = rank_neurons(alone, concept="idiom", n=None)
    assert len(table) == 5
    assert set(table["duplicates"]) == {""}


def test_new_scores_rank_as_their_signs_say(tested):
    assert places(rank_neurons(tested, by="type_smd", concept="idiom"))[:2] == [(0, 1), (0, 0)]
    assert rank_neurons(tested, by="breadth", concept="idiom")["breadth"].tolist()[:2] == [1.0, 0.45]
    assert rank_neurons(tested, by="breadth", concept="idiom")["sign"].tolist()[:2] == [-1, 1]


def test_filters_by_q_and_sign(tested):
    assert places(rank_neurons(tested, concept="idiom", q=0.05)) == [(0, 1), (1, 0)]
    assert places(rank_neurons(tested, concept="idiom", q=0.05, sign=1)) == [(1, 0)]
    assert len(rank_neurons(tested, concept="law", q=0.05)) == 0, "what was not tested passes no test"
    with pytest.raises(UserError, match="These scores have no q_value"):
        rank_neurons(tested.drop_vars("q_value"), concept="idiom", q=0.05)
    with pytest.raises(UserError, match="sign is 'up'; it is 1"):
        rank_neurons(tested, concept="idiom", sign="up")


def test_companions_of_a_concept_and_of_a_neuron_are_columns(tested):
    table = rank_neurons(tested, concept="idiom", n=1)
    assert table["p_null"].tolist() == ["words"]
    assert table["auroc_low"].tolist() == [pytest.approx(0.05)]
    assert neuron_table(tested)["duplicate_of"].tolist() == [7, 1, -1, 3, 7, 7] * 2


def test_scores_without_concepts_rank_too(tested):
    tuning = xr.Dataset(
        {"cliff_mean": (SCORE[1:], [[0.1, -0.5, np.nan], [0.3, 0.0, 0.2]]), "tau": (SCORE[1:], np.ones((2, 3))),
         "tuning_mean": (("sentence_position", *SCORE[1:]), np.zeros((4, 2, 3))), "n_boundary": 12,
         "duplicate_of": tested.duplicate_of}
    )  # fmt: skip
    table = rank_neurons(tuning, n=None)
    assert places(table) == [(0, 1), (1, 0), (1, 2)]
    assert list(table) == ["layer", "neuron", "sign", "duplicates", "cliff_mean", "tau", "n_boundary"]
    assert table["sign"].tolist() == [-1, 1, 1]
    assert table["n_boundary"].tolist() == [12] * 3
    with pytest.raises(UserError, match="These scores are not of concepts: there is no 'idiom'"):
        rank_neurons(tuning, concept="idiom")
    with pytest.raises(UserError, match="Name the concept to rank neurons for; known are idiom, law"):
        rank_neurons(tested)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 1, 2, 5]), st.sampled_from([None, 0, 1]),
       st.sampled_from([None, -1, 1]))  # fmt: skip
def test_ranking_equals_the_loop(seed, n, layer, sign):
    rng = np.random.default_rng(seed)
    auroc = rng.integers(0, 5, (1, 2, 6)) / 4
    auroc[rng.random(auroc.shape) < 0.2] = np.nan
    group = rng.integers(-1, 4, (2, 6))
    scores = xr.Dataset({"auroc": (SCORE, auroc), "duplicate_of": (SCORE[1:], group)}, {"concept": ["c"]})
    rows = sorted((-abs(auroc[0, i, j] - 0.5), i, j) for i in range(2) for j in range(6) if auroc[0, i, j] >= 0)
    expected, seen = [], set()
    for _, i, j in rows:
        direction = np.sign(auroc[0, i, j] - 0.5)
        if (layer is not None and i != layer) or (sign is not None and direction != sign) or group[i, j] in seen:
            continue
        seen |= {group[i, j]} - {-1}
        others = [f"{a}:{b}" for a in range(2) for b in range(6) if group[a, b] == group[i, j] and (a, b) != (i, j)]
        expected.append((i, j, direction, ", ".join(others) if group[i, j] >= 0 else ""))
    found = rank_neurons(scores, concept="c", n=n, layer=layer, sign=sign)
    assert [tuple(row) for row in found[["layer", "neuron", "sign", "duplicates"]].values] == expected[:n]
