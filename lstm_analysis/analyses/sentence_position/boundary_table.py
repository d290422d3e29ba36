"""The table of a neuron's sentence boundaries, one row a boundary: where it peaks, where it changes most."""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ...errors import UserError

Integers = NDArray[np.integer]
UNITS = {
    "boundary_token": "index on time", "peak_token": "index on time", "peak_activation": "1",
    "end_activation": "1", "next_activation": "1", "cliff": "1", "largest_change": "1 per token",
    "largest_change_token": "index on time", "words_since_last_end": "word", "rise_per_word": "1 / word",
}  # fmt: skip


def boundary_table(
    values: xr.DataArray,
    corpus: xr.Dataset,
    start: int = 0,
    stop: int | None = None,
    *,
    n_boundary: int | None = None,
    end_symbol: bool = True,
) -> pd.DataFrame:
    """Return the boundaries of a passage with what one neuron does around them.

    The peak is the largest value, or the smallest where the neuron rises at boundaries (by its mean over the passage).

    Parameters
    ----------
    values
        One neuron's hidden states, dims (time), in memory or lazy, of the whole corpus; the passage alone is read.
    corpus
        The corpus, dim ``time``.
    start, stop
        First token of the passage, and the one after its last. A sentence counts if it lies in the passage and the
        token after its end does too, in the same document.
    n_boundary
        Only the first boundaries.
    end_symbol
        Whether sentences end with an end symbol, which is no word.

    Returns
    -------
    Columns, whose units are in ``attrs["units"]``:

    - ``boundary_token``: the end symbol (last token without one).
    - ``peak_token, peak_activation``: the peak in the sentence that ends there.
    - ``end_activation, next_activation, cliff``: h there, h one token later, the first less the second.
    - ``largest_change, largest_change_token``: h less h one token before where the magnitude of this is largest, from
      the second token of the sentence to the token after its end; and where.
    - ``words_since_last_end``: w, words of the sentence.
    - ``rise_per_word``: 1 / w; infinite where there is no word.

    Raises
    ------
    UserError
        If the values are not of one neuron, or not of the corpus's tokens, or the passage is not in the corpus.
    """
    n_time = corpus.sizes["time"]
    stop = n_time if stop is None else stop
    if values.dims != ("time",):
        raise UserError(f"boundary_table needs one neuron, dims ('time',), got {values.dims}; select layer and neuron.")
    if values.sizes["time"] != n_time:
        raise UserError(f"The neuron has {values.sizes['time']} tokens, the corpus {n_time}; give the same tokens.")
    if not 0 <= start < stop <= n_time:
        raise UserError(f"The passage [{start}, {stop}) is not in the corpus, which has {n_time} tokens.")
    names = ["sentence_position", "sentence_length", "document"]
    part = corpus[names].isel(time=slice(start, stop)).compute(scheduler="synchronous")
    end = _ends(*(part[name].values for name in names))[:n_boundary]
    length = part["sentence_length"].values[end].astype(int)
    last = int(end[-1]) + 2 if len(end) else 0
    h = values.isel(time=slice(start, start + last)).compute(scheduler="synchronous").values.astype(np.float64)
    table = _rows(h, end, length, end_symbol)
    for name in ("boundary_token", "peak_token", "largest_change_token"):
        table[name] += start
    table.attrs["units"] = UNITS
    return table


def _ends(position: Integers, length: Integers, document: Integers) -> NDArray[np.intp]:
    """Return the last tokens of sentences that begin in the passage and go on to a token of the same document."""
    end = np.flatnonzero((position == length - 1)[:-1] & (document[1:] == document[:-1]))
    return end[length[end] <= end + 1]


def _rows(h: NDArray[np.float64], end: NDArray[np.intp], length: NDArray[np.integer], end_symbol: bool) -> pd.DataFrame:
    sign = -1.0 if len(end) and np.nanmean(h[end] - h[end + 1]) < 0 else 1.0
    rows = []
    for last, n in zip(end.tolist(), length.tolist(), strict=True):
        first = last - n + 1
        peak = first + int(np.argmax(sign * h[first : last + 1]))
        change = np.diff(h[first : last + 2])
        at = int(np.argmax(np.abs(change)))
        words = n - end_symbol
        rows.append((last, peak, h[peak], h[last], h[last + 1], h[last] - h[last + 1], change[at], first + at + 1,
                     words, 1 / words if words else np.inf))  # fmt: skip
    return pd.DataFrame(rows, columns=list(UNITS))
