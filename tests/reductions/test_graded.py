"""Exact sums by value of graded variables, and the curves read off them."""

from itertools import pairwise

import numpy as np
import pytest
import reference
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_graded import EDGES, row_of

from lstm_analysis import schema
from lstm_analysis.errors import UserError
from lstm_analysis.reductions import (
    empty_summary,
    graded_tuning,
    merge_summaries,
    plan_type_rows,
    summarize_block,
    tuning_curve,
    value_rows,
)

N = 300


@pytest.fixture(scope="module")
def block():
    """States of 2 x 3 neurons, the last one absent, types, documents, and three variables; one is never there."""
    rng = np.random.default_rng(0)
    values = np.tanh(rng.normal(size=(N, 2, 3))).astype(np.float32)
    values[:, 1, 2] = np.nan
    values[:, 0, 1] = 0.5
    graded = {"depth": rng.integers(-1, 5, N), "column": rng.integers(0, 2500, N), "never": np.full(N, -1)}
    return values, rng.integers(0, 20, N), np.arange(N) // 50, graded


def summarized(block, chosen=slice(None)):
    values, types, document, graded = block
    return summarize_block(
        values[chosen],
        np.zeros((N, 1), np.int8)[chosen],
        bin_edge=np.zeros((2, 3, 1), np.float32),
        type_id=types[chosen],
        document=document[chosen],
        type_rows=plan_type_rows(np.bincount(types), np.arange(0, N, 50), N, min_token=12),
        graded={name: column[chosen] for name, column in graded.items()},
    )


def test_the_rows_are_those_of_the_vocabulary():
    assert tuple(EDGES) == schema.VALUE_EDGES
    column = np.array([-1, *range(3000), 10**6])
    coordinate = [-1, *EDGES]
    assert [coordinate[row] for row in value_rows(column)] == [-1 if row_of(v) is None else row_of(v) for v in column]
    with pytest.raises(UserError, match="found -2"):
        value_rows(np.array([0, -2]))


def test_sums_equal_a_loop(block):
    values, types, _, graded = block
    summary = summarized(block)
    frequent = np.bincount(types)[types] >= 12
    assert 0 < frequent.sum() < N
    for name, column in graded.items():
        for edge in [-1, *EDGES]:
            rows = [t for t in range(N) if (-1 if row_of(column[t]) is None else row_of(column[t])) == edge]
            at = summary.sel(variable=name, variable_value=edge)
            assert int(at.graded_n_token) == len(rows)
            total, squares = reference.moments(values[rows, 0, 0])
            assert int(at.graded_value_sum[0, 0]) == total
            high, low = int(at.graded_square_sum_high[0, 0]), int(at.graded_square_sum_low[0, 0])
            assert (high << 32) + low == squares
            of_table = [t for t in rows if frequent[t]]
            assert int(at.graded_table_value_sum[0, 0]) == reference.moments(values[of_table, 0, 0])[0]
            assert int(at.graded_type_n_token.sum()) == len(of_table)
    by_type = summary.graded_type_n_token.sum("variable_value")
    np.testing.assert_array_equal(by_type, np.broadcast_to(summary.type_n_token, by_type.shape))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, N), max_size=4))
def test_however_tokens_are_cut_the_sums_are_the_same_to_the_bit(block, cuts):
    edges = [0, *sorted(cuts), N]
    parts = [summarized(block, slice(a, b)) for a, b in pairwise(edges)]
    whole = summarized(block)
    merged = empty_summary(whole)
    for part in reversed(parts):
        merged = merge_summaries(merged, part)
    names = [name for name in whole.data_vars if str(name).startswith("graded_")]
    assert len(names) == 6
    xr.testing.assert_identical(merged[names], whole[names])


def test_summaries_of_other_variables_are_not_merged(block):
    one = summarized(block)
    with pytest.raises(UserError, match="variable coordinates differ"):
        merge_summaries(one, one.assign_coords(variable=["depth", "row", "never"]))


def test_curves_and_shares_equal_loops(block):
    values, _, _, graded = block
    found = graded_tuning(summarized(block))
    assert found.variable_value.values.tolist() == EDGES
    for name, column in graded.items():
        rows = [row_of(value) for value in column]
        of = found.sel(variable=name)
        assert int(of.n_token_missing) == rows.count(None)
        for edge in (0, 3, 100, 1000):
            here = [float(values[t, 0, 2]) for t in range(N) if rows[t] == edge]
            curve = of.sel(variable_value=edge).isel(layer=0, neuron=2)
            np.testing.assert_allclose(curve.tuning_mean, reference.mean(here), atol=1e-12)
            np.testing.assert_allclose(curve.tuning_sd, reference.variance(here) ** 0.5, atol=1e-12)
        there = [t for t in range(N) if rows[t] is not None]
        if there:
            expected = reference.eta2(values[there, 0, 2], [rows[t] for t in there])
            assert of.eta2[0, 2].item() == pytest.approx(expected, abs=1e-12)
    assert found.eta2.sel(variable="never").isnull().all()
    assert found.eta2[:, 0, 1].isnull().all(), "constant"
    assert found.eta2[:, 1, 2].isnull().all(), "absent"
    assert found.tuning_mean[:, :, 1, 2].isnull().all()


def test_a_variable_with_one_value_has_no_share(block):
    values, types, document, _ = block
    found = graded_tuning(summarized((values, types, document, {"same": np.full(N, 7)})))
    assert found.eta2.isnull().all()
    assert found.n_token.sel(variable_value=7).item() == N


def test_the_public_curve_by_a_column(block):
    values, _, _, graded = block
    states = xr.DataArray(values, dims=("time", "layer", "neuron"))
    for name in ("depth", "column"):
        by = xr.DataArray(graded[name], dims="time", name=name)
        curve = tuning_curve(states, by)
        expected = graded_tuning(summarized(block)).sel(variable=name, drop=True)
        xr.testing.assert_equal(curve, expected[["tuning_mean", "tuning_sd", "n_token"]])
        lazy = tuning_curve(states.chunk(time=70), by.chunk(time=50))
        assert lazy.tuning_mean.chunks is not None
        xr.testing.assert_equal(lazy.compute(), curve)


def test_columns_of_other_tokens_are_refused(block):
    values, types, document, graded = block
    with pytest.raises(UserError, match=f"{N} tokens, depth has {N - 1}"):
        summarized((values, types, document, {"depth": graded["depth"][1:]}))
