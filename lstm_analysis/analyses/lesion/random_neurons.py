"""Random neurons that a lesion is held against: of the same layer, alike in variance and in outgoing norm."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Neuron = tuple[int, int]
NeuronSet = tuple[Neuron, ...]


def outgoing_norms(readers: Sequence[Sequence[NDArray[np.floating]]]) -> list[NDArray[np.float64]]:
    """Return the norm of all weights that read each neuron, dims (layer)(neuron).

    Parameters
    ----------
    readers
        For each layer the matrices that read it, shape (reader, neuron).
    """
    return [
        np.sqrt(np.sum([np.square(matrix, dtype=np.float64).sum(axis=0) for matrix in matrices], axis=0))
        for matrices in readers
    ]


def draw_random(
    lesions: Sequence[NeuronSet],
    sd: Sequence[NDArray[np.float64]],
    norm: Sequence[NDArray[np.float64]],
    n: int,
    seed: int,
) -> list[list[NeuronSet]]:
    """Return what each lesion is held against.

    Of a single neuron these are the ``n`` neurons of its layer that are nearest to it in log sd and log outgoing norm,
    each in units of its spread over the layer. Of a set these are ``n`` random sets, each member in the place of one
    of the set's and of the ``n`` nearest to it. The neurons of the lesion itself, and constant ones, are left out.

    Parameters
    ----------
    lesions
        Neurons (layer, neuron) of each lesion.
    sd
        Standard deviation of h, dims (layer)(neuron).
    norm
        A result of `outgoing_norms`.
    n
        Neurons, or sets.
    seed
        Of the sets.

    Returns
    -------
    Dims (lesion)(draw)(member); fewer draws, or none, where a layer has no more neurons, or the lesion's is constant.
    """
    features = [_features(*pair) for pair in zip(sd, norm, strict=True)]
    found: list[list[NeuronSet]] = []
    for number, lesion in enumerate(lesions):
        near = [_nearest(features[layer], layer, neuron, lesion, n) for layer, neuron in lesion]
        if len(lesion) == 1:
            found.append([(one,) for one in near[0]])
            continue
        rng, enough = np.random.default_rng([seed, number]), min(map(len, near)) >= len(lesion)
        found.append([_draw_set(near, rng) for _ in range(n if enough else 0)])
    return found


def _features(sd: NDArray[np.float64], norm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log sd and log norm in units of their spread, dims (neuron, feature); NaN for a constant neuron."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(np.stack([sd, np.maximum(norm, np.finfo(float).tiny)], axis=1))
    values[~np.isfinite(values).all(axis=1)] = np.nan
    known = values[~np.isnan(values[:, 0])]
    spread = np.subtract(*np.percentile(known, [75, 25], axis=0)) if len(known) else np.ones(2)
    return np.asarray(values / np.where(spread > 0, spread, 1.0))


def _nearest(features: NDArray[np.float64], layer: int, neuron: int, lesion: NeuronSet, n: int) -> list[Neuron]:
    distance = np.square(features - features[neuron]).sum(axis=1)
    distance[[j for of, j in lesion if of == layer]] = np.nan
    order = np.argsort(distance, kind="stable")[: int(np.isfinite(distance).sum())]
    return [(layer, int(j)) for j in order[:n]]


def _draw_set(near: list[list[Neuron]], rng: np.random.Generator) -> NeuronSet:
    """Return a random neuron near each member of a set, none twice."""
    chosen: list[Neuron] = []
    for others in near:
        free = [one for one in others if one not in chosen]
        chosen.append(free[int(rng.integers(len(free)))])
    return tuple(chosen)
