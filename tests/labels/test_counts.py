import pickle
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis.labels import LabelCounts, count_block, counts, empty_concepts

N_TYPE, N_DOCUMENT = 5, 3


@st.composite
def labelled_tokens(draw):
    n_token, n_concept = draw(st.integers(1, 20)), draw(st.sampled_from([1, 3, 8, 64, 65, 130]))
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    return (
        generator.integers(-1, 2, (n_token, n_concept)).astype(np.int8),
        generator.integers(0, N_TYPE, n_token).astype(np.int32),
        generator.integers(0, N_DOCUMENT, n_token),
    )


def counted(*blocks):
    total = LabelCounts.empty([f"c{k}" for k in range(blocks[0][0].shape[1])], N_TYPE, N_DOCUMENT)
    for block in blocks:
        total.update(*block)
    return total


@settings(max_examples=30)
@given(labelled_tokens())
def test_counts_equal_the_loop(tokens):
    label, type_id, document = tokens
    result = counted(tokens).finalise()
    assert result.n_token.dims == result.n_type.dims == result.n_document.dims == ("concept", "group")
    for k in range(label.shape[1]):
        for group, value in (("baseline", 0), ("target", 1)):
            rows = [t for t in range(len(label)) if label[t, k] == value]
            found = result.isel(concept=k).sel(group=group)
            assert found.n_token == len(rows)
            assert found.n_type == len({type_id[t] for t in rows})
            assert found.n_document == len({document[t] for t in rows})


@settings(max_examples=40)
@given(labelled_tokens(), st.lists(st.integers(0, 20), max_size=5), st.randoms())
def test_blocks_in_any_order_and_merged_in_any_way_give_the_same(tokens, borders, random):
    places = sorted({0, len(tokens[0]), *(border % len(tokens[0]) for border in borders)})
    blocks = [tuple(a[i:j] for a in tokens) for i, j in pairwise(places)]
    random.shuffle(blocks)
    whole = counted(tokens).finalise()
    xr.testing.assert_identical(counted(*blocks).finalise(), whole)
    merged = counted((tokens[0][:0], tokens[1][:0], tokens[2][:0]))
    for block in blocks:
        merged = counted(block).merge(merged)
    xr.testing.assert_identical(merged.finalise(), whole)


def test_merge_changes_neither_side():
    block = (np.ones((2, 1), np.int8), np.array([0, 1], np.int32), np.array([0, 0]))
    one, other = counted(block), LabelCounts.empty(["c0"], N_TYPE, N_DOCUMENT)
    one.merge(other).update(*block)
    assert one.finalise().n_token.values.tolist() == [[0, 2]]
    assert other.finalise().n_token.values.tolist() == [[0, 0]]


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_inner_steps_change_nothing(monkeypatch, rows):
    generator = np.random.default_rng(0)
    tokens = (
        generator.integers(-1, 2, (15, 70)).astype(np.int8),
        generator.integers(0, N_TYPE, 15),
        generator.integers(0, N_DOCUMENT, 15),
    )
    whole = counted(tokens).finalise()
    monkeypatch.setattr(counts, "_ROWS_AT_ONCE", rows)
    xr.testing.assert_identical(counted(tokens).finalise(), whole)


def test_what_travels_grows_with_the_block_and_not_with_the_corpus():
    label = np.array([[1, 0], [0, 1], [1, 1]], np.int8)
    block = count_block(label, np.array([7, 900_000, 7]), np.array([5, 5, 6]))
    assert block.types.tolist() == [7, 900_000]
    assert block.documents.tolist() == [5, 6]
    assert len(pickle.dumps(block)) < 2_000
    total = LabelCounts.empty(["c0", "c1"], 1_000_000, 10)
    total.add(block)
    assert total.finalise().n_type.values.tolist() == [[1, 1], [1, 2]]


def test_concepts_without_target_are_named():
    label = np.array([[0, 1, -1], [0, 0, -1]], np.int8)
    table = counted((label, np.zeros(2, np.int32), np.zeros(2, np.int64))).finalise()
    assert empty_concepts(table) == ["c0", "c2"]
