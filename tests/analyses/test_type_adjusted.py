"""The share of variance between positions after word types, against least squares with dummy variables."""

import numpy as np
import pytest
from one_pass_tables import one_pass

from lstm_analysis.analyses.sentence_position import eta2_type_adjusted
from lstm_analysis.errors import UserError


def least_squares(h, type_id, position):
    """Slow reference: residuals of the two models with dummy variables."""
    types = np.eye(type_id.max() + 1)[type_id]
    types = types[:, types.any(axis=0)]
    both = np.concatenate([types, np.eye(61)[np.minimum(position, 60)]], axis=1)
    left = []
    for design in (types, both):
        fitted = design @ np.linalg.lstsq(design, h, rcond=None)[0]
        left.append(((h - fitted) ** 2).sum(axis=0) / (len(h) - np.linalg.matrix_rank(design)))
    return 1 - left[1] / left[0]


def text(rng, n=800, n_type=25):
    """Words that prefer positions; the last type only ever stands at position 70."""
    position = rng.integers(0, 15, n)
    type_id = (position + rng.integers(0, n_type - 1, n) * rng.integers(0, 2, n)) % (n_type - 1)
    last = rng.random(n) < 0.05
    return np.where(last, n_type - 1, type_id), np.where(last, 70, position)


def test_equals_least_squares_with_dummy_variables():
    rng = np.random.default_rng(0)
    type_id, position = text(rng)
    effect = rng.normal(size=(25, 5))[type_id] + 0.1 * position[:, None] * np.arange(5)
    h = np.tanh(0.3 * effect + 0.2 * rng.normal(size=(800, 5))).astype(np.float32)
    found = eta2_type_adjusted(one_pass(h, type_id, position))
    wanted = least_squares(h.astype(float), type_id, position)
    np.testing.assert_allclose(found.eta2_type_adjusted.values[0], wanted, atol=1e-7)
    assert int(found.n_token_in_table) == 800


def test_is_zero_on_average_for_words_that_prefer_positions():
    rng = np.random.default_rng(1)
    type_id, position = text(rng)
    h = np.tanh(0.5 * rng.normal(size=(25, 300))[type_id] + 0.2 * rng.normal(size=(800, 300))).astype(np.float32)
    found = eta2_type_adjusted(one_pass(h, type_id, position)).eta2_type_adjusted.values[0]
    assert abs(found.mean()) < 4 * found.std() / 300**0.5
    by_position = np.stack([h[position == p].mean(axis=0) for p in range(15)])
    assert by_position.var(axis=0).mean() > 0.01, "the words alone make a tuning curve"


def test_rarer_types_are_left_out():
    rng = np.random.default_rng(2)
    type_id, position = text(rng)
    type_id[:10] = np.arange(25, 35)
    h = np.tanh(rng.normal(size=(800, 2))).astype(np.float32)
    found = eta2_type_adjusted(one_pass(h, type_id, position, min_token=5))
    kept = np.bincount(type_id)[type_id] >= 5
    np.testing.assert_allclose(
        found.eta2_type_adjusted.values[0],
        least_squares(h[kept].astype(float), type_id[kept], position[kept]),
        atol=1e-7,
    )
    assert int(found.n_token_in_table) == kept.sum()


def test_a_neuron_that_its_words_decide_is_undefined():
    rng = np.random.default_rng(3)
    type_id, position = text(rng)
    h = np.stack([np.tanh(type_id / 9), np.full(800, 0.4), np.tanh(position / 9)], axis=1).astype(np.float32)
    tables = one_pass(h, type_id, position)
    found = eta2_type_adjusted(tables).eta2_type_adjusted.values[0]
    assert np.isnan(found[:2]).all()
    assert found[2] == pytest.approx(1)
    absent = tables.assign(value_min=(("layer", "neuron"), [[0.0, 0.0, np.nan]]))
    assert np.isnan(eta2_type_adjusted(absent).eta2_type_adjusted.values).all()


def test_empty_tables_and_missing_ones():
    tables = one_pass(np.zeros((3, 2), np.float32), np.arange(3), np.arange(3), min_token=2)
    assert np.isnan(eta2_type_adjusted(tables).eta2_type_adjusted).all()
    with pytest.raises(UserError, match="position_table_value_sum"):
        eta2_type_adjusted(tables.drop_vars("position_table_value_sum"))
