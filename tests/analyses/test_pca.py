"""Principal components against scikit-learn, and the tests of separability: their size, and what they find."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from lstm_analysis.analyses.pca import (
    N_DIMENSION,
    occurrence_points,
    principal_components,
    project,
    separate_idioms,
    separate_pairs,
    separate_words,
    word_points,
)
from lstm_analysis.fixed_point import GRAM_SCALE, covariance
from lstm_analysis.reductions import add_products
from lstm_analysis.statistics.strata import Matching
from lstm_analysis.statistics.word_sets import WordSet

N_WORD, N_MEMBER, N_STRATUM = 120, 20, 4


@pytest.fixture(scope="module")
def world():
    """States of 2 layers of 5 and 4 neurons, 0:3 constant; the quantised values; their basis."""
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 10)) + 0.3 * rng.standard_normal((500, 10))
    states = np.tanh(mixed / 3).astype(np.float32).reshape(500, 2, 5)
    states[:, 0, 3] = 0.5
    states[:, 1, 4] = np.nan
    sums = add_products(states)
    whole = np.rint(states.astype(np.float64) * GRAM_SCALE) / GRAM_SCALE
    mean = np.where(np.isnan(states[0]), np.nan, sums["gram_value_sum"].values / (GRAM_SCALE * 500))
    return whole, principal_components(covariance(sums), mean)


def columns(whole, space):
    """The values (time, neuron) of a space and where its neurons are among all."""
    flat = whole.reshape(len(whole), -1)
    layer = np.arange(10) // 5
    inside = (np.ones(10, bool) if space == "all layers" else layer == int(space[-1])) & ~np.isnan(flat[0])
    return flat[:, inside], inside


@pytest.mark.parametrize("space", ["layer 0", "layer 1", "all layers"])
def test_components_are_scikit_learn_s(world, space):
    whole, basis = world
    values, inside = columns(whole, space)
    expected, one = PCA().fit(values), basis.sel(space=space)
    loading = one["loading"].values.reshape(basis.sizes["component"], -1)
    rank = int(np.isfinite(one["explained_variance"]).sum())
    assert rank == values.shape[1] - (space != "layer 1")  # the constant neuron
    np.testing.assert_allclose(one["explained_variance"][:rank], expected.explained_variance_[:rank], rtol=1e-10)
    ratio = expected.explained_variance_ratio_[:rank]
    np.testing.assert_allclose(one["explained_variance_ratio"][:rank], ratio, rtol=1e-10)
    agreement = np.abs((loading[:rank, inside] * expected.components_[:rank]).sum(axis=1))
    np.testing.assert_allclose(agreement, 1, atol=1e-10)
    assert np.isnan(loading[:, ~inside]).all()
    assert np.isnan(loading[rank:]).all()
    assert float(one["total_variance"]) == pytest.approx(expected.explained_variance_.sum(), rel=1e-10)
    spread = expected.explained_variance_.sum() ** 2 / (expected.explained_variance_**2).sum()
    assert float(one["participation_ratio"]) == pytest.approx(spread, rel=1e-10)
    assert int(one["n_neuron"]) == values.shape[1]


def test_the_largest_loading_is_positive(world):
    loading = world[1]["loading"].values.reshape(3, -1, 10)
    for vector in loading.reshape(-1, 10):
        if np.isfinite(vector).any():
            assert vector[np.nanargmax(np.abs(vector))] > 0


def test_of_equal_loadings_the_first_is_positive():
    signal = np.random.default_rng(0).standard_normal(100)
    values = np.stack([-signal, signal, 0.1 * np.roll(signal, 7)], axis=1)
    found = principal_components(np.cov(values.T), np.zeros((1, 3)))
    assert found["loading"].values[0, 0, 0, :2] == pytest.approx([0.5**0.5, -(0.5**0.5)], abs=0.02)
    assert found["space"].values.tolist() == ["layer 0"]


def test_the_number_of_components_is_bounded():
    found = principal_components(np.eye(70), np.zeros((1, 70)))
    assert found.sizes["component"] == 50
    assert found["participation_ratio"].item() == pytest.approx(70)
    assert float(found["explained_variance_ratio"].sum()) == pytest.approx(50 / 70)


def test_nothing_that_varies_has_no_component():
    found = principal_components(np.zeros((3, 3)), np.zeros((1, 3)))
    assert np.isnan(found["loading"]).all()
    assert np.isnan(found["participation_ratio"]).all()
    assert np.isnan(principal_components(np.full((2, 2), np.nan), np.zeros((1, 2)))["explained_variance"]).all()


def test_scores_are_scikit_learn_s(world):
    whole, basis = world
    centred = whole.reshape(500, -1) - whole.reshape(500, -1).mean(axis=0)
    found = project(basis["loading"], centred)
    for s, space in enumerate(basis["space"].values):
        values, _ = columns(whole, space)
        expected = PCA().fit(values).transform(values)[:, :3]
        np.testing.assert_allclose(np.abs(found[s, :, :3]), np.abs(expected), atol=1e-10)
    some = np.array([7, 1, 5])
    chosen = project(basis["loading"], centred[:, some], some)
    rest = np.where(np.isin(np.arange(10), some), centred, 0)
    np.testing.assert_allclose(chosen, project(basis["loading"], rest), atol=1e-14)


def word_set(rng, name="x"):
    """A set of 20 of 120 words, 5 of each of 4 strata at random."""
    stratum = np.arange(N_WORD) % N_STRATUM
    member = np.zeros(N_WORD, bool)
    for s in range(N_STRATUM):
        member[rng.permutation(np.flatnonzero(stratum == s))[: N_MEMBER // N_STRATUM]] = True
    return WordSet(name, Matching(stratum, member, 0, ()), N_MEMBER, "")


def test_a_direction_is_found_and_the_counts_say_where():
    rng = np.random.default_rng(0)
    words, score = word_set(rng), rng.standard_normal((2, N_WORD, 12))
    score[1, words.matching.member, 4] += 4
    found = separate_words(score, words, 199, seed=0)
    assert found["accuracy"].values[1, 1] > 0.9  # five components hold it
    assert found["p_value"].values[1, 1] == 1 / 200
    assert float(found["p_fwer"]) == 1 / 200
    assert found["accuracy"].values[1, 0] < 0.75  # two do not
    assert np.isnan(found["accuracy"].values[:, N_DIMENSION.index(20)]).all()  # there are 12
    assert found["accuracy_null"].values[0, 0] == pytest.approx(0.5, abs=0.03)
    assert (found["accuracy_null_high"] >= found["accuracy_null"]).values[:, :3].all()


def test_without_draws_there_is_no_p():
    rng = np.random.default_rng(0)
    found = separate_words(rng.standard_normal((1, N_WORD, 12)), word_set(rng), 0, seed=0)
    assert np.isfinite(found["accuracy"].values[0, :3]).all()
    assert np.isnan(found["p_value"]).all()
    assert np.isnan(found["p_fwer"])


def test_a_set_that_cannot_be_told_apart_is_undefined():
    rng = np.random.default_rng(0)
    words = word_set(rng)
    none = WordSet("y", words.matching, 3, "too few")
    score = rng.standard_normal((1, N_WORD, 12))
    assert np.isnan(separate_words(score, none, 9, 0)["accuracy"]).all()
    (found,) = separate_pairs(score, words, [none], np.ones(N_WORD, int), 9, 0)
    assert np.isnan(found["accuracy"]).all()


@pytest.mark.slow
def test_the_null_of_words_has_its_size():
    """A stratum has a mean of its own, which members and matched words share."""
    n_world, rejected = 200, 0
    for seed in range(n_world):
        rng = np.random.default_rng(seed)
        words, score = word_set(rng), rng.standard_normal((1, N_WORD, 5))
        score += 2 * rng.standard_normal((N_STRATUM, 5))[words.matching.stratum]
        rejected += float(separate_words(score, words, 39, seed)["p_fwer"]) <= 0.05
    assert 1 <= rejected <= 21  # .05 of 200, three standard errors


@pytest.mark.slow
def test_the_null_of_pairs_has_its_size_where_one_set_is_more_frequent():
    """Scores follow frequency, and so does membership: only the p of a test that knows of it stays as large."""
    n_world, rejected, accuracy = 150, 0, []
    for seed in range(n_world):
        rng = np.random.default_rng(seed)
        n_token = rng.integers(5, 1000, N_WORD)
        chance = np.where(n_token > 500, 0.6, 0.4)
        of_one = rng.random(N_WORD) < chance
        sets = [
            WordSet(n, Matching(np.zeros(N_WORD, int), m, 0, ()), 9, "") for n, m in (("a", of_one), ("b", ~of_one))
        ]
        score = rng.standard_normal((1, N_WORD, 5))
        score[0, :, 0] += np.where(n_token > 500, 2, -2)
        (found,) = separate_pairs(score, sets[0], [sets[1]], n_token, 39, seed)
        accuracy.append(float(found["accuracy"][0, 0]))
        rejected += float(found["p_value"][0, 0]) <= 0.05
    assert np.mean(accuracy) > 0.55
    assert rejected <= 16


def idioms(rng, n_idiom, shift):
    """Scores of 4 idiomatic and 3 literal uses of each idiom; idioms differ much, uses by ``shift`` along one axis."""
    idiom, idiomatic = np.repeat(np.arange(n_idiom), 7), np.tile([1, 1, 1, 1, 0, 0, 0], n_idiom) == 1
    score = 5 * rng.standard_normal((n_idiom, 6))[idiom] + rng.standard_normal((7 * n_idiom, 6))
    score[idiomatic, 1] += shift
    return score[np.newaxis], idiom, idiomatic


def test_uses_of_idioms_are_told_apart_at_idioms_left_out():
    found = separate_idioms(*idioms(np.random.default_rng(0), 14, 3.0), 199, seed=0)
    assert found["accuracy"].values[0, 0] == 1
    assert found["p_value"].values[0, 0] <= 0.01
    assert found["n_idiom_separated"] == 14
    assert np.isnan(found["accuracy"].values[0, N_DIMENSION.index(10)])


def test_few_idioms_are_not_told_apart():
    found = separate_idioms(*idioms(np.random.default_rng(0), 5, 3.0), 199, seed=0)
    assert np.isnan(found["accuracy"]).all()
    assert found["n_idiom_separated"] == 5
    score, idiom, _ = idioms(np.random.default_rng(0), 9, 3.0)
    assert separate_idioms(score, idiom, np.ones(len(idiom), bool), 19, 0)["n_idiom_separated"] == 0


@pytest.mark.slow
def test_the_null_of_idioms_has_its_size():
    p = [
        float(separate_idioms(*idioms(np.random.default_rng(seed), 12, 0.0), 99, seed)["p_fwer"]) for seed in range(200)
    ]
    assert 1 <= sum(value <= 0.05 for value in p) <= 21


def test_points_are_members_and_matched_words():
    rng = np.random.default_rng(0)
    sets = [word_set(rng, "a"), WordSet("b", word_set(rng).matching, 2, "too few"), word_set(rng, "c")]
    score, n_token = rng.standard_normal((2, N_WORD, 3)), rng.integers(5, 99, N_WORD)
    types = [f"word {i}" for i in range(1000)]
    found = word_points(score, sets, np.arange(N_WORD) * 3, n_token, types, seed=0)
    assert set(found["point_concept"].values.tolist()) == {0, 2}
    for k in (0, 2):
        one = found.isel(point=found["point_concept"].values == k)
        rows = [int(text.split()[1]) // 3 for text in one["point_type"].values]
        np.testing.assert_array_equal(sets[k].matching.member[rows], one["point_member"].values == 1)
        np.testing.assert_array_equal(one["word_score"].values, score[:, rows])
        np.testing.assert_array_equal(one["point_n_token"].values, n_token[rows])
        assert one.sizes["point"] == 20 + 40


def test_no_set_and_no_occurrence_give_no_point():
    empty = word_points(np.zeros((1, 4, 2)), [], np.arange(4), np.arange(4), list("abcd"), seed=0)
    assert empty.sizes["point"] == 0
    none = np.empty(0, np.int64)
    assert occurrence_points(np.zeros((1, 0, 2)), none, none, none).sizes["occurrence"] == 0
