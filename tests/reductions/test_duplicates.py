"""Neurons that are one finding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis import schema
from lstm_analysis.reductions import duplicate_groups, duplicates


def groups_by_loop(pilot, threshold):
    """Return the groups by numpy's correlations, the lowest number spread along links until nothing changes."""
    n_time, n_layer, n_neuron = pilot.shape
    flat = pilot.reshape(n_time, -1).astype(np.float64)
    group = list(range(flat.shape[1]))
    links = [
        (i, j) for i in range(len(group)) for j in range(len(group))
        if np.ptp(flat[:, i]) >= schema.RESOLUTION and np.ptp(flat[:, j]) >= schema.RESOLUTION
        and abs(np.corrcoef(flat[:, i], flat[:, j])[0, 1]) > threshold
    ]  # fmt: skip
    for _ in group:
        for i, j in links:
            group[i] = group[j] = min(group[i], group[j])
    return np.where(np.isnan(flat[0]), -1, group).reshape(n_layer, n_neuron)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([0.5, 0.9, 0.95]))
def test_groups_equal_the_loop(seed, block, threshold):
    rng = np.random.default_rng(seed)
    sources = rng.normal(size=(150, 4))
    weight = rng.integers(-1, 2, (4, 14)) * (rng.random((4, 14)) < 0.5)
    pilot = np.tanh(sources @ weight + 0.3 * rng.normal(size=(150, 14))).astype(np.float32).reshape(150, 2, 7)
    pilot[:, 0, 2], pilot[:, 1, 3], pilot[:, 1, 5:] = 0.25, 1e-9 * pilot[:, 1, 3], np.nan
    before = pilot.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "BLOCK", block)
        found = duplicate_groups(pilot, threshold)
    np.testing.assert_array_equal(found, groups_by_loop(pilot, threshold))
    np.testing.assert_array_equal(pilot, before)
    assert found.dtype == np.int64


def test_a_chain_is_one_group_and_the_opposite_is_the_same():
    a, b = np.random.default_rng(0).normal(size=(2, 5000))
    c = np.stack([a, a + 0.3 * b, a + 0.6 * b, -a, b], axis=1)
    assert abs(np.corrcoef(c[:, 0], c[:, 2])[0, 1]) < 0.95 < np.corrcoef(c[:, 1], c[:, 2])[0, 1]
    assert duplicate_groups(c[:, np.newaxis]).tolist() == [[0, 0, 0, 0, 4]]


def test_duplicates_of_another_layer_are_found_and_few_tokens_say_nothing():
    values = np.random.default_rng(1).normal(size=(100, 2, 3)).astype(np.float32)
    values[:, 1, 1] = -values[:, 0, 2]
    assert duplicate_groups(values).tolist() == [[0, 1, 2], [3, 2, 5]]
    assert duplicate_groups(values[:99]).tolist() == [[0, 1, 2], [3, 4, 5]]
    values[:, 1, 2] = np.nan
    assert duplicate_groups(values[:0]).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert duplicate_groups(values[:9]).tolist() == [[0, 1, 2], [3, 4, -1]]
