"""When a neuron is on: its value, rounded to five digits as LSTMVis shows it, reaches a threshold."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, one_of

DIGITS = 5
Sides = Literal["up", "both", "absolute"]
"""``up``: v >= threshold. ``both``: that, or -v >= threshold, each a side of its own. ``absolute``: the size of v."""


def smallest_on(threshold: float, dtype: type[np.floating] | np.dtype[Any] = np.float32) -> float:
    """Return the smallest number of a type that reaches a threshold once it is rounded to five digits.

    Rounding never changes the order of numbers, so comparing with this one is the same as rounding every value.

    >>> round(smallest_on(0.3), 5), 0.29999 < smallest_on(0.3) < 0.3
    (0.3, True)
    """
    kind = np.dtype(dtype).type
    step = int(np.floor(threshold * 10**DIGITS)) - 1
    while round(step / 10**DIGITS, DIGITS) < threshold:
        step += 1
    found = kind((step - 0.5) / 10**DIGITS)
    while round(float(found), DIGITS) >= threshold:
        found = np.nextafter(found, kind(-np.inf))
    while round(float(found), DIGITS) < threshold:
        found = np.nextafter(found, kind(np.inf))
    return float(found)


def cutoffs(threshold: float | NDArray[np.floating], dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """Return what `smallest_on` gives for each threshold, in the shape of the thresholds."""
    values = np.asarray(threshold, np.float64)
    distinct, place = np.unique(values, return_inverse=True)
    return np.array([smallest_on(float(value), dtype) for value in distinct])[place].reshape(values.shape)


def raw_cutoff(threshold: float) -> float:
    """Return the raw state from which LSTMVis' server takes a neuron for on, which is not rounded: arctanh(threshold).

    >>> round(raw_cutoff(0.3), 6)
    0.30952
    """
    return float(np.arctanh(threshold))


def check_threshold(threshold: float | NDArray[np.floating], sides: str) -> None:
    """Refuse thresholds that no value, or every value, can reach.

    Raises
    ------
    UsageError
        If one is not between -1 and 1, or not above 0 where both sides count.
    """
    if sides not in get_args(Sides):
        raise UsageError(f"sides is {sides!r}; {one_of(str(sides), get_args(Sides))}")
    values = np.asarray(threshold, np.float64)
    lowest = -1 if sides == "up" else 0
    bad = values[~((values > lowest) & (values < 1))]
    if bad.size:
        raise UsageError(
            f"The threshold {bad.flat[0]} is out of range: with sides {sides!r} it must be above {lowest} and below 1, "
            "because states lie between -1 and 1. LSTMVis' own is 0.3."
        )
