"""States as matching sees them: a labelled array, its dims checked, and a few rows of it in memory."""

from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, UserError

Transform = Literal["none", "tanh"]
DIMS = (("time", "neuron"), ("time", "layer", "neuron"))


def as_states(states: xr.DataArray | NDArray[np.floating]) -> xr.DataArray:
    """Return states with the dims (time, neuron) or (time, layer, neuron); a plain array is taken for that.

    Raises
    ------
    UserError
        If they have other dims, or are no floating-point numbers.
    """
    if not isinstance(states, xr.DataArray):
        array = np.asarray(states)
        states = xr.DataArray(array, dims=DIMS[array.ndim == 3] if array.ndim in (2, 3) else None)
    if states.dims not in DIMS:
        mend = "use states.transpose" if set(states.dims) in [set(dims) for dims in DIMS] else "rename or add dims"
        raise UserError(f"States need dims {DIMS[0]} or {DIMS[1]}, got {states.dims}; {mend}.")
    if states.dtype.kind != "f":
        raise UserError(f"States are floating-point numbers, got {states.dtype}; use states.astype('float32').")
    return states


def check_span(start: int, stop: int, n_time: int) -> None:
    """Refuse a span that is empty or not inside the corpus.

    Raises
    ------
    UsageError
        Saying what the corpus has.
    """
    if not 0 <= start < stop <= n_time:
        raise UsageError(
            f"The span {start}:{stop} is not inside the corpus, whose {n_time:,} tokens are 0:{n_time}. A span is "
            "half-open: first token, and the token after the last."
        )


def rows(states: xr.DataArray, start: int, stop: int, transform: Transform = "none") -> NDArray[np.floating[Any]]:
    """Return the values of some tokens in memory, in the states' own precision, at least that of float32."""
    block = states.isel(time=slice(max(0, start), stop)).compute(scheduler="synchronous")
    values = np.asarray(block.values, np.promote_types(states.dtype, np.float32))
    return np.tanh(values) if transform == "tanh" else values
