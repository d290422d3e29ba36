"""Values are compared as LSTMVis shows them: rounded to five digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.errors import UsageError
from lstm_analysis.match.threshold import check_threshold, cutoffs, raw_cutoff, smallest_on


@given(st.floats(-0.99, 0.99), st.sampled_from([np.float32, np.float64]))
def test_the_smallest_number_that_is_on_is_on_and_the_next_below_is_not(threshold: float, kind: type) -> None:
    found = smallest_on(threshold, kind)
    assert kind(found) == found
    assert round(found, 5) >= threshold
    assert round(float(np.nextafter(kind(found), kind(-2))), 5) < threshold


@given(st.floats(-1, 1, width=32), st.sampled_from([0.3, 0.1, 0.29999, 0.300004, -0.2]))
def test_comparing_is_rounding(value: float, threshold: float) -> None:
    assert (value >= smallest_on(threshold)) == (round(value, 5) >= threshold)


def test_thresholds_keep_their_shape() -> None:
    thresholds = np.array([[0.3, 0.5], [0.5, 0.1]])
    expected = [[smallest_on(float(one)) for one in row] for row in thresholds]
    assert cutoffs(thresholds, np.dtype(np.float32)).tolist() == expected


def test_lstmvis_does_not_round() -> None:
    assert np.tanh(raw_cutoff(0.3)) == pytest.approx(0.3, abs=1e-15)


@pytest.mark.parametrize(
    ("threshold", "sides"), [(0.0, "both"), (-0.1, "absolute"), (1.0, "up"), (np.nan, "up"), (-1.0, "up")]
)
def test_an_impossible_threshold_is_refused(threshold: float, sides: str) -> None:
    with pytest.raises(UsageError, match="is out of range"):
        check_threshold(threshold, sides)


def test_unknown_sides_are_refused() -> None:
    with pytest.raises(UsageError, match="sides is 'bth'; did you mean 'both'"):
        check_threshold(0.3, "bth")
