"""Sums by type and by group of documents against slow loops, for any cutting of the tokens."""

from itertools import pairwise

import numpy as np
import pytest
import reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from small_study import make_study

from lstm_analysis.errors import UserError
from lstm_analysis.reductions import (
    PairCounter,
    TypeRows,
    empty_summary,
    group_documents,
    merge_summaries,
    pilot_edges,
    plan_type_rows,
    summarize_block,
)
from lstm_analysis.reductions.type_table import MAX_GROUP, MIN_GROUP_TOKEN

N_TYPE = 7


@pytest.fixture
def world():
    """States, labels and columns of 60 tokens; types 0 to 6 of which 0, 2 and 5 have a row, three groups."""
    states, labels, columns = make_study()
    rng = np.random.default_rng(1)
    arrays = {name: column.values for name, column in columns.items()}
    arrays |= {"type_id": rng.integers(0, N_TYPE, 60), "document": np.arange(60) // 12, "time": np.arange(60)}
    rows = TypeRows(np.array([0, -1, 1, -1, -1, 2, -1], np.int32), np.array([0, 0, 1, 2, 2], np.int32))
    return states, labels, arrays, rows, pilot_edges(states, n_bin=8).values


def summarize(world, chosen=slice(None)):
    states, labels, arrays, rows, edges = world
    part = {name: column[chosen] for name, column in arrays.items()}
    label = labels.label.values[chosen]
    return summarize_block(states.values[chosen], label, bin_edge=edges, type_rows=rows, **part)


def test_sums_equal_the_loop(world):
    states, labels, arrays, rows, _ = world
    summary, label = summarize(world), labels.label.values
    row, position = rows.type_row[arrays["type_id"]], np.minimum(arrays["sentence_position"], 60)
    group = rows.document_group[arrays["document"]]
    for r in range(3):
        assert summary.type_n_token[r] == (row == r).sum()
        for k in range(label.shape[1]):
            assert summary.type_target_n_token[k, r] == ((row == r) & (label[:, k] == 1)).sum()
            assert summary.type_labelled_n_token[k, r] == ((row == r) & (label[:, k] >= 0)).sum()
        for p in range(61):
            assert summary.position_type_n_token[p, r] == ((row == r) & (position == p)).sum()
    for i, j in np.ndindex(states.shape[1:]):
        column = states.values[:, i, j]
        for r in range(3):
            assert summary.type_value_sum[r, i, j] == reference.moments(column[row == r])[0]
            known = (row >= 0) & (group == r)
            assert summary.document_group_value_sum[r, i, j] == reference.moments(column[known])[0]
            assert summary.document_group_n_token[r] == known.sum()
        for p in range(61):
            at = (row >= 0) & (position == p)
            assert summary.position_table_value_sum[p, i, j] == reference.moments(column[at])[0]
        found = summary.isel(layer=i, neuron=j)
        squares = int(found.table_square_sum_high) * 2**32 + int(found.table_square_sum_low)
        assert squares == reference.moments(column[row >= 0])[1]


@pytest.mark.parametrize("seed", range(5))
def test_any_cutting_and_any_order_of_merging_give_the_same_bits(world, seed):
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.choice(np.arange(61), rng.integers(1, 9)))
    parts = [summarize(world, slice(a, b)) for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
    parts = [parts[i] for i in rng.permutation(len(parts))]
    merged = empty_summary(parts[0])
    for part in parts:
        merged = merge_summaries(merged, part)
    whole = summarize(world)
    names = [name for name in whole if not str(name).startswith("context")]
    xr.testing.assert_identical(merged[names], whole[names])


def test_an_absent_neuron_adds_nothing(world):
    states, *rest = world
    values = states.copy()
    values[:, 1, 2] = np.nan
    summary = summarize((values, *rest))
    assert (summary.type_value_sum[:, 1, 2] == 0).all()
    assert (summary.type_value_sum[:, 1, 1] != 0).any()


def test_types_and_documents_of_another_corpus_are_refused(world):
    *_, rows, _ = world
    with pytest.raises(UserError, match="types of the type table are 0 to 1, found 6"):
        summarize((*world[:3], TypeRows(rows.type_row[:2], rows.document_group), world[4]))
    with pytest.raises(UserError, match="documents of the type table are 0 to 2, found 4"):
        summarize((*world[:3], TypeRows(rows.type_row, rows.document_group[:3]), world[4]))


def test_frequent_types_have_a_row_in_the_order_of_their_numbers():
    rows = plan_type_rows(np.array([4, 9, 5, 0, 5]), np.array([0]), 23)
    assert rows.type_row.tolist() == [-1, 0, 1, -1, 2]
    assert rows.table_type_id.tolist() == [1, 2, 4]
    rows = plan_type_rows(np.array([4, 9, 5, 0, 5]), np.array([0]), 23, max_type=2)
    assert rows.type_row.tolist() == [-1, 0, 1, -1, -1]
    assert plan_type_rows(np.array([1, 2]), np.array([0]), 3).n_type == 0


@pytest.mark.parametrize("n_document", [1, 3, 200, 20_000])
def test_groups_are_neighbours_with_tokens_enough(n_document):
    lengths = np.random.default_rng(0).integers(1, 300, n_document)
    start, n_token = np.concatenate([[0], lengths.cumsum()[:-1]]), int(lengths.sum())
    group = group_documents(start, n_token)
    tokens = np.bincount(group, lengths)
    assert set(np.diff(group)) <= {0, 1}
    assert (tokens[:-1] >= MIN_GROUP_TOKEN).all()
    assert len(tokens) <= MAX_GROUP


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=40),
    st.lists(st.integers(0, 40), max_size=5),
)
def test_pairs_equal_the_loop_however_the_corpus_is_cut(tokens, cuts):
    row = np.array([pair[0] for pair in tokens], np.int64)
    group = np.cumsum([pair[1] // 2 for pair in tokens]).astype(np.int64)
    expected = {}
    for pair in zip(group.tolist(), row.tolist(), strict=True):
        expected[pair] = expected.get(pair, 0) + 1
    counter, found = PairCounter(), []
    for first, last in pairwise([0, *sorted(min(cut, len(row)) for cut in cuts), len(row)]):
        found.append(counter.add(row[first:last], group[first:last]))
    found.append(counter.close())
    assert np.concatenate(found).tolist() == [[r, g, n] for (g, r), n in sorted(expected.items())]
    assert len(counter.close()) == 0
