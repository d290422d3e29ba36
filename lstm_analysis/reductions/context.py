"""The tokens at which each neuron is lowest and highest, with the values around them."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError
from ..schema import CONTEXT_OFFSETS, EXTREMES
from .states import by_neuron, check_ascending

N_CONTEXT = 8
_SIGNS = (-1.0, 1.0)
_DIMS = ("extreme", "rank", "layer", "neuron")


def find_contexts(
    values: NDArray[np.float32],
    context_group: NDArray[np.integer],
    time: NDArray[np.integer] | None = None,
    n_context: int = N_CONTEXT,
) -> xr.Dataset:
    """Return the extreme tokens of a block, at most one a context group; of equal values the first counts.

    Parameters
    ----------
    values
        Dims (time, layer, neuron).
    context_group
        Document or sentence of each token, dims (time), never decreasing.
    time
        Place of each token in the corpus, dims (time), ascending, gaps allowed; 0, 1, 2 ... by default.
    n_context
        Tokens to keep of each extreme.

    Returns
    -------
    ``context_time, context_group`` (extreme, rank, layer, neuron), both -1 where the block has fewer groups, and
    ``context_value`` (extreme, rank, layer, neuron, offset), NaN past a gap or an edge of the block. A neuron that is
    NaN at every token has no extreme one.

    Raises
    ------
    UserError
        If ``context_group`` decreases, or ``time`` does not ascend from 0 or more.
    """
    time = np.arange(len(values)) if time is None else time
    _check_order(context_group, time)
    flat, shape = by_neuron(values), values.shape[1:]
    row = np.full((len(EXTREMES), n_context, flat.shape[1]), -1, dtype=np.int64)
    for i, sign in enumerate(_SIGNS):
        _find_extremes(flat, context_group, np.float32(sign), row[i])
    parts = {"context_time": _at(row, time), "context_group": _at(row, context_group)}
    window = _windows(flat, row, time).reshape(*row.shape[:2], *shape, len(CONTEXT_OFFSETS))
    return xr.Dataset(
        {
            **{name: (_DIMS, part.reshape(*row.shape[:2], *shape)) for name, part in parts.items()},
            "context_value": ((*_DIMS, "offset"), window),
        },
        {"extreme": list(EXTREMES), "offset": np.array(CONTEXT_OFFSETS)},
    )


def merge_contexts(a: xr.Dataset, b: xr.Dataset) -> dict[str, xr.Variable]:
    """Return the extreme tokens of two sets of tokens from those of each, still at most one a context group."""
    names = ("context_time", "context_group", "context_value")
    time, group, window = (np.concatenate([a[name].values, b[name].values], axis=1) for name in names)
    sign = np.array(_SIGNS, np.float32).reshape(-1, *(1 for _ in _DIMS[1:]))
    at_token = window[..., CONTEXT_OFFSETS.index(0)]
    order, found = _best(sign * at_token, time, group, a.sizes["rank"])
    time, group = (np.where(found, np.take_along_axis(x, order, axis=1), -1) for x in (time, group))
    window = np.take_along_axis(window, order[..., None], axis=1)
    window[~found] = np.nan
    dims = (_DIMS, _DIMS, (*_DIMS, "offset"))
    return {
        name: xr.Variable(*part)
        for name, part in zip(names, zip(dims, (time, group, window), strict=True), strict=True)
    }


def _best(
    value: NDArray[np.float32], time: NDArray[np.int64], group: NDArray[np.int64], n_context: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the ranks to keep, best first, and whether they hold a token, dims (extreme, rank, layer, neuron)."""
    missing = time < 0
    order = np.lexsort((time, np.where(missing, np.inf, -value)), axis=1)
    ordered = np.take_along_axis(group, order, axis=1)
    useless = np.take_along_axis(missing, order, axis=1)
    for rank in range(1, order.shape[1]):
        useless[:, rank] |= (ordered[:, :rank] == ordered[:, rank : rank + 1]).any(axis=1)
    kept = np.argsort(useless, axis=1, kind="stable")[:, :n_context]
    return np.take_along_axis(order, kept, axis=1), ~np.take_along_axis(useless, kept, axis=1)


def _check_order(context_group: NDArray[np.integer], time: NDArray[np.integer]) -> None:
    if (np.diff(context_group) < 0).any():
        raise UserError("context_group must never decrease along time: it numbers documents or sentences in order.")
    check_ascending(time)


def _at(row: NDArray[np.int64], column: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the column (time) at each row, -1 where there is none."""
    values = np.full(row.shape, -1, dtype=np.int64)
    values[row >= 0] = column[row[row >= 0]]
    return values


def _windows(values: NDArray[np.float32], row: NDArray[np.int64], time: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the values (time, neuron) around each row, dims (extreme, rank, neuron, offset)."""
    at = row[..., None] + np.array(CONTEXT_OFFSETS)
    inside = (row[..., None] >= 0) & (at >= 0) & (at < len(values))
    lead = time - np.arange(len(time))  # the same along a stretch without gaps
    centre = np.broadcast_to(row[..., None], at.shape)
    inside[inside] = lead[at[inside]] == lead[centre[inside]]
    neuron = np.broadcast_to(np.arange(values.shape[1])[:, None], at.shape)
    window = np.full(at.shape, np.nan, dtype=np.float32)
    window[inside] = values[at[inside], neuron[inside]]
    return window


@compiled
def _find_extremes(
    values: NDArray[np.float32], group: NDArray[np.integer], sign: np.float32, time: NDArray[np.int64]
) -> None:
    """Fill ``time`` (rank, neuron), given as -1, with the tokens of the largest ``sign * values`` (time, neuron)."""
    n_time, n_neuron = values.shape
    n_rank = time.shape[0]
    top = np.full((n_rank, n_neuron), -np.inf, np.float32)
    best, best_time = np.empty(n_neuron, np.float32), np.empty(n_neuron, np.int64)
    for t in range(n_time):
        if t == 0 or group[t] != group[t - 1]:
            best[:] = -np.inf
        for j in range(n_neuron):
            value = sign * values[t, j]
            better = value > best[j]
            best[j] = value if better else best[j]
            best_time[j] = t if better else best_time[j]
        if t + 1 == n_time or group[t + 1] != group[t]:
            for j in range(n_neuron):
                rank = n_rank
                while rank > 0 and best[j] > top[rank - 1, j]:
                    rank -= 1
                    if rank + 1 < n_rank:
                        top[rank + 1, j], time[rank + 1, j] = top[rank, j], time[rank, j]
                if rank < n_rank:
                    top[rank, j], time[rank, j] = best[j], best_time[j]
