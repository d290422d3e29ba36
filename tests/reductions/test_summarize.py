"""Laws of the one pass: chunks, merges, laziness, labels."""

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor

import dask
import numpy as np
import pytest
import xarray as xr
from dask.callbacks import Callback
from hypothesis import given, settings
from hypothesis import strategies as st
from small_study import make_study

from lstm_analysis.errors import UserError
from lstm_analysis.reductions import empty_summary, merge_summaries, pilot_edges, pilot_time, summarize, summarize_block

N_TOKEN = 60
CUTS = st.lists(st.integers(0, N_TOKEN), max_size=8).map(lambda cuts: [0, *sorted(cuts), N_TOKEN])
ONE_TOKEN_EACH = list(range(N_TOKEN + 1))


def assert_same(a, b, values_around=True):
    """Equal variables, dims, types and bits; ``values_around`` includes the values beside extreme tokens."""
    if not values_around:
        a, b = (x.assign(context_value=x.context_value.sel(offset=0, drop=True)) for x in (a, b))
    assert set(a.variables) == set(b.variables)
    for name in a.variables:
        assert a[name].dims == b[name].dims
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=str(name))
        if a[name].dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(a[name].values), np.signbit(b[name].values), err_msg=str(name))


@functools.cache
def blocks(cuts, seed=0):
    states, labels, columns = make_study(N_TOKEN, seed=seed)
    edges = pilot_edges(states, n_bin=8).values
    return [
        summarize_block(
            states.values[a:b],
            labels.label.values[a:b],
            bin_edge=edges,
            time=np.arange(a, b),
            **{name: column.values[a:b] for name, column in columns.items()},
        )
        for a, b in itertools.pairwise(cuts)
    ]


def fold(parts):
    return functools.reduce(merge_summaries, parts)


@settings(max_examples=30)
@given(CUTS, st.randoms(use_true_random=False))
def test_any_cutting_merged_in_any_order_equals_the_whole(cuts, random):
    parts = list(blocks(tuple(cuts)))
    random.shuffle(parts)
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        parts[at : at + 2] = [merge_summaries(parts[at], parts[at + 1])]
    assert_same(parts[0], blocks((0, N_TOKEN))[0], values_around=False)


def test_one_token_blocks_equal_the_whole():
    assert_same(fold(blocks(tuple(ONE_TOKEN_EACH))), blocks((0, N_TOKEN))[0], values_around=False)


def test_merge_is_commutative_and_associative_with_identity():
    a, b, c = blocks((0, 13, 14, N_TOKEN))
    assert_same(merge_summaries(a, b), merge_summaries(b, a))
    assert_same(merge_summaries(a, merge_summaries(b, c)), merge_summaries(merge_summaries(a, b), c))
    assert_same(merge_summaries(a, empty_summary(a)), a)
    assert_same(merge_summaries(empty_summary(a), a), a)
    assert_same(empty_summary(a), blocks((0, 0, N_TOKEN))[0])


def test_values_around_an_extreme_token_end_only_at_its_block():
    cut, whole = fold(blocks((0, 20, 41, N_TOKEN))).context_value, blocks((0, N_TOKEN))[0].context_value
    assert ((cut == whole) | cut.isnull()).all()
    assert cut.isnull().sum() > whole.isnull().sum()


def test_histograms_widen_when_counts_no_longer_fit():
    a = blocks((0, N_TOKEN))[0]
    big = a.assign(n_token=a.n_token + 2**31 - 100, histogram=a.histogram + np.int32(2**31 - 100))
    merged = merge_summaries(big, big)
    assert merged.histogram.dtype == np.int64
    np.testing.assert_array_equal(merged.histogram, 2 * big.histogram.astype(np.int64))


def test_merge_leaves_out_what_does_not_add_up():
    a = blocks((0, N_TOKEN))[0]
    counted = a.assign(n_type=xr.ones_like(a.n_token))
    assert "n_type" not in merge_summaries(counted, counted)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s.drop_vars("context_time"), r"only one of them has \['context_time'\]"),
        (lambda s: s.isel(concept=[0]), "different sizes"),
        (lambda s: s.assign(bin_edge=s.bin_edge + 1), "different bin edges"),
        (lambda s: s.assign_coords(concept=list("abcd")), "concept coordinates differ"),
    ],
)
def test_summaries_that_do_not_fit_are_refused(change, text):
    a = blocks((0, N_TOKEN))[0].assign_coords(concept=list("efgh"))
    with pytest.raises(UserError, match=text):
        merge_summaries(a, change(a))


@settings(max_examples=12)
@given(CUTS, st.sampled_from([1, 2, 3]), st.booleans())
def test_dask_chunks_change_nothing(cuts, neuron_chunk, lazy_columns):
    states, labels, columns = make_study(N_TOKEN)
    sizes = tuple(np.diff(cuts))
    lazy = states.chunk(time=sizes, layer=1, neuron=neuron_chunk)
    if lazy_columns:
        labels, columns = labels.chunk(time=7, concept=1), {name: x.chunk(time=11) for name, x in columns.items()}
    with dask.config.set(scheduler="synchronous"):
        summary = summarize(lazy, labels, **columns).compute()
    assert_same(summary, summarize(states, *make_study(N_TOKEN)[1:2], **make_study(N_TOKEN)[2]), values_around=False)


def test_building_is_lazy_and_each_chunk_is_summarized_once():
    states, labels, columns = make_study(N_TOKEN)
    ran = []
    with Callback(pretask=lambda key, *_: ran.append(str(key))), dask.config.set(scheduler="synchronous"):
        summary = summarize(states.chunk(time=7), labels.chunk(time=7), **columns)
        assert ran == []
        assert all(summary[name].chunks is not None for name in summary.data_vars)
        summary.compute()
    assert sum("summarize_block" in key for key in ran) == 9
    assert sum("merge_summaries" in key for key in ran) == 8


