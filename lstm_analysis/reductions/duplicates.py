"""Neurons that are one finding: groups of neurons that do the same, up to sign."""

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .. import schema

THRESHOLD = 0.95
BLOCK = 48
"""Neurons whose correlations with as many others are in memory at once."""
FEWEST = 100
"""Tokens below which correlations say nothing."""


def duplicate_groups(pilot: NDArray[np.floating], threshold: float = THRESHOLD) -> NDArray[np.int64]:
    """Return which neurons, of all layers, are duplicates of one another.

    Two neurons are linked where \\|r\\| of their values exceeds the threshold, r being Pearson's correlation over the
    pilot; a group is what links connect, so that two of its members may correlate less than the threshold.

    Parameters
    ----------
    pilot
        Values of some tokens, dims (time, layer, neuron), such as those of `pilot_time`; NaN for neurons that their
        layer does not have.
    threshold
        Of \\|r\\|.

    Returns
    -------
    Dims (layer, neuron): the number of the group, which is the place ``layer * n_neuron + neuron`` of its first member.
    A neuron that varies less than `schema.RESOLUTION` is alone, and so is each with fewer than 100 tokens; -1 for a
    neuron that is not there.

    Examples
    --------
    >>> wave = np.sin(np.arange(200.0))
    >>> duplicate_groups(np.stack([wave, np.cos(np.arange(200.0)), 2 - 3 * wave], axis=1)[:, np.newaxis])
    array([[0, 1, 0]])
    """
    n_time, n_layer, n_neuron = pilot.shape
    flat = pilot.reshape(n_time, n_layer * n_neuron)
    group = np.arange(flat.shape[1])
    if n_time >= FEWEST:
        varying = np.flatnonzero(np.ptp(flat, axis=0) >= schema.RESOLUTION)  # not true of NaN
        first, second = _links(flat, varying, threshold)
        graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(len(group), len(group)))
        _, component = connected_components(graph, directed=False)
        group = np.unique(component, return_index=True)[1][component].astype(np.int64)
    group[np.isnan(flat).any(axis=0)] = -1
    return group.reshape(n_layer, n_neuron)


def _links(
    flat: NDArray[np.floating], varying: NDArray[np.intp], threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of columns that are linked."""
    blocks = [varying[at : at + BLOCK] for at in range(0, len(varying), BLOCK)]
    pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = [(varying[:0], varying[:0])]
    for left, right in combinations_with_replacement(blocks, 2):
        r = _standardise(flat[:, left]).T @ _standardise(flat[:, right])
        rows, columns = np.nonzero(np.abs(r) > threshold)
        pairs.append((left[rows], right[columns]))
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def _standardise(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return columns of mean 0 and length 1."""
    centred: NDArray[np.float64] = values - values.mean(axis=0, dtype=np.float64)
    centred /= np.sqrt(np.einsum("ij,ij->j", centred, centred))
    return centred
