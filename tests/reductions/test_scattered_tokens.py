"""Blocks of tokens that do not lie side by side in the corpus."""

import functools
import itertools

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from small_study import make_study

from lstm_analysis.errors import UserError
from lstm_analysis.reductions import merge_summaries, pilot_edges, summarize, summarize_block
from lstm_analysis.reductions.context import find_contexts

N_TOKEN = 60
CUTS = st.lists(st.integers(1, N_TOKEN - 1), max_size=8, unique=True).map(lambda cuts: [0, *sorted(cuts), N_TOKEN])


@functools.cache
def study():
    states, labels, columns = make_study(N_TOKEN)
    return states, labels, columns, pilot_edges(states, 8).values


def block(time):
    """Return the summary of some tokens."""
    states, labels, columns, edges = study()
    arrays = {name: column.values[time] for name, column in columns.items()}
    return summarize_block(states.values[time], labels.label.values[time], bin_edge=edges, time=time, **arrays)


def neighbour(time, t, offset):
    """Whether the token at an offset from t lies in the block's stretch around t."""
    between = range(min(t, t + offset), max(t, t + offset) + 1)
    return set(between) <= set(time)


@settings(max_examples=25)
@given(CUTS, st.integers(1, 3), st.data())
def test_stretches_dealt_to_blocks_merge_to_the_whole(cuts, n_block, data):
    stretches = [np.arange(a, b) for a, b in itertools.pairwise(cuts)]
    owner = np.array([data.draw(st.integers(0, n_block - 1)) for _ in stretches])
    times = [np.concatenate([s for s, o in zip(stretches, owner, strict=True) if o == i]) for i in set(owner.tolist())]
    merged, whole = functools.reduce(merge_summaries, map(block, times)), block(np.arange(N_TOKEN))
    for name in set(whole.variables) - {"context_value"}:
        assert merged[name].values.tobytes() == whole[name].values.tobytes() or merged[name].dtype.kind in "OU", name
    for at, t in np.ndenumerate(whole.context_time.values):
        if t >= 0:
            (home,) = (time for time in times if t in time)
            kept = np.array([neighbour(home, t, offset) for offset in range(-12, 9)])
            around = np.where(kept, whole.context_value.values[at], np.nan)
            np.testing.assert_array_equal(merged.context_value.values[at], around.astype(np.float32))


def test_a_neighbour_in_the_block_that_is_not_one_in_the_corpus_is_not_shown():
    values = np.linspace(0, 1, 30, dtype=np.float32).reshape(30, 1, 1)
    time = np.concatenate([np.arange(15), np.arange(16, 31)])
    found = find_contexts(values, np.repeat([0, 1], 15), time).isel(extreme=1, layer=0, neuron=0)
    assert found.context_time.values.tolist() == [30, 14, -1, -1, -1, -1, -1, -1]
    assert found.context_group.values.tolist() == [1, 0, -1, -1, -1, -1, -1, -1]
    assert found.context_value[1].notnull().values.tolist() == [True] * 13 + [False] * 8
    np.testing.assert_array_equal(found.context_value[0, :13], values[-13:, 0, 0])


@settings(max_examples=10)
@given(st.sets(st.integers(0, N_TOKEN - 1), min_size=2), st.integers(1, 20))
def test_the_time_of_the_states_is_used_in_memory_and_lazily(chosen, chunk):
    states, labels, columns, edges = study()
    time = np.array(sorted(chosen))
    given_ = states.assign_coords(time=np.arange(N_TOKEN)).isel(time=time)
    beside = {name: column.isel(time=time) for name, column in columns.items()}
    bin_edge = xr.DataArray(edges, dims=("layer", "neuron", "edge"))
    found = summarize(given_, labels.isel(time=time), bin_edge=bin_edge, **beside)
    expected = block(time)
    with dask.config.set(scheduler="synchronous"):
        lazy = summarize(given_.chunk(time=chunk), labels.isel(time=time), bin_edge=bin_edge, **beside).compute()
    for name in ("context_time", "context_group", "value_sum", "histogram"):
        np.testing.assert_array_equal(found[name], expected[name])
        np.testing.assert_array_equal(lazy[name], expected[name])
    np.testing.assert_array_equal(found.context_value, expected.context_value)
    assert ((lazy.context_value == found.context_value) | lazy.context_value.isnull()).all()


@pytest.mark.parametrize("time", [[0, 1, 1], [2, 1, 3], [-1, 0, 1]])
def test_places_that_do_not_ascend_are_refused(time):
    values, group = np.zeros((3, 1, 1), np.float32), np.zeros(3, int)
    with pytest.raises(UserError, match="time must ascend from 0 or more"):
        find_contexts(values, group, np.array(time))
    label, edges = np.zeros((3, 1), np.int8), np.zeros((1, 1, 1), np.float32)
    with pytest.raises(UserError, match="3 tokens, time has 2"):
        summarize_block(values, label, bin_edge=edges, context_group=group, time=np.array([0, 1]))
