"""Which neurons do the same as a neuron: correlation, at lags too, and the tokens at which both are on."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..cluster import work
from ..compiled import compiled
from ..schema import RESOLUTION
from .agreement import ones
from .bits import Bits, Words, n_slab
from .of_states import StateReader

if TYPE_CHECKING:
    from distributed import Client

LAGS = (-8, -4, -2, -1, 0, 1, 2, 4, 8)
SLAB = 1 << 16
"""Tokens of a task."""
PIECE = 1 << 12
"""Tokens of all neurons of a layer that are in memory at once."""
Sums = dict[str, NDArray[np.float64]]


def correlate(
    states: StateReader, layer: int, neuron: int, lags: Sequence[int] = LAGS, client: "Client | None" = None
) -> xr.Dataset:
    """Return Pearson's correlation of a neuron with all others, over the whole corpus, at some lags.

    At lag k the neuron at token t is paired with the other at t + k, for all t of which both are in the same document:
    a large correlation at k > 0 says that the other follows the neuron. Sums are kept in float64, slab by slab in the
    order of the corpus, so that the result does not depend on who does the work.

    Parameters
    ----------
    states, layer, neuron
        The neuron.
    lags
        In tokens.
    client
        A Dask client whose workers do it; by default this process.

    Returns
    -------
    `correlation` (lag, layer, neuron), NaN for a neuron that varies less than `schema.RESOLUTION` or is not there;
    `n_pair` (lag).
    """
    n_time, n_layer, n_neuron = states.shape
    spans = [(start, min(n_time, start + SLAB)) for start in range(0, n_time, SLAB)]
    place = (states, layer, neuron, tuple(lags))
    queue = deque((index, *place, *span) for index, span in enumerate(spans))
    parts: dict[int, Sums] = {}
    for (index, *_), outcome in work(client, "neurons alike", sum_products, queue):
        if isinstance(outcome, BaseException):
            raise outcome
        parts[index] = outcome
    total = {name: sum((parts[i][name] for i in range(1, len(parts))), parts[0][name]) for name in _SUMMED}
    low, high = (function([part[name] for part in parts.values()], axis=0)
                 for function, name in ((np.min, "low"), (np.max, "high")))  # fmt: skip
    r = _pearson(total)
    varies = high - low >= RESOLUTION
    r[:, ~(varies & varies[layer * n_neuron + neuron])] = np.nan
    shape = (len(lags), n_layer, n_neuron)
    return xr.Dataset(
        {"correlation": (("lag", "layer", "neuron"), r.reshape(shape)), "n_pair": ("lag", total["n"].astype(np.int64))},
        {"lag": list(lags)},
    )


_SUMMED = ("n", "x", "xx", "y", "yy", "xy")


def sum_products(
    index: int, states: StateReader, layer: int, neuron: int, lags: tuple[int, ...], start: int, stop: int
) -> Sums:
    """Return sums over the pairs of which the other neuron's token is in ``[start, stop)``: a task."""
    n_time, n_layer, n_neuron = states.shape
    n_lag, width = len(lags), n_layer * n_neuron
    found: Sums = {"n": np.zeros(n_lag), "x": np.zeros(n_lag), "xx": np.zeros(n_lag)}
    found |= {name: np.zeros((n_lag, width)) for name in ("y", "yy", "xy")}
    found |= {"low": np.full(width, np.inf), "high": np.full(width, -np.inf)}
    reach = max(map(abs, lags))
    for first in range(start, stop, PIECE):
        last = min(stop, first + PIECE)
        near = slice(max(0, first - reach), min(n_time, last + reach))
        document = states.column("document", near.start, near.stop)
        x = states.values(near.start, near.stop, layer, neuron).astype(np.float64)
        y = np.concatenate([states.values(first, last, i) for i in range(n_layer)], axis=1).astype(np.float64)
        _add(found, lags, x, y, document, first - near.start)
    return found


def _add(
    found: Sums,
    lags: tuple[int, ...],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    document: NDArray[np.integer],
    offset: int,
) -> None:
    """Add the pairs of a piece: row i of ``y`` (time, neuron) is at row offset + i of ``x`` and ``document`` (time)."""
    low, high = y.min(axis=0), y.max(axis=0)
    found["low"], found["high"] = np.minimum(found["low"], low), np.maximum(found["high"], high)
    y[:, np.isnan(low)] = 0.0  # a neuron that the layer does not have
    here = offset + np.arange(len(y))
    weight, paired = np.zeros((2, len(lags), len(y)))
    for i, lag in enumerate(lags):
        there = here - lag
        inside = (there >= 0) & (there < len(x))
        inside[inside] = document[there[inside]] == document[here[inside]]
        weight[i] = inside
        paired[i, inside] = x[there[inside]]
    found["n"] += weight.sum(axis=1)
    found["x"] += paired.sum(axis=1)
    found["xx"] += (paired**2).sum(axis=1)
    found["y"] += weight @ y
    found["xy"] += paired @ y
    found["yy"] += weight @ y**2


def _pearson(total: Sums) -> NDArray[np.float64]:
    """Return correlations (lag, neuron) from sums."""
    n = total["n"][:, np.newaxis]
    x, xx = total["x"][:, np.newaxis], total["xx"][:, np.newaxis]
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = total["xy"] / n - x / n * total["y"] / n
        variances = (xx / n - (x / n) ** 2) * (total["yy"] / n - (total["y"] / n) ** 2)
        r: NDArray[np.float64] = covariance / np.sqrt(variances)
    return np.clip(r, -1, 1)


def on_together(bits: Bits, layer: int, neuron: int) -> xr.Dataset:
    """Return how far the tokens at which a neuron is on are those at which others are.

    Parameters
    ----------
    bits
        Both sides of all neurons.
    layer, neuron
        The neuron.

    Returns
    -------
    `jaccard_on` (layer, neuron): of the tokens at which either is on upwards the share at which both are;
    `jaccard_opposite`: the same where the other is on downwards. NaN where neither ever is.
    """
    shape = (bits.n_side, *bits.shape)
    both, either = np.zeros((2, *shape), np.int64)
    for index in range(n_slab(bits.n_time)):
        by_neuron = bits.slab(index).by_neuron
        _add_overlap(by_neuron[0, layer, neuron], by_neuron, both, either)
    share = np.divide(both, either, out=np.full(shape, np.nan), where=either > 0)
    dims = ("layer", "neuron")
    return xr.Dataset({"jaccard_on": (dims, share[0]), "jaccard_opposite": (dims, share[1])})


@compiled
def _add_overlap(own: Words, others: Words, both: NDArray[np.int64], either: NDArray[np.int64]) -> None:
    """Add the tokens at which a neuron and others (side, layer, neuron) are both on, and at which one is."""
    n_side, n_layer, n_neuron = both.shape
    for side in range(n_side):
        for layer in range(n_layer):
            for neuron in range(n_neuron):
                for word in range(len(own)):
                    one, other = own[word], others[side, layer, neuron, word]
                    both[side, layer, neuron] += np.int64(ones(one & other))
                    either[side, layer, neuron] += np.int64(ones(one | other))
