"""Two-way effects against least squares on explicit dummies, and what cannot be separated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.errors import UserError
from lstm_analysis.statistics.two_way import two_way_effects


def tables(types, groups, values, n_type, n_group):
    """Sums and pair counts of tokens."""
    type_sum, group_sum = np.zeros((n_type, values.shape[1])), np.zeros((n_group, values.shape[1]))
    np.add.at(type_sum, types, values)
    np.add.at(group_sum, groups, values)
    pair, n = np.unique(types * n_group + groups, return_counts=True)
    return type_sum, group_sum, pair // n_group, pair % n_group, n


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 5), st.integers(8, 60))
def test_effects_equal_least_squares_on_dummies(seed, n_type, n_group, n_token):
    rng = np.random.default_rng(seed)
    types, groups = rng.integers(0, n_type, n_token), rng.integers(0, n_group, n_token)
    values = rng.standard_normal((n_token, 3)) + groups[:, None]
    found = two_way_effects(*tables(types, groups, values, n_type, n_group))
    dummies = np.hstack([np.eye(n_type)[types], np.eye(n_group)[groups]])
    expected = np.linalg.lstsq(dummies, values, rcond=None)[0]
    fitted = found.type_effect[types] + found.group_effect[groups]
    assert fitted == pytest.approx(dummies @ expected, abs=1e-9)
    assert np.isnan(found.type_effect).all(axis=1).tolist() == [t not in types for t in range(n_type)]
    if found.n_component == 1:
        centred = expected[:n_type] + expected[n_type:][groups].mean(axis=0)
        seen = np.unique(types)
        assert found.type_effect[seen] == pytest.approx(centred[seen], abs=1e-9)
        assert found.group_effect[groups].sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)


def test_rare_and_frequent_types_take_the_same_road(monkeypatch):
    rng = np.random.default_rng(0)
    types, groups = rng.integers(0, 30, 400), rng.integers(0, 40, 400)
    given_tables = tables(types, groups, rng.standard_normal((400, 2)), 30, 40)
    found = []
    for dense_from, block in ((0.0, 2**22), (2.0, 2**22), (0.2, 50)):
        monkeypatch.setattr("lstm_analysis.statistics.two_way._DENSE_FROM", dense_from)
        monkeypatch.setattr("lstm_analysis.statistics.two_way._BLOCK", block)
        found.append(two_way_effects(*given_tables).type_effect)
    assert found[1] == pytest.approx(found[0], abs=1e-12)
    assert found[2] == pytest.approx(found[0], abs=1e-12)


def test_one_group_gives_plain_means():
    values = np.array([[1.0], [2.0], [6.0]])
    found = two_way_effects(*tables(np.array([0, 0, 1]), np.zeros(3, int), values, 2, 1))
    assert found.type_effect.ravel() == pytest.approx([1.5, 6.0])
    assert found.n_component == 1


def test_parts_that_share_no_word_are_counted():
    types, groups = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3])
    found = two_way_effects(*tables(types, groups, np.arange(4.0)[:, None], 2, 4))
    assert found.n_component == 2
    assert found.type_effect.ravel() == pytest.approx([0.5, 2.5])


def test_sums_of_other_tokens_are_refused():
    type_sum, group_sum, *pairs = tables(np.array([0, 1, 1]), np.array([0, 0, 1]), np.ones((3, 1)), 2, 2)
    with pytest.raises(UserError, match=r"neuron 0 a document group's mean is off"):
        two_way_effects(type_sum + 1, group_sum, *pairs)
    with pytest.raises(UserError, match="no solution"):
        two_way_effects(type_sum * np.nan, group_sum, *pairs)


def test_inputs_are_unchanged():
    given_tables = tables(np.array([0, 1, 1]), np.array([0, 0, 1]), np.ones((3, 1)), 2, 2)
    before = [array.copy() for array in given_tables]
    two_way_effects(*given_tables)
    assert all(np.array_equal(a, b) for a, b in zip(before, given_tables, strict=True))
