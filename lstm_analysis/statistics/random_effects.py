"""Means of estimates over units that differ from each other: interval, test, and variance between the units."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

_HALVINGS = 60


class MeanOverUnits(NamedTuple):
    """Mean of an effect over units with its t interval and two-sided t p-value, dims (neuron)."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]


def mean_over_units(
    effects: NDArray[np.float64], alpha: float = 0.05, smallest_variance: NDArray[np.float64] | float = 0.0
) -> MeanOverUnits:
    """Return the mean over units, its 1 - alpha interval and the p of a mean of 0, by Student's t over units.

    Parameters
    ----------
    effects
        Dims (unit, neuron).
    alpha
        1 - coverage of the interval.
    smallest_variance
        Of an effect, dims (unit): the variance over units is not taken to be below its mean. It keeps estimates that
        cannot be told apart (AUROC 1 at every unit) from being infinitely sure.

    Returns
    -------
    The mean is NaN without units or where an effect is NaN; interval and p need two units.

    Examples
    --------
    >>> found = mean_over_units(np.array([[0.1], [0.2], [0.3]]))
    >>> [x.round(3).item() for x in found]
    [0.2, -0.048, 0.448, 0.074]
    """
    n_unit, n_neuron = effects.shape
    nothing = np.full(n_neuron, np.nan)
    if n_unit == 0:
        return MeanOverUnits(*(nothing.copy() for _ in range(4)))
    mean = effects.sum(axis=0) / n_unit
    if n_unit == 1:
        return MeanOverUnits(mean, *(nothing.copy() for _ in range(3)))
    variance = ((effects - mean) ** 2).sum(axis=0) / (n_unit - 1)
    error = np.sqrt(np.maximum(variance, np.mean(smallest_variance)) / n_unit)
    half = special.stdtrit(n_unit - 1, 1 - alpha / 2) * error
    t = abs(mean) / np.where(error > 0, error, 1)
    t = np.where((error == 0) & (mean != 0), np.inf, t)
    return MeanOverUnits(mean, mean - half, mean + half, 2 * special.stdtr(n_unit - 1, -t))


def variance_between(effects: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance between units after Paule and Mandel (tau2), dims (neuron), 0 or more.

    The tau2 at which sum((effect - weighted mean)**2 / (variance + tau2)) equals its expectation, n_unit - 1; 0 where
    the sum is already below it without tau2. Unlike the estimator of DerSimonian and Laird it does not let a few units
    with tiny variances decide.

    Parameters
    ----------
    effects, variance
        Estimates and their variance within the unit, above 0, dims (unit, neuron).

    Returns
    -------
    NaN with fewer than two units or where an input is NaN.

    References
    ----------
    Paule & Mandel, J. Res. NBS 87, 1982; Veroniki et al., Res. Synth. Methods 7, 2016.

    Examples
    --------
    >>> variance_between(np.array([[0.1], [0.3]]), np.full((2, 1), 0.005)).round(9).tolist()
    [0.015]
    """
    n_unit, n_neuron = effects.shape
    if n_unit < 2:
        return np.full(n_neuron, np.nan)
    low = np.zeros(n_neuron)
    high = ((effects - effects.mean(axis=0)) ** 2).sum(axis=0) / (n_unit - 1)
    none = _dispersion(effects, variance, low) <= n_unit - 1
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _dispersion(effects, variance, middle) > n_unit - 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    undefined = np.isnan(effects).any(axis=0) | np.isnan(variance).any(axis=0)
    return np.where(undefined, np.nan, np.where(none, 0.0, (low + high) / 2))


def _dispersion(
    effects: NDArray[np.float64], variance: NDArray[np.float64], tau2: NDArray[np.float64]
) -> NDArray[np.float64]:
    weight = 1 / (variance + tau2)
    mean = (weight * effects).sum(axis=0) / weight.sum(axis=0)
    dispersion: NDArray[np.float64] = (weight * (effects - mean) ** 2).sum(axis=0)
    return dispersion
