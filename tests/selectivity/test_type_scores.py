"""Concepts against word types: sizes under what makes token tests fail, what is tested, and what it depends on."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from type_world import document_effects, make_world, noise, type_tables

from lstm_analysis import schema
from lstm_analysis.errors import UserError
from lstm_analysis.selectivity import type_scores
from lstm_analysis.selectivity.type_scores import COUNTS, SCORES
from lstm_analysis.statistics import type_table
from lstm_analysis.statistics.strata import classify_types

TESTS = ("p_type", "p_fwer_type", "q_type", "selectivity_over_control")
DESCRIPTIONS = ("type_smd", "type_auroc", "breadth", "type_smd_odd", "type_smd_even")


def pick(rng, words, n, times=1, p=None):
    return [rng.choice(words, n, replace=False, p=p) for _ in range(times)]


@pytest.fixture(scope="module")
def small():
    """Six concepts of 3 to 60 words on 12 neurons; neuron 0 knows concept 0, neuron 1 falls for it, 2 is constant."""
    rng = np.random.default_rng(0)
    world = make_world(rng, n_type=600, n_document=40, n_token=40_000)
    known = np.flatnonzero(world.n_token >= 5)
    members = [rng.choice(known, n, replace=False) for n in (40, 3, 12, 60, 5, 20)]
    values = 0.5 * rng.standard_normal((600, 12))[world.type_id] + document_effects(rng, world, 12)
    values += noise(rng, world, 12)
    hit = np.isin(world.type_id, members[0])
    values[:, 0] += 4 * hit
    values[:, 1] -= 4 * hit
    values[:, 2] = 0.25
    return world, values, members, type_tables(world, values, members)


def test_planted_neurons_are_found_and_no_other(small):
    scores = type_scores(small[3], draws=499).isel(concept=0, layer=0)
    assert set(np.flatnonzero(scores.p_fwer_type.values <= 0.05)) == {0, 1}
    assert set(np.flatnonzero(scores.q_type.values <= 0.05)) == {0, 1}
    assert (np.sign(scores.type_smd.values[:2]) == [1, -1]).all()
    assert (scores.breadth.values[:2] > 0.95).all()
    assert (np.abs(scores.type_auroc.values[:2] - 0.5) > 0.48).all()
    halves = scores[["type_smd_odd", "type_smd_even"]].isel(neuron=[0, 1]).to_array().values
    assert halves == pytest.approx(np.broadcast_to(scores.type_smd.values[:2], (2, 2)), rel=0.2)
    assert (scores.selectivity_over_control.values[:2] > 1.5).all()


def test_every_variable_is_that_of_the_vocabulary(small):
    scores = type_scores(small[3], draws=99)
    assert set(scores.data_vars) == {*SCORES, *COUNTS}
    for name, variable in scores.data_vars.items():
        expected = schema.VARIABLES[name]
        assert variable.dims == expected.dims
        assert variable.dtype.kind == ("U" if expected.dtype == "str" else np.dtype(expected.dtype).kind)
        low, high = expected.limits
        if low is not None:
            assert variable.min() >= low
        if high is not None:
            assert variable.max() <= high


def test_few_words_are_described_or_marked(small):
    scores = type_scores(small[3], draws=99)
    assert scores.n_type_member.values.tolist() == [40, 3, 12, 60, 5, 20]
    assert scores.few_types.values.tolist() == [0, 0, 1, 0, 1, 0]
    assert scores.type_null[1].item().startswith("The concept has 3 words to test: described only")
    assert (scores.type_null.values[[0, 2, 3, 4, 5]] == "").all()
    three = scores.isel(concept=1, layer=0, neuron=0)
    assert all(np.isnan(three[name]) for name in TESTS)
    assert all(np.isfinite(three[name]) for name in DESCRIPTIONS)


def test_constant_and_absent_neurons_have_no_scores(small):
    tables = small[3].copy()
    tables["value_sd"] = tables.value_sd.copy(data=np.where(np.arange(12) == 5, np.nan, tables.value_sd.values))
    scores = type_scores(tables, draws=99)
    for name in SCORES:
        assert np.isnan(scores[name].isel(neuron=[2, 5])).all()
    others = type_scores(small[3].isel(neuron=[0, 1, 3]), draws=99)
    assert np.array_equal(others.p_type, scores.p_type.isel(neuron=[0, 1, 3]), equal_nan=True)
    nobody = type_scores(tables.isel(neuron=[2, 5]), draws=99)
    assert np.isnan(nobody.p_type).all()


def test_neither_order_of_types_nor_other_concepts_matter(small):
    tables = small[3]
    rng = np.random.default_rng(3)
    order = rng.permutation(tables.sizes["table_type"])
    moved = tables.assign(pair_type=("pair", np.argsort(order)[tables.pair_type.values]))
    moved = moved.isel(table_type=order, pair=rng.permutation(tables.sizes["pair"]))
    whole = type_scores(tables, draws=99)
    xr.testing.assert_identical(type_scores(moved, draws=99), whole)
    one = type_scores(tables.isel(concept=[3]), draws=99)
    xr.testing.assert_identical(one.drop_vars("q_type"), whole.isel(concept=[3]).drop_vars("q_type"))
    assert not np.array_equal(type_scores(tables, draws=99, seed=1).p_type, whole.p_type, equal_nan=True)


def test_a_concept_that_its_words_do_not_decide_has_no_p(small):
    tables = small[3].copy(deep=True)
    target = tables.type_target_n_token.values
    target[0] = tables.type_n_token // 4
    target[1] = 0
    target[2] = tables.type_n_token
    scores = type_scores(tables, draws=99)
    assert "not decided by its words" in scores.type_null[0].item()
    assert scores.type_null[1].item().startswith("No token")
    assert scores.type_null[2].item().startswith("Every labelled token")
    assert all(np.isnan(scores[name].isel(concept=[0, 1, 2])).all() for name in SCORES)


def test_impure_members_and_missing_targets_are_not_decided(small):
    tables = small[3].copy(deep=True)
    target = tables.type_target_n_token.values
    target[0] = np.where(target[0] > 0, (0.7 * target[0]).astype(int) + 1, 0)
    target[3] += np.where(target[3] == 0, tables.type_n_token.values // 10, 0)
    null = type_scores(tables, draws=99).type_null.values
    assert "7" in null[0].split("and ")[1]
    assert "80 % of both" in null[3]


def test_one_document_group_is_said(small):
    world, values, members, _ = small
    tables = type_tables(world, values, members, group=np.zeros(len(world.document), int))
    scores = type_scores(tables, draws=99)
    assert "one document group only: type effects are plain means" in scores.type_strata[0].item()
    assert np.isfinite(scores.p_type.isel(concept=0, neuron=0)).all()


def test_part_of_speech_is_a_stratum_where_there_is_one(small):
    world, values, members, _ = small
    pos = np.arange(600) % 3
    verbs = np.flatnonzero((pos == 1) & (world.n_token >= 5))
    scores = type_scores(type_tables(world, values, [*members, verbs], pos=pos), draws=99)
    assert "part of speech" in scores.type_strata[3].item()
    assert "part of speech" not in scores.type_strata[6].item()
    assert scores.type_null[6].item() == ""


def test_bad_tables_are_refused(small):
    tables = small[3]
    with pytest.raises(UserError, match="cannot reach the level"):
        type_scores(tables, draws=18)
    with pytest.raises(UserError, match="lacks pair_type, value_sd"):
        type_scores(tables.drop_vars(["pair_type", "value_sd"]))
    with pytest.raises(UserError, match="document_group_n_token adds up to"):
        type_scores(tables.assign(document_group_n_token=tables.document_group_n_token + 1))
    twice = tables.assign(table_type_id=0 * tables.table_type_id)
    with pytest.raises(UserError, match="a word twice"):
        type_scores(twice)


def test_the_tables_are_unchanged(small):
    before = small[3].copy(deep=True)
    type_scores(small[3], draws=99)
    xr.testing.assert_identical(small[3], before)


def share_called(world, values, members, monkeypatch=None, plain=False, **tables):
    """Share of p <= .05; ``plain``: without strata and without frequency taken out."""
    if plain:
        monkeypatch.setattr(type_table, "classify_types", _no_strata)
        monkeypatch.setattr(type_table, "without_frequency", lambda effect, *_: effect)
    p = type_scores(type_tables(world, values, members, **tables), draws=299).p_type.values
    if plain:
        monkeypatch.undo()
    return (p <= 0.05).mean()


def _no_strata(n_token, *_):
    found = classify_types(n_token, None, None)
    return type(found)(0 * found.frequency, 0 * found.decile, None, None)


def welch(world, values, members):
    inside = [np.isin(world.type_id, words) for words in members]
    return np.mean([stats.ttest_ind(values[i], values[~i], equal_var=False).pvalue <= 0.05 for i in inside])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_size_for_topics_bursts_and_frequent_words(seed, monkeypatch):
    """Neurons that know words and documents but no category. Nominal .05; the naive tests are far off."""
    sizes = {"topic": [], "bursty": [], "frequent": []}
    naive = {"welch": [], "plain means": [], "no strata": []}
    for trial in range(4):
        rng = np.random.default_rng([seed, trial])
        world = make_world(rng, n_type=1500, n_token=60_000)
        known = np.flatnonzero(world.n_token >= 5)
        values = 0.4 * rng.standard_normal((1500, 40))[world.type_id] + noise(rng, world, 40)
        values += document_effects(rng, world, 40)
        topics = [rng.choice(known[world.topic[known] == k], 20, replace=False) for k in range(10)]
        sizes["topic"].append(share_called(world, values, topics))
        naive["welch"].append(welch(world, values, topics))
        naive["plain means"].append(share_called(world, values, topics, group=0 * world.document))
        bursty = known[np.argsort(spread(world)[known])[:250]]
        sizes["bursty"].append(share_called(world, values, pick(rng, bursty, 30, 10)))
        log_n = np.log(world.n_token + 1.0)
        coded = values + rng.standard_normal(40) * ((log_n - log_n.mean()) / log_n.std())[world.type_id][:, None]
        frequent = pick(rng, known, 40, 10, p=world.n_token[known] / world.n_token[known].sum())
        sizes["frequent"].append(share_called(world, coded, frequent))
        naive["no strata"].append(share_called(world, coded, frequent, monkeypatch, plain=True))
    for name, share in sizes.items():
        assert 0.03 <= np.mean(share) <= 0.07, name
    assert all(np.mean(share) > 0.15 for share in naive.values()), naive


def spread(world):
    """Effective number of documents of each type over its tokens."""
    count = np.zeros((len(world.topic), world.document[-1] + 1))
    np.add.at(count, (world.type_id, world.document), 1)
    return world.n_token / np.maximum((count**2).sum(axis=1), 1)
