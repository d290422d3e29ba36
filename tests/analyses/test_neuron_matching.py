"""Pairs of neurons: correlations as a slow reference has them, planted copies found, noise not above the baseline."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matched_states import N_TIME, all_pairs, keep_plan, keep_states, speaking, words
from reference_matching import correlations, residuals
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from lstm_analysis import neuron_pairs
from lstm_analysis.analyses.neuron_matching import (
    N_BEST,
    ProductSums,
    assign_one_to_one,
    best_of,
    empty_best,
    families,
    fingerprint_correlation,
    merge_best,
    mutual_best,
    rotated_best,
)
from lstm_analysis.analyses.neuron_matching.rotation import random_rotation
from lstm_analysis.errors import UserError
from lstm_analysis.matching_plan import matching_plan
from lstm_analysis.matching_result import between_models, by_layer, within_model
from lstm_analysis.tasks import pairs as pair_tasks

SIZES = (5, 3)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_tasks, "PAIR_NEURONS", 2)


def flat(hidden, sizes):
    return np.concatenate([hidden[:, layer, :size] for layer, size in enumerate(sizes)], axis=1)


def test_correlations_are_those_of_the_reference(tmp_path: Path, small_blocks: None) -> None:
    one, two = speaking(1, SIZES), speaking(2, (4,))
    one[:, 0, 1] = 0.25  # constant
    one[:, 1, 2] = 0.2 + 1e-4 * one[:, 1, 2]  # hardly moves
    two[:, 0, 3] = -one[:, 0, 0]
    plan = keep_plan(tmp_path)
    found = all_pairs(plan, keep_states(tmp_path / "a", one, SIZES), keep_states(tmp_path / "b", two, (4,)))
    mine, other = flat(one, SIZES), flat(two, (4,))
    assert found.r is not None
    assert found.r_residual is not None
    np.testing.assert_allclose(found.r, correlations(mine, other), atol=2e-5)
    rows = matching_plan(*words(), 40)
    row, position = rows["type_row"].values, rows["position"].values
    assert (row < 0).any()
    left = [residuals(values, row, position) for values in (mine, other)]
    expected = correlations(left[0] * 1e3, left[1])
    expected[1] = np.nan
    np.testing.assert_allclose(found.r_residual, expected, atol=2e-4)
    assert found.r[0, 3] == -1
    assert found.n_token == N_TIME
    assert found.n_token_residual == (row >= 0).sum()
    np.testing.assert_allclose(found.sd, other.std(axis=0), rtol=1e-4)


def test_a_neuron_that_words_and_places_decide_has_no_residual(tmp_path: Path) -> None:
    hidden = speaking(3, (3,), noise=0)
    type_id, position = words()
    hidden[:, 0, 0] = np.sin(type_id) / 2 + np.minimum(position, 60) / 128
    states = keep_states(tmp_path / "a", hidden, (3,))
    found = all_pairs(keep_plan(tmp_path), states, states)
    assert found.r is not None
    assert found.r_residual is not None
    assert np.isnan(found.r_residual[0]).all()
    assert np.isfinite(found.r[0, 1:]).all()


@pytest.mark.parametrize("size", [1, 3, 256])
def test_blocks_of_any_size_give_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    states = keep_states(tmp_path / "a", speaking(1, SIZES), SIZES)
    plan = keep_plan(tmp_path)
    expected = all_pairs(plan, states, states)
    monkeypatch.setattr(pair_tasks, "PAIR_NEURONS", size)
    found = all_pairs(plan, states, states)
    for name in ("mine", "r", "r_residual"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.r is not None
    np.testing.assert_array_equal(found.r, found.r.T)
    assert np.isnan(np.diagonal(found.r)).all()


def test_without_all_pairs_the_best_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = keep_states(tmp_path / "a", speaking(1, SIZES), SIZES)
    plan = keep_plan(tmp_path)
    expected = all_pairs(plan, states, states)
    monkeypatch.setattr(neuron_pairs, "MOST_WHOLE", 4)
    found = all_pairs(plan, states, states)
    assert found.r is None
    np.testing.assert_array_equal(found.mine, expected.mine)
    result = within_model(found, SIZES, 0)
    assert (result["family"].values == -1).all()
    assert np.isnan(result["excess_r"].values).all()


def test_a_duplicate_and_a_negated_one_are_found(tmp_path: Path) -> None:
    hidden = speaking(5, SIZES)
    hidden[:, 1, 0], hidden[:, 0, 4] = hidden[:, 0, 2], -hidden[:, 0, 3]
    states = keep_states(tmp_path / "a", hidden, SIZES)
    found = within_model(all_pairs(keep_plan(tmp_path), states, states), SIZES, 0)
    assert found["duplicate"].values.tolist() == [[-1, -1, 2, 3, 3], [2, -1, -1, -1, -1]]
    best = found.isel(rank=0)
    assert (int(best["best_layer"][1, 0]), int(best["best_neuron"][1, 0])) == (0, 2)
    assert float(best["r"][0, 4]) == float(best["r"][0, 3]) == -1
    assert float(best["r_residual"][0, 4]) == pytest.approx(-1, abs=1e-4)
    copies = [(0, 2), (0, 3), (0, 4), (1, 0)]
    assert all(found["mutual"].values[place] == 1 and found["excess_r"].values[place] > 0.05 for place in copies)
    assert np.isnan(found["r_rotated"].values[1, 3:]).all()
    assert (best["best_layer"].values[1, 3:] == -1).all()


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_above_the_baseline(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = (np.tanh(rng.standard_normal((N_TIME, 1, 20))).astype(np.float32) for _ in range(2))
    plan = keep_plan(tmp_path)
    mine, other = (keep_states(tmp_path / name, hidden, (20,)) for name, hidden in (("a", one), ("b", two)))
    found = within_model(all_pairs(plan, mine, mine), (20,), seed)
    assert abs(float(found["excess_r"].mean())) < 0.01
    assert float(found["excess_r"].max()) < 0.05
    pairs, within = all_pairs(plan, mine, other), all_pairs(plan, other, other)
    between = between_models(pairs, ((20,), (20,)), within, None, seed)
    assert abs(float(between["excess_r"].mean())) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_a_permutation_is_recovered(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden, order, sign = speaking(seed, (12,)), rng.permutation(12), rng.choice([-1, 1], 12)
    noise = 0.02 * rng.standard_normal(hidden.shape)
    turned = (hidden[:, :, order] * sign + noise).astype(np.float32)
    mine, other = (keep_states(tmp_path / name, one, (12,)) for name, one in (("a", hidden), ("b", turned)))
    plan = keep_plan(tmp_path)
    found = between_models(
        all_pairs(plan, mine, other), ((12,), (12,)), all_pairs(plan, other, other), np.full(12, 0.6), seed
    )
    place = np.argsort(order)
    assert found["best_neuron"].values[0, 0].tolist() == place.tolist()
    assert found["assigned_neuron"].values[0].tolist() == place.tolist()
    assert found["other_best_neuron"].values[0, 0].tolist() == order.tolist()
    assert (found["mutual"].values == 1).all()
    assert (np.sign(found["r"].values[0, 0]) == sign[place]).all()
    np.testing.assert_allclose(found["excess_r"].values, np.abs(found["r"].values[0]) - 0.6, atol=1e-6)
    assert (found["r_rotated"].values < np.abs(found["r"].values[0])).all()


def test_models_of_different_sizes_have_partners_for_the_smaller(tmp_path: Path) -> None:
    hidden = speaking(7, SIZES)
    small = hidden[:, :1, :3][:, :, ::-1].copy()
    mine, other = keep_states(tmp_path / "a", hidden, SIZES), keep_states(tmp_path / "b", small, (3,))
    found = between_models(all_pairs(keep_plan(tmp_path), mine, other), (SIZES, (3,)), None, None, 0)
    assert found["assigned_neuron"].values.tolist() == [[2, 1, 0, -1, -1], [-1, -1, -1, -1, -1]]
    assert found["other_best_neuron"].values[0].tolist() == [[2, 1, 0]]
    assert found["other_r"].values[0, 0] == pytest.approx([1, 1, 1])
    assert np.isnan(found["assigned_r"].values[1]).all()


def test_missing_rows_are_refused(tmp_path: Path) -> None:
    hidden = speaking(1, (3,))
    hidden[700] = np.nan
    states = keep_states(tmp_path / "a", hidden, (3,))
    with pytest.raises(UserError, match="are missing between the tokens 0 and 1500"):
        all_pairs(keep_plan(tmp_path), states, states)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))
def test_the_best_of_parts_are_the_best_of_all(n: int, cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    r = rng.choice([-1, -0.5, 0, 0.25, 0.5, np.nan], (n, 9)).astype(np.float32)
    whole = best_of(r, r / 2, 0)
    parts = [best_of(part, part / 2, first) for part, first in ((r[:, :cut], 0), (r[:, cut:], cut))]
    np.testing.assert_array_equal(merge_best(parts[::-1]), whole)
    np.testing.assert_array_equal(merge_best([whole, empty_best(n)]), whole)
    for row, places in zip(r, whole.place, strict=True):
        order = sorted((-abs(value), at) for at, value in enumerate(row) if not np.isnan(value))
        expected = [at for _, at in order[:N_BEST]]
        assert places.tolist() == expected + [-1] * (N_BEST - len(expected))


def test_families_are_those_of_scipy() -> None:
    r = np.corrcoef(np.random.default_rng(0).standard_normal((12, 6)))
    label = fcluster(linkage(squareform(np.round(1 - np.abs(r), 12)), "average"), 0.5, "distance")
    found = families(r, 0.5)
    assert 0 < len(np.unique(found)) < 12
    for i in range(12):
        members = np.flatnonzero(label == label[i])
        assert found[i] == (members[0] if len(members) > 1 else -1)
    with_constant = np.full((13, 13), np.nan)
    with_constant[1:, 1:] = r
    assert families(with_constant, 0.5).tolist() == [-1, *np.where(found >= 0, found + 1, -1)]
    assert families(np.full((2, 2), np.nan), 0.5).tolist() == [-1, -1]


def test_partners_have_the_largest_sum() -> None:
    r = np.array([[0.9, -0.8, 0.1], [-0.85, 0.2, np.nan]])
    assert assign_one_to_one(r).tolist() == [1, 0]
    assert assign_one_to_one(r.T).tolist() == [1, 0, -1]
    assert assign_one_to_one(np.full((2, 2), np.nan)).tolist() == [-1, -1]
    assert mutual_best(np.array([1, -1, 0]), np.array([0, 0])).tolist() == [1, -1, 0]


def test_rotations_are_those_of_rotated_states() -> None:
    rng = np.random.default_rng(0)
    mine, other = rng.standard_normal((200, 3)), rng.standard_normal((200, 4)) * [1, 5, 0.1, 2]
    mine[:, 0] += other[:, 1]
    r, within = correlations(mine, other), correlations(other, other)
    found = rotated_best(r, within, other.std(axis=0), [slice(0, 4)], seed=3)
    draws, expected = np.random.default_rng(3), []
    for _ in range(8):
        turned = other @ random_rotation(4, draws)
        expected.append(np.abs(correlations(mine, turned)).max(axis=1))
    np.testing.assert_allclose(found, np.mean(expected, axis=0))
    turn = random_rotation(5, draws)
    np.testing.assert_allclose(turn @ turn.T, np.eye(5), atol=1e-12)


def test_fingerprints_are_correlated_over_concepts() -> None:
    rng = np.random.default_rng(0)
    mine, other = rng.random((9, 4)), rng.random((9, 3))
    other[:, 2] = 1 - mine[:, 1]
    mine[:, 0] = 0.5
    mine[3, 3] = np.nan
    found = fingerprint_correlation(mine, other)
    assert np.isnan(found[[0, 3]]).all()
    np.testing.assert_allclose(found[1:3], correlations(mine, other)[1:3])
    assert found[1, 2] == pytest.approx(-1)


def test_sums_of_nothing_are_undefined() -> None:
    sums, defined = ProductSums(2, 3), (np.zeros(2, bool), np.zeros(3, bool))
    assert np.isnan(sums.correlation(*defined)).all()
    assert by_layer(np.arange(3.0), (1, 2))[0, 1] != by_layer(np.arange(3.0), (1, 2))[0, 1]
