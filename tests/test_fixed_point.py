"""Exact sums and what is read off them."""

import numpy as np
import pytest
import reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstm_analysis import fixed_point

VALUES = hnp.arrays(np.float32, st.integers(0, 30), elements=st.floats(-1, 1, width=32))


def summary_of(values):
    total, squares = reference.moments(values)
    return xr.Dataset(
        {
            "n_token": ("neuron", [len(values)]),
            "value_sum": ("neuron", [total]),
            "square_sum_high": ("neuron", [squares >> 32]),
            "square_sum_low": ("neuron", [squares & (2**32 - 1)]),
        }
    )


@given(VALUES)
def test_mean_and_variance_are_those_of_exact_fractions(values):
    summary = summary_of(values)
    np.testing.assert_array_max_ulp(fixed_point.mean(summary).item(), reference.mean(values), 1)
    np.testing.assert_array_max_ulp(fixed_point.variance(summary).item(), reference.variance(values), 1)


def test_variance_of_a_saturated_neuron_survives_a_billion_tokens():
    n, step = 10**9, 10
    one = 2**30
    total = n * one - step
    squares = (n - 1) * one**2 + (one - step) ** 2
    summary = xr.Dataset(
        {"n_token": n, "value_sum": total, "square_sum_high": squares >> 32, "square_sum_low": squares & (2**32 - 1)}
    )
    expected = step**2 * (1 - 1 / n) / (n - 1) / 2**60
    assert fixed_point.variance(summary).item() == pytest.approx(expected, rel=1e-15)


@given(st.integers(-(2**60), 2**60), st.integers(-(2**60), 2**60))
def test_carry_keeps_the_value_in_one_form(high, low):
    new_high, new_low = fixed_point.carry(high, low)
    assert new_high * 2**32 + new_low == high * 2**32 + low
    assert 0 <= new_low < 2**32
