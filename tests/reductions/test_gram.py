"""The Gram against Python's integers, for any cutting of the tokens, and the covariance read off it."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from small_study import make_study

from lstm_analysis.fixed_point import GRAM_SCALE, covariance
from lstm_analysis.reductions import add_products, empty_summary, gram, merge_summaries, pilot_edges, summarize_block

NAMES = ("gram_n_token", "gram_value_sum", "gram_high", "gram_low")


def integers(values):
    """The quantised values (time, neuron) as Python's integers."""
    return [[round(float(x) * 2**18) if x == x else 0 for x in row] for row in values.reshape(len(values), -1)]


def products(whole):
    n_neuron = len(whole[0])
    return [[sum(row[i] * row[j] for row in whole) for j in range(n_neuron)] for i in range(n_neuron)]


def as_integers(found):
    n_neuron = found["gram_value_sum"].size
    high, low = (found[name].values.reshape(n_neuron, -1) for name in ("gram_high", "gram_low"))
    return [[int(high[i, j]) * 2**32 + int(low[i, j]) for j in range(n_neuron)] for i in range(n_neuron)]


@pytest.fixture
def values():
    """Forty tokens of 2 x 3 neurons, 0:0 constant, 1:2 absent."""
    states = make_study(40)[0].values.copy()
    states[:, 1, 2] = np.nan
    return states


def test_sums_are_those_of_the_integers(values):
    found = add_products(values)
    assert int(found["gram_n_token"]) == 40
    assert as_integers(found) == products(integers(values))
    assert found["gram_value_sum"].values.ravel().tolist() == [sum(c) for c in zip(*integers(values), strict=True)]
    assert ((found["gram_low"] >= 0) & (found["gram_low"] < 2**32)).all()


@given(cuts=st.lists(st.integers(0, 40), max_size=6), piece=st.integers(1, 40))
def test_any_cutting_and_any_piece_gives_the_same_bits(cuts, piece):
    states = make_study(40)[0].values
    whole = add_products(states)
    bounds = [0, *sorted(cuts), 40]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gram, "MOST_TOKENS", piece)
        parts = [add_products(states[a:b]) for a, b in itertools.pairwise(bounds)]
    merged = parts[-1]
    for part in parts[:-1]:
        merged = merge_summaries(merged, part)
    xr.testing.assert_identical(merged, whole)


def test_the_largest_pieces_are_exact():
    values = np.full((1 << 16, 1, 2), 1.0, np.float32)
    values[:, 0, 1] = -1.0
    values[-1] = 1 - 2.0**-18
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gram, "MOST_TOKENS", 1 << 16)
        found = as_integers(add_products(values))
    one, last = 2**36 * (2**16 - 1), (2**18 - 1) ** 2
    assert found == [[one + last, -one + last], [-one + last, one + last]]


def test_a_summary_has_it_only_if_asked():
    states, labels, columns = make_study()
    arrays = {"sentence_position": columns["sentence_position"].values}
    edges = pilot_edges(states, n_bin=8).values
    plain, asked = (
        summarize_block(states.values, labels.label.values, bin_edge=edges, gram=gram, **arrays)
        for gram in (False, True)
    )
    assert not set(NAMES) & set(plain)
    xr.testing.assert_identical(asked[list(plain.data_vars)], plain)
    xr.testing.assert_identical(merge_summaries(asked, empty_summary(asked)), asked)


def test_covariance_is_numpy_s_of_the_quantised_values(values):
    whole = np.array(integers(values)) / GRAM_SCALE
    np.testing.assert_allclose(covariance(add_products(values)), np.cov(whole.T), rtol=1e-12, atol=1e-15)


def test_covariance_of_a_saturated_neuron_loses_nothing():
    values = np.full((1000, 1, 2), 1.0, np.float32)
    values[::2, 0, 0] -= 2.0**-18
    found = covariance(add_products(values))
    assert found[0, 0] == pytest.approx(2.0**-38 * 1000 / 999, rel=1e-14)
    assert found[1].tolist() == [0, 0]


def test_covariance_of_one_token_is_undefined():
    assert np.isnan(covariance(add_products(np.zeros((1, 1, 2), np.float32)))).all()
