"""Products at all lags of a grid against rolled arrays."""

from functools import partial

import numpy as np
import pytest

from lstm_analysis.statistics.lag_products import (
    cross_spectrum,
    places,
    products_at_lags,
    weights_as_given,
    weights_of_labels,
)


@pytest.mark.parametrize(("length", "n_lag"), [(1, 1), (2, 2), (3, 3), (28, 28), (131, 66), (200, 67), (977, 64)])
def test_products_equal_those_of_rolled_labels(length, n_lag):
    rng = np.random.default_rng(length)
    values, label = rng.normal(size=(length, 3)).astype(np.float32), rng.integers(-1, 2, (length, 4)).astype(np.int8)
    weight, mean = rng.normal(size=(3, 4)).astype(np.float32), values.mean(axis=0, keepdims=True)
    place = places(np.array([0]), np.array([length]), n_lag)
    spectrum = cross_spectrum(
        values, mean, partial(weights_of_labels, label, weight, np.array([3, 0, 1])), 3, place, n_lag
    )
    step = -(-length // n_lag)
    rest = step * n_lag - length
    centred = np.pad(values - mean, ((0, rest), (0, 0)))
    weights = np.pad(np.stack([weight[label[:, k], k] for k in (3, 0, 1)], axis=1), ((0, rest), (0, 0)))
    expected = np.stack([np.roll(weights, step * lag, axis=0).T @ centred for lag in range(n_lag)])
    np.testing.assert_allclose(products_at_lags(spectrum, n_lag), expected, atol=1e-6 * length)
    given = np.concatenate([np.zeros((length, 1), np.float32), weights[:length]], axis=1).astype(np.float32)
    again = cross_spectrum(values, mean, partial(weights_as_given, given, np.arange(1, 4)), 3, place, n_lag)
    np.testing.assert_array_equal(again, spectrum)


def test_documents_that_shift_together_add_up():
    rng = np.random.default_rng(0)
    values, label = rng.normal(size=(90, 2)).astype(np.float32), rng.integers(0, 2, (90, 1)).astype(np.int8)
    weight, mean = np.array([[-1.0], [1.0], [0.0]], dtype=np.float32), rng.normal(size=(3, 2)).astype(np.float32)
    edges = np.array([0, 30, 60, 90])
    concept = np.array([0])
    take = partial(weights_of_labels, label, weight, concept)
    together = cross_spectrum(values, mean, take, 1, places(edges[:-1], edges[1:], 30), 30)
    apart = []
    for d in range(3):
        place = places(edges[d : d + 1], edges[d + 1 : d + 2], 30)
        apart.append(cross_spectrum(values, mean[d : d + 1], take, 1, place, 30))
    np.testing.assert_allclose(together, sum(apart), atol=1e-4)
