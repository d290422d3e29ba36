"""The best neurons: of each epoch, and those chosen at the end, followed through the epochs."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .at_epoch import DIMS, AtEpoch, over_epochs

HALVES = ("odd", "even")


def _strongest(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of the largest along the last axis, of equals the first; -1 where all are NaN."""
    comparable = np.where(np.isnan(distance), -1.0, distance)
    return np.where(comparable.max(axis=-1) < 0, -1, comparable.argmax(axis=-1))


def _place(flat: NDArray[np.int64], n_neuron: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.where(flat < 0, -1, flat // n_neuron), np.where(flat < 0, -1, flat % n_neuron)


def _followed(scores: NDArray[np.float64], no_neuron: NDArray[np.bool_], first: int) -> NDArray[np.float64]:
    """Return scores (epoch, concept) with NaN where there is no neuron to follow, or no epoch to follow it to."""
    early = np.arange(len(scores)) < first
    return np.where(no_neuron | early[:, None], np.nan, scores)


def best_of_epochs(scores: NDArray[np.float64], neutral: float, first: int) -> xr.Dataset:
    """Return the best neuron of each epoch and its score, and that of the neuron which is best at the end.

    Parameters
    ----------
    scores
        Dims (epoch, concept, layer, neuron).
    neutral
        The score that says nothing.
    first
        Epochs to leave out at the beginning when the neuron that is the best at the end is followed.
    """
    flat = scores.reshape(*scores.shape[:2], -1)
    best = _strongest(np.abs(flat - neutral))
    layer, neuron = _place(best, scores.shape[-1])
    last = np.broadcast_to(best[-1], best.shape)
    dims = ("epoch", "concept")
    score, final = (np.take_along_axis(flat, place[..., None], axis=-1)[..., 0] for place in (best, last))
    return xr.Dataset(
        {
            "best_layer": (dims, layer), "best_neuron": (dims, neuron),
            "best_score": (dims, np.where(best < 0, np.nan, score)),
            "final_best_score": (dims, _followed(final, last < 0, first)),
        }
    )  # fmt: skip


def held_out(at: Sequence[AtEpoch], first: int) -> xr.Dataset:
    """Return the neurons that are best at the end on one half of the words, followed on the other half.

    Parameters
    ----------
    at
        The epochs; without scores over words the result is empty.
    first
        Epochs to leave out at the beginning.
    """
    halves = [over_epochs(at, "scores", f"type_smd_{half}") for half in HALVES]
    if any(half is None for half in halves):
        return xr.Dataset()
    odd, even = (half.transpose("epoch", *DIMS).values for half in halves if half is not None)
    n_neuron, shape = odd.shape[-1], (*odd.shape[:2], -1)
    best = np.stack([_strongest(np.abs(half[-1]).reshape(shape[1], -1)) for half in (odd, even)])
    layer, neuron = _place(best, n_neuron)
    other = [
        _followed(np.take_along_axis(half.reshape(shape), place[None, :, None], axis=-1)[..., 0], place < 0, first)
        for half, place in zip((even, odd), best, strict=True)
    ]
    dims = ("half", "concept")
    return xr.Dataset(
        {"held_out_layer": (dims, layer), "held_out_neuron": (dims, neuron),
         "held_out_smd": (("half", "epoch", "concept"), np.stack(other))},
        {"half": list(HALVES)},
    )  # fmt: skip
