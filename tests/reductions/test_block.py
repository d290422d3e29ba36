"""The summary of a block against slow loops."""

import numpy as np
import pytest
import reference
import xarray as xr
from small_study import make_study

from lstm_analysis.errors import UserError
from lstm_analysis.reductions import pilot_edges, summarize_block
from lstm_analysis.reductions.histogram import digitise


@pytest.fixture
def study():
    return make_study()


@pytest.fixture
def block(study):
    states, labels, columns = study
    arrays = {name: column.values for name, column in columns.items()}
    edges = pilot_edges(states, n_bin=8)
    arrays["time"] = np.arange(100, 160)
    summary = summarize_block(states.values, labels.label.values, bin_edge=edges.values, **arrays)
    return states.values, labels.label.values, edges.values, arrays, summary


def test_moments_and_histograms_equal_the_loop(block):
    values, label, edges, _, summary = block
    for k in range(label.shape[1]):
        for group in (0, 1):
            chosen = values[label[:, k] == group]
            at = summary.isel(concept=k, group=group)
            assert at.n_token == len(chosen)
            for (i, j), total in np.ndenumerate(at.value_sum.values):
                neuron = chosen[:, i, j]
                expected, squares = reference.moments(neuron)
                assert total == expected
                found = at.isel(layer=i, neuron=j)
                assert int(found.square_sum_high) * 2**32 + int(found.square_sum_low) == squares
                bins = [reference.bin_of(v, edges[i, j]) for v in neuron]
                assert found.histogram.values.tolist() == np.bincount(bins, minlength=8).tolist()


def test_every_density_of_the_groups_is_in_the_study(block):
    densest = [np.argmax([(column == g).sum() for g in (0, 1, -1)]) for column in block[1].T]
    assert set(densest) == {0, 1, 2}


def test_smallest_and_largest_value_without_a_minus_zero(block):
    values, *_, summary = block
    np.testing.assert_array_equal(summary.value_min, values.min(0))
    np.testing.assert_array_equal(summary.value_max, values.max(0))
    assert not np.signbit(summary.value_min.where(summary.value_min == 0, 0)).any()


def test_positions_equal_the_loop(block):
    values, _, _, arrays, summary = block
    position = np.minimum(arrays["sentence_position"], 60)
    for p in range(61):
        at = summary.sel(sentence_position=p)
        assert at.position_n_token == (position == p).sum()
        for (i, j), total in np.ndenumerate(at.position_value_sum.values):
            expected, squares = reference.moments(values[position == p, i, j])
            found = at.isel(layer=i, neuron=j)
            assert total == expected
            assert int(found.position_square_sum_high) * 2**32 + int(found.position_square_sum_low) == squares


def test_contexts_equal_the_loop(block):
    values, _, _, arrays, summary = block
    group = arrays["context_group"]
    for e, sign in enumerate((-1, 1)):
        for i, j in np.ndindex(values.shape[1:]):
            at = summary.isel(extreme=e, layer=i, neuron=j)
            expected = reference.extremes(values[:, i, j], group, 8, sign)
            missing = [-1] * (8 - len(expected))
            assert at.context_time.values.tolist() == [100 + t for t in expected] + missing
            assert at.context_group.values.tolist() == [group[t] for t in expected] + missing
            for rank, t in enumerate(expected):
                window = [values[t + o, i, j] if 0 <= t + o < len(values) else np.nan for o in range(-12, 9)]
                np.testing.assert_array_equal(at.context_value[rank], np.array(window, np.float32))


def test_fewer_groups_than_ranks_leave_ranks_empty(study):
    states, labels, _ = study
    one_group = np.zeros(len(states), int)
    edges = pilot_edges(states, n_bin=4).values
    summary = summarize_block(states.values, labels.label.values, bin_edge=edges, context_group=one_group)
    assert (summary.context_time.isel(rank=slice(1, None)) == -1).all()
    assert summary.context_value.isel(rank=slice(1, None)).isnull().all()


def test_parts_are_there_only_when_asked_for(study):
    states, labels, _ = study
    summary = summarize_block(states.values, labels.label.values, bin_edge=pilot_edges(states, 4).values)
    assert not [name for name in summary.variables if str(name).startswith(("position", "context"))]


@pytest.mark.parametrize("n_bin", [2, 3, 8, 200, 256, 257, 1000])
def test_bins_equal_numpy(n_bin):
    rng = np.random.default_rng(n_bin)
    values = np.round(np.tanh(rng.standard_normal((700, 3))), 2).astype(np.float32)
    edges = pilot_edges(xr.DataArray(values[:, None], dims=("time", "layer", "neuron")), n_bin).values[0]
    bins = digitise(values, edges)
    for j in range(3):
        np.testing.assert_array_equal(bins[:, j], np.searchsorted(edges[j], values[:, j], side="right"))


def test_a_frequent_value_has_a_bin_of_its_own():
    values = np.concatenate([np.full(500, 0.5), np.linspace(-1, 1, 1000)]).astype(np.float32)
    edges = pilot_edges(xr.DataArray(values[:, None, None], dims=("time", "layer", "neuron")), 16).values
    bins = digitise(values[:, None], edges[0])[:, 0]
    assert set(values[bins == bins[0]]) == {np.float32(0.5)}
    assert (np.diff(edges) >= 0).all()


def test_inputs_are_not_changed(block, study):
    values, label, *_ = block
    states, labels, _ = study
    np.testing.assert_array_equal(values, states.values)
    np.testing.assert_array_equal(np.signbit(values), np.signbit(states.values))
    np.testing.assert_array_equal(label, labels.label.values)


@pytest.mark.parametrize("bad", [np.nan, 1.5, -1.001, np.inf, -np.inf])
def test_values_that_break_exactness_are_refused(study, bad):
    states, labels, _ = study
    values = states.values.copy()
    values[17, 1, 2] = bad
    with pytest.raises(UserError, match=r"Neuron 1:2 has values from .*hidden_state"):
        summarize_block(values, labels.label.values, bin_edge=pilot_edges(states, 4).values)


def test_errors_say_what_is_wrong(study):
    states, labels, columns = study
    values, label, edges = states.values, labels.label.values, pilot_edges(states, 4).values
    with pytest.raises(UserError, match="60 tokens, label has 59"):
        summarize_block(values, label[1:], bin_edge=edges)
    with pytest.raises(UserError, match=r"Labels are 1 .* from -1 to 2"):
        summarize_block(values, np.where(label == 1, 2, label).astype(np.int8), bin_edge=edges)
    with pytest.raises(UserError, match="type float64"):
        summarize_block(values, label.astype(float), bin_edge=edges)
    with pytest.raises(UserError, match=r"bin_edge is for .* \(1, 3\)"):
        summarize_block(values, label, bin_edge=edges[:1])
    with pytest.raises(UserError, match="context_group must never decrease"):
        summarize_block(values, label, bin_edge=edges, context_group=columns["context_group"].values[::-1])
    with pytest.raises(UserError, match="sentence_position counts from 0, found -1"):
        summarize_block(values, label, bin_edge=edges, sentence_position=np.arange(60) - 1)


@pytest.mark.parametrize(("n_bin", "n_token", "text"), [(1, 5, "n_bin is 1"), (4, 0, "holds no token")])
def test_impossible_bins_are_refused(study, n_bin, n_token, text):
    with pytest.raises(UserError, match=text):
        pilot_edges(study[0][:n_token], n_bin)
