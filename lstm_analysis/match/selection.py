"""The selection rule of LSTMVis: neurons that are on at every token of a span and off beside it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, UserError
from .states import Transform, as_states, check_span, rows
from .threshold import Sides, check_threshold, cutoffs

Threshold = float | NDArray[np.floating] | xr.DataArray
LADDER = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""Thresholds whose counts are told when no neuron is selected."""


def select_neurons(
    states: xr.DataArray | NDArray[np.floating],
    span: tuple[int, int],
    threshold: Threshold = 0.3,
    left: int = 1,
    right: int = 0,
    sides: Sides = "up",
    transform: Transform = "none",
) -> xr.DataArray:
    """Return which neurons a span selects.

    A neuron is selected if round(v, 5) >= threshold at every token of the span, and < threshold at each of the ``left``
    tokens before and the ``right`` tokens after it, as far as there are any.

    Parameters
    ----------
    states
        Dims (time, neuron) or (time, layer, neuron), in memory or lazy; only the span and its flanks are read.
    span
        First token, and the token after the last.
    threshold
        Of all neurons, or one for each: dims (neuron) or (layer, neuron).
    left, right
        Tokens of the flanks.
    sides
        ``up``: as above. ``both``: also neurons of which it is true of -v. ``absolute``: \\|v\\| in the place of v.
    transform
        ``tanh``: v is the tanh of the states; ``none``: the states.

    Returns
    -------
    `selected`, int8, dims (neuron) or (layer, neuron): 1, -1 for a neuron selected by -v, else 0. A neuron that is NaN
    in the span or its flanks is not selected.

    Raises
    ------
    UserError
        If the span is not inside the corpus, or a threshold, dim or flank is impossible.

    References
    ----------
    Strobelt et al. (2018), LSTMVis, IEEE TVCG 24(1).

    Examples
    --------
    >>> states = np.array([[0.1, 0.6], [0.5, 0.6], [0.4, 0.6]], np.float32)
    >>> select_neurons(states, (1, 3)).values.tolist(), select_neurons(states, (1, 3), left=0).values.tolist()
    ([1, 0], [1, 1])
    """
    states = as_states(states)
    start, stop = check_query(states, span, left, right)
    levels = as_levels(threshold, states, sides)
    values = rows(states, start - left, stop + right, transform)
    first = start - max(0, start - left)
    selected = _rule(values, first, first + stop - start, cutoffs(levels, values.dtype), sides)
    kept = {name: coord for name, coord in states.coords.items() if "time" not in coord.dims}
    return xr.DataArray(selected, kept, states.dims[1:], "selected")


def _rule(
    values: NDArray[np.floating], first: int, after: int, cutoff: NDArray[np.float64], sides: Sides
) -> NDArray[np.int8]:
    """Apply the rule to rows of which ``[first, after)`` are the span and the others its flanks."""
    known = ~np.isnan(values).any(axis=0)
    signed = {1: np.abs(values)} if sides == "absolute" else {1: values} | ({-1: -values} if sides == "both" else {})
    selected = np.zeros(values.shape[1:], np.int8)
    for sign, v in signed.items():
        on = v >= cutoff
        inside, beside = on[first:after].all(axis=0), on[:first].any(axis=0) | on[after:].any(axis=0)
        selected[inside & ~beside & known] = sign
    return selected


def check_query(states: xr.DataArray, span: tuple[int, int], left: int, right: int) -> tuple[int, int]:
    """Return the ends of a span after refusing one outside the corpus, and flanks of a negative width."""
    start, stop = (int(end) for end in span)
    check_span(start, stop, states.sizes["time"])
    if left < 0 or right < 0:
        raise UsageError(f"left is {left} and right is {right}; flanks have 0 tokens or more.")
    return start, stop


def as_levels(threshold: Threshold, states: xr.DataArray, sides: Sides) -> NDArray[np.float64]:
    """Return the threshold of each neuron, or of all, after refusing impossible ones."""
    dims, shape = states.dims[1:], states.shape[1:]
    if isinstance(threshold, xr.DataArray):
        if set(threshold.dims) - set(dims):
            raise UserError(f"Thresholds need dims {dims}, got {threshold.dims}; one a neuron, or a single number.")
        threshold = threshold.transpose(*(dim for dim in dims if dim in threshold.dims)).values
    values = np.asarray(threshold, np.float64)
    check_threshold(values, sides)
    if values.ndim and values.shape not in (shape, shape[-1:]):
        raise UserError(f"Thresholds have the shape {values.shape}, neurons {shape}; give one a neuron, or one number.")
    return values


def count_by_threshold(
    states: xr.DataArray | NDArray[np.floating],
    span: tuple[int, int],
    left: int = 1,
    right: int = 0,
    sides: Sides = "up",
    transform: Transform = "none",
) -> dict[float, int]:
    """Return how many neurons a span selects at each threshold of `LADDER`; parameters as of `select_neurons`."""
    return {
        level: int((select_neurons(states, span, level, left, right, sides, transform) != 0).sum()) for level in LADDER
    }


def none_selected(span: tuple[int, int], threshold: Threshold, counts: dict[float, int]) -> UserError:
    """Return the error for a span that selects no neuron, with how many other thresholds would select."""
    at = f"threshold {threshold}" if isinstance(threshold, float) else "these thresholds"
    listed = ", ".join(f"{count} at {level}" for level, count in counts.items())
    other = "" if any(counts.values()) else " No threshold does: a flank may be on wherever the span is."
    return UserError(
        f"No neuron is on over the whole span {span[0]}:{span[1]} and off beside it at {at}. Neurons selected by "
        f"threshold: {listed}.{other} Choose another threshold, a shorter span, or flanks of 0."
    )
