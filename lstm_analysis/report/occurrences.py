"""Seeded random target tokens of concepts, read block by block."""

from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..statistics.splitmix import GOLDEN, mix_bits

N_OCCURRENCE = 5


def random_occurrences(
    label: xr.DataArray, concepts: Iterable[int], seed: int, n: int = N_OCCURRENCE
) -> dict[int, NDArray[np.int64]]:
    """Return random target tokens of each concept, in the order of the text.

    Each token has a key that depends on it and the seed alone, and the targets with the smallest keys are taken, so
    that every target is as likely as another and the choice does not depend on how the labels are chunked.

    Parameters
    ----------
    label
        Labels, dims (time, concept), in memory or lazy; they are read once, chunk by chunk.
    concepts
        Places along ``concept``.
    seed
        Of the choice.
    n
        Tokens to take; fewer if the concept has fewer.

    Returns
    -------
    Tokens by place along ``concept``.
    """
    taken = {concept: np.empty(0, np.int64) for concept in concepts}
    label = label.transpose("time", "concept")
    for start, stop in _blocks(label):
        block = label.isel(time=slice(start, stop)).compute(scheduler="synchronous").values
        for concept, before in taken.items():
            both = np.concatenate([before, start + np.flatnonzero(block[:, concept] == 1)])
            taken[concept] = both[np.argsort(_keys(both, seed), kind="stable")[:n]]
    return {concept: np.sort(time) for concept, time in taken.items()}


def _blocks(label: xr.DataArray) -> Iterator[tuple[int, int]]:
    sizes = label.chunksizes.get("time", (label.sizes["time"],))
    stops = np.cumsum(sizes).tolist()
    return zip([0, *stops[:-1]], stops, strict=True)


def _keys(time: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return a random number of each token."""
    start = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return mix_bits((time.astype(np.uint64) + start) * np.uint64(GOLDEN))
