"""Layers of different size: a neuron that is NaN at every token is absent, and changes nothing for the others."""

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
from lstm_analysis.reductions import (
    empty_summary,
    merge_summaries,
    pilot_edges,
    summarize,
    summarize_block,
    tuning_curve,
    tuning_from_summary,
)

N_TOKEN = 60
SIZES = (2, 4, 3)
PRESENT = np.arange(max(SIZES)) < np.array(SIZES)[:, None]
CUTS = st.lists(st.integers(0, N_TOKEN), max_size=8).map(lambda cuts: [0, *sorted(cuts), N_TOKEN])
ABSENT = {"value_min", "value_max", "bin_edge", "context_value", "tuning_mean", "tuning_sd", "eta2"}


@functools.cache
def studies(dtype="float32"):
    """Return a study of equal layers, and the same with some of its neurons absent."""
    states, labels, columns = make_study(N_TOKEN, len(SIZES), max(SIZES))
    states = states.astype(dtype)
    return (states, labels, columns), (states.where(PRESENT), labels, columns)


def block_of(study, rows, edges):
    states, labels, columns = study
    arrays = {name: column.values[rows] for name, column in columns.items()}
    time = np.arange(N_TOKEN)[rows]
    return summarize_block(states.values[rows], labels.label.values[rows], bin_edge=edges, time=time, **arrays)


def assert_same_bits(a, b):
    assert set(a.variables) == set(b.variables)
    for name in a.variables:
        assert a[name].dims == b[name].dims
        assert a[name].dtype == b[name].dtype
        assert a[name].values.tobytes() == b[name].values.tobytes() or a[name].dtype == object, name
        np.testing.assert_array_equal(a[name].values, b[name].values)


def assert_only_absent_differ(padded, full):
    """Each neuron that is there has the same bits in both; what says that one is not is NaN."""
    assert set(padded.variables) == set(full.variables)
    for name in padded.data_vars:
        if "neuron" not in padded[name].dims:
            np.testing.assert_array_equal(padded[name], full[name])
            continue
        ours, theirs = (x[name].transpose("layer", "neuron", ...).values for x in (padded, full))
        assert ours[PRESENT].tobytes() == theirs[PRESENT].tobytes(), name
        if name in ABSENT:
            assert np.isnan(ours[~PRESENT]).all(), name
        if name.endswith(("value_sum", "square_sum_high", "square_sum_low")):
            assert (ours[~PRESENT] == 0).all()
        if name in ("context_time", "context_group"):
            assert (ours[~PRESENT] == -1).all()


@pytest.mark.parametrize("n_bin", [8, 256])
def test_the_pilot_gives_present_neurons_the_same_edges(n_bin):
    full, padded = (pilot_edges(study[0], n_bin).values for study in studies())
    assert full[PRESENT].tobytes() == padded[PRESENT].tobytes()
    assert np.isnan(padded[~PRESENT]).all()


@settings(max_examples=25)
@given(CUTS, st.randoms(use_true_random=False))
def test_any_cutting_merged_in_any_order_equals_the_whole_and_the_full_study(cuts, random):
    full, padded = studies()
    edges, whole = [], []
    for study in (full, padded):
        edges.append(pilot_edges(study[0], 8).values)
        whole.append(block_of(study, slice(None), edges[-1]))
    assert_only_absent_differ(whole[1], whole[0])
    parts = [block_of(padded, slice(a, b), edges[1]) for a, b in itertools.pairwise(cuts)]
    random.shuffle(parts)
    merged = functools.reduce(merge_summaries, parts)
    at_token = [x.assign(context_value=x.context_value.sel(offset=0, drop=True)) for x in (merged, whole[1])]
    assert_same_bits(*at_token)


def test_the_empty_summary_is_the_identity():
    _, padded = studies()
    edges = pilot_edges(padded[0], 8).values
    whole = block_of(padded, slice(None), edges)
    assert_same_bits(merge_summaries(empty_summary(whole), whole), whole)
    assert_same_bits(merge_summaries(whole, empty_summary(whole)), whole)
    assert_same_bits(empty_summary(whole), block_of(padded, slice(0, 0), edges))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_summaries_and_tuning_curves_of_present_neurons_are_the_same_lazily_and_in_memory(dtype):
    full, padded = studies(dtype)
    by = full[2]["sentence_position"]
    summaries = [summarize(states, labels, **columns) for states, labels, columns in (full, padded)]
    assert_only_absent_differ(summaries[1], summaries[0])
    assert_only_absent_differ(*(tuning_from_summary(summary) for summary in summaries[::-1]))
    curves = [tuning_curve(study[0], by) for study in (padded, full)]
    assert_only_absent_differ(*curves)
    lazy = padded[0].chunk(time=(7, 0, 23, 30), layer=1, neuron=3)
    with dask.config.set(scheduler="synchronous"):
        at_token = [
            x.compute().assign(context_value=x.context_value.sel(offset=0, drop=True).compute())
            for x in (summarize(lazy, padded[1], **padded[2]), summaries[1])
        ]
        assert_same_bits(*at_token)
        assert_same_bits(tuning_curve(lazy, by).compute(), curves[0])


@pytest.mark.parametrize("rows", [slice(0, 1), slice(59, 60), slice(0, 59), slice(20, 40)])
def test_a_neuron_that_is_nan_at_some_tokens_is_refused_however_it_is_cut(rows):
    (states, labels, columns), _ = studies()
    values = states.copy(deep=True)
    values[rows, 1, 2] = np.nan
    with pytest.raises(UserError, match=r"Neuron 1:2 has values from nan to nan"):
        summarize(values, labels, bin_edge=pilot_edges(states))
    with pytest.raises(UserError, match="holds NaN"):
        pilot_edges(values)
    chunked, by = values.chunk(time=20), columns["sentence_position"]
    message = "Neuron 1:2 (is NaN at every token of one summary|has values from nan to nan)"
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(UserError, match=message):
            summarize(chunked, labels, bin_edge=pilot_edges(states)).compute()
        with pytest.raises(UserError, match=message):
            tuning_curve(chunked, by).compute()


def test_states_that_are_nan_altogether_are_refused():
    (states, labels, columns), _ = studies()
    nothing, edges = states * np.nan, pilot_edges(states)
    with pytest.raises(UserError, match=r"Neuron 0:0 has values from nan to nan.*the model diverged"):
        summarize(nothing, labels, bin_edge=edges)
    with pytest.raises(UserError, match="the model diverged"):
        tuning_curve(nothing, columns["sentence_position"])


def test_edges_without_a_neuron_that_the_states_have_are_refused():
    full, padded = studies()
    edges = pilot_edges(padded[0], 8)
    with pytest.raises(UserError, match="bin_edge is NaN for neuron 0:2, which the states have; take the edges from"):
        summarize(full[0], full[1], bin_edge=edges)
    assert summarize(full[0][:0], full[1].isel(time=slice(0)), bin_edge=edges).n_token.sum() == 0


def test_inputs_are_not_changed():
    _, (states, labels, columns) = studies()
    before = states.values.copy()
    summarize(states, labels, **columns)
    tuning_curve(states, columns["sentence_position"])
    np.testing.assert_array_equal(states.values, before)


def test_a_lazy_curve_has_the_coordinates_of_the_states():
    _, (states, _, columns) = studies()
    named = states.assign_coords(layer=[0, 1, 2], neuron=[10, 11, 12, 13])
    curve = tuning_curve(named.chunk(time=30), columns["sentence_position"])
    xr.testing.assert_identical(curve.compute(), tuning_curve(named, columns["sentence_position"]))
