"""What is measured of each neuron by itself: AUROC by idiom, contrast and readout, and at which phrases it is on."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...compiled import compiled
from ...errors import UserError
from ...schema import RESOLUTION
from ...statistics.rank_sum import compare
from .activity import activity
from .controls import CONTRASTS, ROLES

READOUTS = ("final", "final+1", "mean", "max")
"""The final word of the phrase (primary), the token after it, mean and largest value over the phrase."""
FEWEST = 5
"""Idioms with fewer occurrences or fewer controls are described, not tested."""


def measure_idioms(
    plan: xr.Dataset, hidden: NDArray[np.float32], cell: NDArray[np.float32] | None = None
) -> xr.Dataset:
    """Measure a block of neurons at the rows of a plan.

    Parameters
    ----------
    plan
        From `plan_idioms`.
    hidden, cell
        h and c of the tokens `row_time`, dims (row, neuron). Neurons that a layer lacks are NaN at every row.

    Returns
    -------
    `auroc` (contrast, readout, idiom, neuron): probability that the readout at an idiomatic occurrence exceeds that at
    a control, ties half, values compared at the resolution of `schema.RESOLUTION`. It is NaN without occurrences or
    controls and for a neuron whose values at all rows span less than that. Readouts but ``final`` are worked out only
    where the idiom is tested. `auroc_variance`, `p_above`, `p_below` (contrast, idiom, neuron): see
    `rank_sum.compare`; NaN where the idiom is not tested. And those of `activity`, without the dim neuron where they
    count neurons: blocks are put together by `gather_blocks`.

    Raises
    ------
    UserError
        If the states do not have the plan's rows.
    """
    for name, states in (("hidden", hidden), ("cell", cell)):
        if states is not None and len(states) != plan.sizes["row"]:
            raise UserError(
                f"The plan of the idioms has {plan.sizes['row']} rows, {name} has {len(states)}. Read the tokens "
                "`row_time` of the same plan."
            )
    n_idiom, n_neuron = plan.sizes["idiom"], hidden.shape[1]
    edges = group_edges(plan)
    first, length, after = (plan[f"window_{name}"].to_numpy() for name in ("first", "length", "next"))
    auroc = np.full((len(CONTRASTS), len(READOUTS), n_idiom, n_neuron), np.nan)
    rest = np.full((3, len(CONTRASTS), n_idiom, n_neuron), np.nan)
    for neuron in range(n_neuron):
        column = np.ascontiguousarray(hidden[:, neuron], np.float32)
        if column.size and np.float64(column.max()) - np.float64(column.min()) >= RESOLUTION:
            read = _read_out(column, first, length, after, RESOLUTION)
            _compare_all(read, after >= 0, edges, auroc[..., neuron], rest[..., neuron])
    tests = ("contrast", "idiom", "neuron")
    measured = {
        "auroc": (("contrast", "readout", "idiom", "neuron"), auroc),
        **{name: (tests, part) for name, part in zip(("auroc_variance", "p_above", "p_below"), rest, strict=True)},
    }
    coords = {"contrast": list(CONTRASTS), "readout": list(READOUTS), "idiom": plan["idiom"].to_numpy()}
    return xr.Dataset(measured, coords).merge(activity(plan, hidden, cell))


def group_edges(plan: xr.Dataset) -> NDArray[np.int64]:
    """Return where the windows of each role and idiom begin and where they end, dims (role, idiom + 1)."""
    n_idiom = plan.sizes["idiom"]
    key = plan["window_role"].to_numpy().astype(np.int64) * n_idiom + plan["window_idiom"].to_numpy()
    roles = np.arange(len(ROLES))[:, np.newaxis] * n_idiom
    return np.searchsorted(key, roles + np.arange(n_idiom + 1)).astype(np.int64)


@compiled
def _read_out(
    column: NDArray[np.float32],
    first: NDArray[np.int64],
    length: NDArray[np.int32],
    after: NDArray[np.int64],
    resolution: float,
) -> NDArray[np.int64]:
    """Return the readouts in units of the resolution, dims (readout, window); 0 where there is no token after."""
    read = np.zeros((4, len(first)), np.int64)
    for i in range(len(first)):
        total, largest = 0.0, -np.inf
        for row in range(first[i], first[i] + length[i]):
            value = np.float64(column[row])
            total += value
            largest = max(largest, value)
        read[0, i] = np.int64(np.rint(np.float64(column[first[i] + length[i] - 1]) / resolution))
        if after[i] >= 0:
            read[1, i] = np.int64(np.rint(np.float64(column[after[i]]) / resolution))
        read[2, i] = np.int64(np.rint(total / length[i] / resolution))
        read[3, i] = np.int64(np.rint(largest / resolution))
    return read


@compiled
def _compare_all(
    read: NDArray[np.int64],
    has_next: NDArray[np.bool_],
    edges: NDArray[np.int64],
    auroc: NDArray[np.float64],
    rest: NDArray[np.float64],
) -> None:
    """Write AUROC (contrast, readout, idiom) and variance and both p (score, contrast, idiom) in place."""
    for k in range(auroc.shape[0]):
        for i in range(auroc.shape[2]):
            a0, a1, b0, b1 = edges[0, i], edges[0, i + 1], edges[k + 1, i], edges[k + 1, i + 1]
            tested = min(a1 - a0, b1 - b0) >= 5
            for r in range(auroc.shape[1] if tested else 1):
                target, control = read[r, a0:a1], read[r, b0:b1]
                if r == 1:
                    target, control = target[has_next[a0:a1]], control[has_next[b0:b1]]
                found = compare(target, control, tested and r == 0)
                auroc[k, r, i] = found[0]
                if r == 0:
                    rest[0, k, i], rest[1, k, i], rest[2, k, i] = found[1], found[2], found[3]
