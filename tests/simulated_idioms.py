"""Idioms whose AUROC has a random sign: what is peculiar to each (the word before) moves all its occurrences."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

BETWEEN = 0.45
"""Standard deviation between idioms of what is peculiar to each, in those of one occurrence."""
N_OCCURRENCE = 20

Floats = NDArray[np.float64]


def occurrences(
    rng: np.random.Generator, n_idiom: int, n_neuron: int, n_signal: int = 0, auroc: float = 0.5
) -> tuple[Floats, Floats]:
    """Return values of idiomatic occurrences and of as many controls, dims (idiom, neuron, occurrence).

    The first ``n_signal`` neurons have the AUROC on average over idioms, the others .5.
    """
    effect = rng.normal(0, BETWEEN, (n_idiom, n_neuron))
    effect[:, :n_signal] += stats.norm.ppf(auroc) * np.sqrt(2 + BETWEEN**2)
    target, control = rng.normal(size=(2, n_idiom, n_neuron, N_OCCURRENCE))
    return target + effect[..., np.newaxis], control


def auroc_of(target: Floats, control: Floats) -> Floats:
    """Return AUROC without ties, dims (idiom, neuron)."""
    n1, n0 = target.shape[-1], control.shape[-1]
    rank = np.concatenate([target, control], axis=-1).argsort(axis=-1).argsort(axis=-1) + 1
    return (rank[..., :n1].sum(axis=-1) - n1 * (n1 + 1) / 2) / (n1 * n0)


def effects(rng: np.random.Generator, n_idiom: int, n_neuron: int, n_signal: int = 0, auroc: float = 0.5) -> Floats:
    """Return AUROC - .5, dims (idiom, neuron)."""
    return auroc_of(*occurrences(rng, n_idiom, n_neuron, n_signal, auroc)) - 0.5
