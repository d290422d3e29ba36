"""Which documents shift together, and on which grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.errors import UserError
from lstm_analysis.statistics.shift_plan import N_SHIFT_GROUP, plan_shifts

LENGTHS = st.lists(st.one_of(st.integers(1, 140), st.integers(1, 20_000)), min_size=1, max_size=300)


@given(LENGTHS)
def test_every_document_has_a_closed_grid_and_a_group_of_its_kind(lengths):
    plan = plan_shifts(np.array(lengths), draws=3, seed=0)
    length, n_lag = plan.document_length, plan.n_lag
    rest = -(-length // n_lag) * n_lag - length
    assert (n_lag[length <= 128] == length[length <= 128]).all()
    assert ((n_lag >= 64) & (n_lag <= 128))[length > 128].all()
    assert (rest < np.maximum(n_lag, 1)).all()
    grouped = plan.shift_group >= 0
    assert (grouped == (length > 1)).all()
    assert (plan.group_n_lag[plan.shift_group[grouped]] == n_lag[grouped]).all()
    assert set(plan.shift_group[grouped]) == set(range(len(plan.group_n_lag)))
    assert len(plan.group_n_lag) <= 2 * N_SHIFT_GROUP + 64
    if len(lengths) <= N_SHIFT_GROUP:
        assert len(plan.group_n_lag) == grouped.sum()


def test_a_thousand_documents_of_a_kind_share_128_groups():
    plan = plan_shifts(np.full(26_440, 28), draws=1, seed=0)
    assert len(plan.group_n_lag) == N_SHIFT_GROUP
    assert (np.diff(plan.shift_group) >= 0).all()
    assert np.bincount(plan.shift_group).min() >= 206


def test_the_first_draw_is_the_corpus_and_others_take_each_lag_equally_often():
    plan = plan_shifts(np.array([10, 100]), draws=20_000, seed=3)
    assert (plan.lag[:, 0] == 0).all()
    for lag, n in zip(plan.lag, plan.group_n_lag, strict=True):
        counts = np.bincount(lag[1:], minlength=n)
        assert len(counts) == n
        assert np.abs(counts / counts.mean() - 1).max() < 6 / np.sqrt(counts.mean())


def test_more_draws_begin_with_the_fewer():
    few, many = (plan_shifts(np.array([70, 90, 5000]), draws, seed=1).lag for draws in (10, 50))
    np.testing.assert_array_equal(few, many[:, :11])
    assert not np.array_equal(many, plan_shifts(np.array([70, 90, 5000]), 50, seed=2).lag)


def test_memory_does_not_grow_with_documents():
    few, many = (plan_shifts(np.full(n, 28), 999, seed=0).memory(50, 65) for n in (200, 20_000))
    assert few == many < 64 << 20


def test_an_empty_document_is_refused():
    with pytest.raises(UserError, match="Document 1 has no token"):
        plan_shifts(np.array([3, 0, 2]), 9, seed=0)
