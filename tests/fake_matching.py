"""Neurons of a fake run matched among themselves, by numpy."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lstm_analysis.analyses.neuron_matching import best_of
from lstm_analysis.matching_result import MINE, by_layer, within_model
from lstm_analysis.neuron_pairs import Pairs


def fake_matching(hidden: NDArray[np.float32], sizes: tuple[int, ...], of_twin: bool) -> xr.Dataset:
    """Return ``neuron_matching.zarr`` of states (time, layer, neuron), the last neuron of layer 0 that of neuron 0."""
    flat = np.concatenate([hidden[:, layer, :size] for layer, size in enumerate(sizes)], axis=1).astype(np.float64)
    if not of_twin:
        flat[:, sizes[0] - 1] = -flat[:, 0]
    sd = flat.std(axis=0)
    centred = (flat - flat.mean(axis=0)) / np.where(sd > 1e-6, sd, np.nan)
    r = (centred.T @ centred / len(flat)).astype(np.float32)
    np.fill_diagonal(r, np.nan)
    best = best_of(r, r / 2, 0)
    found = within_model(Pairs(best, best, r, r / 2, sd, len(flat), len(flat) // 2), sizes, 0)
    if of_twin:
        found["r_twin"] = (MINE, by_layer(np.abs(best.r[:, 0]).astype(np.float64), sizes))
    return found