def test_threads_give_the_same_bits():
    states, labels, columns = make_study(N_TOKEN)
    with ThreadPoolExecutor(3) as pool, dask.config.set(scheduler="threads", pool=pool):
        summary = summarize(states.chunk(time=5), labels, **columns).compute()
    assert_same(summary, summarize(states, labels, **columns), values_around=False)


def test_labels_stay_on():
    states, labels, _ = make_study(N_TOKEN)
    counts = (("concept", "group"), np.arange(8).reshape(4, 2))
    labels = labels.assign(n_type=counts, n_document=counts)
    labels = labels.assign_coords(source=("concept", list("iijj")), group=["baseline", "target"])
    states = states.assign_coords(layer=[0, 1], neuron=[4, 5, 6], time=np.arange(900, 900 + N_TOKEN))
    for summary in (summarize(states, labels), summarize(states.chunk(time=9), labels)):
        for name in ("n_type", "n_document", "source", "concept"):
            assert summary[name].equals(labels[name])
        assert summary.neuron.values.tolist() == [4, 5, 6]
        assert summary.value_sum.attrs["units"] == "2**-30"


def test_context_time_counts_from_the_time_coordinate():
    states, labels, columns = make_study(N_TOKEN)
    here = summarize(states, labels, context_group=columns["context_group"])
    there = states.assign_coords(time=np.arange(900, 900 + N_TOKEN))
    for moved in (there, there.chunk(time=9)):
        later = summarize(moved, labels, context_group=columns["context_group"])
        np.testing.assert_array_equal(later.context_time, here.context_time + 900 * (here.context_time >= 0))


def test_float16_states_count_as_float32():
    states, labels, _ = make_study(N_TOKEN)
    half = states.astype(np.float16)
    assert_same(summarize(half, labels), summarize(half.astype(np.float32), labels))


def test_left_out_tokens_change_no_group():
    states, labels, _ = make_study(N_TOKEN)
    kept = labels.label.values[:, 3] >= 0
    one = labels.isel(concept=[3])
    edges = pilot_edges(states)
    every = summarize(states, one, bin_edge=edges)
    some = summarize(states[kept], one.isel(time=kept), bin_edge=edges)
    for name in ("n_token", "value_sum", "square_sum_high", "square_sum_low", "histogram"):
        np.testing.assert_array_equal(every[name], some[name])


def test_no_concept_at_all():
    states, labels, columns = make_study(N_TOKEN)
    summary = summarize(states, labels.isel(concept=[]), sentence_position=columns["sentence_position"])
    assert summary.sizes["concept"] == 0
    assert summary.position_n_token.sum() == N_TOKEN


def test_inputs_are_not_changed():
    study, untouched = make_study(N_TOKEN), make_study(N_TOKEN)
    summarize(study[0], study[1], **study[2])
    assert study[0].identical(untouched[0])
    assert study[1].identical(untouched[1])
    assert all(study[2][name].identical(untouched[2][name]) for name in study[2])


def test_errors_say_what_is_wrong():
    states, labels, columns = make_study(N_TOKEN)
    with pytest.raises(UserError, match=r"needs dims \('time', 'layer', 'neuron'\), got .*transpose"):
        summarize(states.transpose("layer", "time", "neuron"), labels)
    with pytest.raises(UserError, match=r"label needs dims \('time', 'concept'\), got \('concept', 'time'\)"):
        summarize(states, labels.transpose("concept", "time"))
    with pytest.raises(UserError, match="bin_edge needs dims"):
        summarize(states, labels, bin_edge=pilot_edges(states).transpose("edge", "layer", "neuron"))
    with pytest.raises(UserError, match="60 tokens, sentence_position has 59"):
        summarize(states, labels, sentence_position=columns["sentence_position"][1:])
    with pytest.raises(UserError, match="time coordinates of the states and of label differ"):
        summarize(states.assign_coords(time=np.arange(60)), labels.assign_coords(time=np.arange(60) + 1))
    with pytest.raises(UserError, match="time must ascend"):
        summarize(states.assign_coords(time=np.arange(60) // 2), labels)
    with pytest.raises(UserError, match="time must ascend"):
        summarize(states.assign_coords(time=np.arange(60) - 1), labels)
    with pytest.raises(UserError, match="time coordinate of the states has the type float64"):
        summarize(states.assign_coords(time=np.arange(60) / 2), labels)


@given(st.integers(0, 10**7), st.integers(0, 5))
def test_the_pilot_is_a_seeded_sample_from_all_over(n_token, seed):
    time = pilot_time(n_token, seed)
    assert len(time) == min(n_token, 16_384)
    assert (np.diff(time) > 0).all()
    assert len(time) == 0 or 0 <= time[0] <= time[-1] < n_token
    assert (time == pilot_time(n_token, seed)).all()


def test_chunks_do_not_change_the_pilot():
    rng = np.random.default_rng(0)
    states = xr.DataArray(rng.uniform(-1, 1, (40_000, 1, 2)).astype(np.float32), dims=("time", "layer", "neuron"))
    label = xr.DataArray(np.zeros((40_000, 1), np.int8), dims=("time", "concept"))
    labels = xr.Dataset({"label": label})
    lazy = summarize(states.chunk(time=(11_111, 17, 28_872)), labels, seed=3)
    np.testing.assert_array_equal(lazy.bin_edge, summarize(states, labels, seed=3).bin_edge)
    assert (lazy.bin_edge.values != summarize(states, labels, seed=4).bin_edge.values).any()
