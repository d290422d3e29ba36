"""Products of two series at lags of a grid, for all lags together: a Fourier transform as matrix products."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

_COLUMNS = 64

Floats = NDArray[np.float32]
TakeWeights = Callable[[NDArray[np.int64], Floats], None]


def places(start: NDArray[np.int64], stop: NDArray[np.int64], n_lag: int) -> NDArray[np.int64]:
    """Return what the lags of some documents have in common: the places between two lags.

    A document of ``step * n_lag`` tokens (its last ones may be missing) is seen as ``n_lag`` rows of ``step`` places; a
    shift moves rows. Places of several documents that shift together stand beside one another.

    Returns
    -------
    Dims (place, 4): its token in the first row, tokens from one row to the next, end of its document, index of its
    document.
    """
    step = -((start - stop) // n_lag)
    document = np.repeat(np.arange(len(start)), step)
    offset = np.arange(len(document)) - np.repeat(np.cumsum(step) - step, step)
    return np.stack([start[document] + offset, step[document], stop[document], document], axis=1)


def cross_spectrum(
    values: Floats, mean: Floats, take_weights: TakeWeights, n_concept: int, place: NDArray[np.int64], n_lag: int
) -> Floats:
    """Return the cross-spectrum of weights and centred values along the lags, summed over places.

    Parameters
    ----------
    values, mean
        Dims (time, neuron) and (document, neuron): what is subtracted.
    take_weights
        Given places and an array (lag, place, concept), writes the weights there: `weights_of_labels`, or
        `weights_as_given`.
    n_concept
        Concepts, or variables, that it writes.
    place
        From `places`.
    n_lag
        Number of lags.

    Returns
    -------
    Dims (frequency, part, concept, neuron), parts real and imaginary.
    """
    forward = _forward(n_lag)
    n_frequency, n_neuron = len(forward) // 2, values.shape[1]
    total = np.zeros((n_frequency, 2 * n_concept, n_neuron), dtype=np.float32)
    for first in range(0, len(place), _COLUMNS):
        here = place[first : first + _COLUMNS]
        x = np.empty((n_lag, len(here), n_neuron), dtype=np.float32)
        w = np.empty((n_lag, len(here), n_concept), dtype=np.float32)
        _take_values(values, mean, here, x)
        take_weights(here, w)
        x_hat = np.matmul(forward, x.reshape(n_lag, -1)).reshape(n_frequency, -1, n_neuron)
        total += np.matmul(_conjugate(forward, w), x_hat)
    return total.reshape(n_frequency, 2, n_concept, n_neuron)


def products_at_lags(spectrum: Floats, n_lag: int) -> Floats:
    """Return the products at each lag, dims (lag, concept, neuron), from their cross-spectrum."""
    products: Floats = np.matmul(_backward(n_lag), spectrum.reshape(2 * len(spectrum), -1))
    return products.reshape(n_lag, *spectrum.shape[2:])


def _conjugate(forward: Floats, w: Floats) -> Floats:
    """Return what times the real and imaginary part of x is conj(w) x, dims (frequency, part concept, part place)."""
    n_lag, n_place, n_concept = w.shape
    real_imaginary = np.matmul(forward, w.reshape(n_lag, -1)).reshape(-1, 2, n_place, n_concept)
    factor = np.empty((len(real_imaginary), 2, n_place, 2, n_concept), dtype=np.float32)
    factor[:, :, :, 0] = real_imaginary
    np.negative(real_imaginary[:, 1], out=factor[:, 0, :, 1])
    factor[:, 1, :, 1] = real_imaginary[:, 0]
    return factor.reshape(len(factor), 2 * n_place, 2 * n_concept).transpose(0, 2, 1)


@lru_cache(maxsize=256)
def _forward(n_lag: int) -> Floats:
    """Return the real Fourier transform as a matrix, dims (frequency * part, lag)."""
    angle = 2 * np.pi * np.outer(np.arange(n_lag // 2 + 1), np.arange(n_lag)) / n_lag
    return np.stack([np.cos(angle), -np.sin(angle)], axis=1).reshape(-1, n_lag).astype(np.float32)


@lru_cache(maxsize=256)
def _backward(n_lag: int) -> Floats:
    """Return its inverse, dims (lag, frequency * part): all frequencies but the first and a last one stand for two."""
    frequency = np.arange(n_lag // 2 + 1)
    share = np.where((frequency == 0) | (2 * frequency == n_lag), 1, 2) / n_lag
    angle = 2 * np.pi * np.outer(np.arange(n_lag), frequency) / n_lag
    return np.stack([share * np.cos(angle), -share * np.sin(angle)], axis=2).reshape(n_lag, -1).astype(np.float32)


@compiled
def _take_values(values: Floats, mean: Floats, place: NDArray[np.int64], taken: Floats) -> None:
    """Copy centred values to (lag, place, neuron); what a document lacks of its last row is 0."""
    n_lag, n_place, n_neuron = taken.shape
    for row in range(n_lag):
        for i in range(n_place):
            t = place[i, 0] + row * place[i, 1]
            if t < place[i, 2]:
                d = place[i, 3]
                for j in range(n_neuron):
                    taken[row, i, j] = values[t, j] - mean[d, j]
            else:
                for j in range(n_neuron):
                    taken[row, i, j] = 0.0


@compiled
def weights_of_labels(
    label: NDArray[np.int8], weight: Floats, concept: NDArray[np.int64], place: NDArray[np.int64], taken: Floats
) -> None:
    """Write the weights of the labels to (lag, place, concept).

    Parameters
    ----------
    label, weight
        Dims (time, concept) and (label, concept): the weight of label 0, 1 and -1.
    concept
        Those of the concepts that are wanted.
    place
        From `places`.
    taken
        Written.
    """
    n_lag, n_place, n_concept = taken.shape
    for row in range(n_lag):
        for i in range(n_place):
            t = place[i, 0] + row * place[i, 1]
            for k in range(n_concept):
                taken[row, i, k] = weight[label[t, concept[k]], concept[k]] if t < place[i, 2] else 0.0


@compiled
def weights_as_given(weights: Floats, variable: NDArray[np.int64], place: NDArray[np.int64], taken: Floats) -> None:
    """Write weights (time, variable) of some variables to (lag, place, variable); `places` are the third argument."""
    n_lag, n_place, n_variable = taken.shape
    for row in range(n_lag):
        for i in range(n_place):
            t = place[i, 0] + row * place[i, 1]
            for k in range(n_variable):
                taken[row, i, k] = weights[t, variable[k]] if t < place[i, 2] else 0.0
