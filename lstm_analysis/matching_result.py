"""What was found about pairs of neurons as labelled arrays."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .analyses.neuron_matching import (
    DUPLICATE_R,
    FAMILY_R,
    Best,
    assign_one_to_one,
    families,
    mutual_best,
    rotated_best,
)
from .neuron_pairs import Pairs

MINE, OTHER = ("layer", "neuron"), ("layer_other", "neuron_other")


def within_model(pairs: Pairs, sizes: Sequence[int], seed: int) -> xr.Dataset:
    """Return which neurons of a model do the same.

    Parameters
    ----------
    pairs
        Of the model with itself.
    sizes
        Neurons of each layer.
    seed
        Of the rotations.

    Returns
    -------
    The variables of ``neuron_matching.zarr``; see `schema.NEURON_MATCHING`.
    """
    n_neuron = sum(sizes)
    rotated = np.full(n_neuron, np.nan)
    family, duplicate = np.full((2, n_neuron), -1, np.int32)
    if pairs.r is not None:
        rotated = rotated_best(pairs.r, _with_diagonal(pairs.r), pairs.sd, layer_slices(sizes), seed)
        family, duplicate = families(pairs.r, FAMILY_R), families(pairs.r, DUPLICATE_R)
    columns = {
        "mutual": mutual_best(pairs.mine.place[:, 0], pairs.mine.place[:, 0]),
        "r_rotated": rotated,
        "excess_r": np.abs(pairs.mine.r[:, 0]) - rotated,
        "family": family,
        "duplicate": duplicate,
    }
    found = _best_columns(pairs.mine, sizes, sizes)
    found |= {name: (MINE, by_layer(values, sizes)) for name, values in columns.items()}
    return xr.Dataset(found).assign(n_token=pairs.n_token, n_token_residual=pairs.n_token_residual)


def between_models(
    pairs: Pairs,
    sizes: tuple[Sequence[int], Sequence[int]],
    other_within: Pairs | None,
    r_twin: NDArray[np.floating] | None,
    seed: int,
) -> xr.Dataset:
    """Return which neurons of two models do the same.

    Parameters
    ----------
    pairs
        Of one model with the other.
    sizes
        Neurons of each layer of either.
    other_within
        Pairs of the other model with itself, for rotations.
    r_twin
        Largest |r| of each neuron of the first model with its random twin; ``None`` without one.
    seed
        Of the rotations.

    Returns
    -------
    See `schema.NEURON_MATCHING`; what has dims (layer_other, neuron_other) is of the other model.
    """
    mine, other = sizes
    best, n_neuron = np.abs(pairs.mine.r[:, 0]), sum(mine)
    rotated, assigned = np.full(n_neuron, np.nan), np.full(n_neuron, -1, np.int32)
    if pairs.r is not None:
        assigned = assign_one_to_one(pairs.r)
        if other_within is not None and other_within.r is not None:
            within = _with_diagonal(other_within.r)
            rotated = rotated_best(pairs.r, within, other_within.sd, layer_slices(other), seed)
    columns = {
        "mutual": mutual_best(pairs.mine.place[:, 0], pairs.other.place[:, 0]),
        "r_rotated": rotated,
        "excess_r": best - (rotated if r_twin is None else r_twin),
        **_places("assigned", assigned, other),
    }
    if pairs.r is not None:
        chosen = pairs.r[np.arange(n_neuron), np.maximum(assigned, 0)]
        columns["assigned_r"] = np.where(assigned >= 0, chosen, np.nan)
    if r_twin is not None:
        columns["r_twin"] = r_twin
    found = _best_columns(pairs.mine, mine, other)
    found |= {name: (MINE, by_layer(values, mine)) for name, values in columns.items()}
    found |= _best_columns(pairs.other, other, mine, "other_", OTHER)
    return xr.Dataset(found).assign(n_token=pairs.n_token, n_token_residual=pairs.n_token_residual)


def layer_slices(sizes: Sequence[int]) -> list[slice]:
    """Return which of all neurons, layer by layer, are those of each layer."""
    ends = np.cumsum([0, *sizes]).tolist()
    return [slice(start, stop) for start, stop in pairwise(ends)]


def by_layer(values: NDArray[np.generic], sizes: Sequence[int]) -> NDArray[np.generic]:
    """Return values of all neurons, the last dim, as (layer, neuron); NaN or -1 where a layer has no such neuron."""
    empty = np.nan if values.dtype.kind == "f" else -1
    found = np.full((*values.shape[:-1], len(sizes), max(sizes)), empty, values.dtype)
    for layer, cut in enumerate(layer_slices(sizes)):
        found[..., layer, : sizes[layer]] = values[..., cut]
    return found


def _best_columns(
    best: Best, sizes: Sequence[int], other: Sequence[int], prefix: str = "", dims: tuple[str, ...] = MINE
) -> dict[str, tuple[tuple[str, ...], NDArray[np.generic]]]:
    """Return the best of each neuron, dims (rank, layer, neuron)."""
    columns = _places("best", best.place, other) | {"r": best.r, "r_residual": best.r_residual}
    return {prefix + name: (("rank", *dims), by_layer(values.T, sizes)) for name, values in columns.items()}


def _places(name: str, place: NDArray[np.int32], sizes: Sequence[int]) -> dict[str, NDArray[np.generic]]:
    """Return places among all neurons as layer and neuron, -1 where there is none."""
    first = np.cumsum([0, *sizes])
    layer = np.searchsorted(first, place, side="right") - 1
    there = place >= 0
    neuron = place - first[np.maximum(layer, 0)]
    return {
        f"{name}_layer": np.where(there, layer, -1).astype(np.int32),
        f"{name}_neuron": np.where(there, neuron, -1).astype(np.int32),
    }


def _with_diagonal(r: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return correlations with 1 on the diagonal of the neurons that have any."""
    whole = r.astype(np.float64)
    np.fill_diagonal(whole, np.where(np.isnan(r).all(axis=1), np.nan, 1.0))
    return whole
