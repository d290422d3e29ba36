"""Neurons as trained networks have them: saturated, piled up at one value, gated off, asleep most of the time."""

import numpy as np
from scipy.signal import lfilter

KINDS = ("plain", "saturated", "near_one", "atom", "asleep", "coarse")


def realistic_neurons(n_token=20_000, seed=0, n_concept=6):
    """Return values (time, neuron), one neuron a kind, and bursty labels (time, concept) that some of them know."""
    rng = np.random.default_rng(seed)
    level = lfilter([1], [1, -0.95], rng.standard_normal((n_token, n_concept)), axis=0)
    label = (level > np.quantile(level, np.linspace(0.5, 0.99, n_concept), axis=0).diagonal()).astype(np.int8)
    label[rng.random(label.shape) < 0.1] = -1
    drive = lfilter([1], [1, -0.8], rng.standard_normal((n_token, len(KINDS))), axis=0)
    drive += 3 * (label[:, np.arange(len(KINDS)) % n_concept] == 1)
    values = {
        "plain": np.tanh(drive[:, 0]),
        "saturated": np.tanh(6 * drive[:, 1]),
        "near_one": 1 - 10.0 ** (-4 - drive[:, 2]).clip(-7, 0),
        "atom": np.where(rng.random(n_token) < 0.4, np.tanh(1), np.tanh(0.5 + 0.2 * drive[:, 3])),
        "asleep": np.where(rng.random(n_token) < 0.9, 1e-9, 1) * np.tanh(drive[:, 4]),
        "coarse": np.round(4 * np.tanh(drive[:, 5])) / 4,
    }
    return np.stack([values[kind] for kind in KINDS], axis=1).astype(np.float32), label
