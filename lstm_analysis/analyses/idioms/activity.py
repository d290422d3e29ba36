"""The LSTMVis rule: which neurons are on over a whole phrase, and off beside it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...compiled import compiled

THRESHOLDS = tuple(round(0.1 * k, 1) for k in range(1, 8))
SET_THRESHOLD = 0.3
"""Threshold of the sets whose overlap is worked out, on h and without flanks."""
FLANKS = ("any", "off")


def activity(plan: xr.Dataset, hidden: NDArray[np.float32], cell: NDArray[np.float32] | None) -> xr.Dataset:
    """Return at how many places each phrase has how many active neurons of the block, and the sets of active ones.

    A neuron is active at a place if its value is at or above the threshold at every token of the phrase; with
    ``flank`` ``off`` it must also be below it at the token before and after, as far as these are in the sentence.

    Returns
    -------
    `n_active_place` (state, threshold, flank, place): active neurons of the block, whole numbers to be summed over
    blocks. `is_active` (idiom, neuron): active at `SET_THRESHOLD` on h, without flanks, in at least half of the idiom's
    places. `active_base_rate` (idiom, neuron): share of the idiom's collocations of which that is so; NaN without any.
    """
    states = {"hidden": hidden} | ({} if cell is None else {"tanh_cell": np.tanh(cell)})
    first, before, after = (plan[f"place_{name}"].to_numpy() for name in ("first", "before", "after"))
    length = plan["phrase_length"].to_numpy()[plan["place_phrase"].to_numpy()]
    thresholds = np.array(THRESHOLDS, np.float32)
    counts = np.zeros((len(states), len(THRESHOLDS), len(FLANKS), len(first)), np.int64)
    share = np.zeros((plan.sizes["phrase"], hidden.shape[1]), np.float32)
    for k, values in enumerate(states.values()):
        for neuron in range(values.shape[1]):
            column = np.ascontiguousarray(values[:, neuron], np.float32)
            level = _count_active(column, first, length, before, after, thresholds, counts[k])
            if k == 0:
                share[:, neuron] = _share(level > THRESHOLDS.index(SET_THRESHOLD), plan)
    of_idiom, rate = _of_idioms(share >= 0.5, plan)
    return xr.Dataset(
        {
            "n_active_place": (("state", "threshold", "flank", "place"), counts),
            "is_active": (("idiom", "neuron"), of_idiom),
            "active_base_rate": (("idiom", "neuron"), rate),
        },
        {"state": list(states), "threshold": list(THRESHOLDS), "flank": list(FLANKS)},
    )


@compiled
def _count_active(
    column: NDArray[np.float32],
    first: NDArray[np.int64],
    length: NDArray[np.int32],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    thresholds: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Add a neuron to the counts (threshold, flank, place); return how many thresholds it reaches, dims (place)."""
    reached = np.zeros(len(first), np.int64)
    for i in range(len(first)):
        lowest, beside = np.float32(np.inf), np.float32(-np.inf)
        for row in range(first[i], first[i] + length[i]):
            if not column[row] >= lowest:  # so that an absent neuron, NaN everywhere, is active nowhere
                lowest = column[row]
        if before[i] >= 0:
            beside = max(beside, column[before[i]])
        if after[i] >= 0:
            beside = max(beside, column[after[i]])
        for k in range(len(thresholds)):
            if lowest >= thresholds[k]:
                reached[i] = k + 1
                counts[k, 0, i] += 1
                if beside < thresholds[k]:
                    counts[k, 1, i] += 1
    return reached


def _share(active: NDArray[np.bool_], plan: xr.Dataset) -> NDArray[np.float32]:
    """Return the share of each phrase's places at which the neuron is active, dims (phrase)."""
    n_place = plan["phrase_n_place"].to_numpy()
    n = np.bincount(plan["place_phrase"].to_numpy(), weights=active, minlength=len(n_place))
    share: NDArray[np.float32] = (n / np.maximum(n_place, 1)).astype(np.float32)
    return share


def _of_idioms(active: NDArray[np.bool_], plan: xr.Dataset) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return whether each neuron is active in each idiom, and in what share of its collocations, (idiom, neuron)."""
    phrase, n_idiom = plan["idiom_phrase"].to_numpy(), plan.sizes["idiom"]
    of_idiom = (
        active[np.maximum(phrase, 0)] & (phrase >= 0)[:, np.newaxis]
        if active.size
        else np.zeros((n_idiom, active.shape[1]), bool)
    )
    idiom, of = plan["collocation_idiom"].to_numpy(), plan["collocation_phrase"].to_numpy()
    edge = np.searchsorted(idiom, np.arange(n_idiom + 1))
    rate = np.full((n_idiom, active.shape[1]), np.nan, np.float32)
    for i in range(n_idiom):
        if edge[i + 1] > edge[i]:
            rate[i] = active[of[edge[i] : edge[i + 1]]].mean(axis=0)
    return of_idiom, rate
