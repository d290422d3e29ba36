"""Partial conjunction: at how many units, at least, does a neuron have an effect?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln


class Breadth(NamedTuple):
    """At how many units at least each neuron has an effect in one direction, dims (neuron).

    Parameters
    ----------
    lower_bound
        Units, 0 or more.
    direction
        1 where the effects that it counts are upward, -1 downward, 0 where there are none or as many of both.
    """

    lower_bound: NDArray[np.int64]
    direction: NDArray[np.int8]


def breadth_lower_bound(p: NDArray[np.float64], alpha: float) -> NDArray[np.int64]:
    """Return the largest u with (I - u + 1) p_(u) <= alpha, dims (neuron); I units, p_(u) the u-th smallest p.

    With probability 1 - alpha a neuron has an effect at so many units or more: that more than the true number are
    claimed is a false rejection by Hochberg's procedure, which holds for p-values that are independent or positively
    dependent, as those of different idioms are.

    Parameters
    ----------
    p
        Valid p-values, dims (unit, neuron); NaN counts as 1.
    alpha
        Error that a neuron is allowed: that of the family over the number of neurons.

    References
    ----------
    Benjamini & Heller, Biometrics 64, 2008; Hochberg, Biometrika 75, 1988.

    Examples
    --------
    >>> breadth_lower_bound(np.array([[0.001], [0.9], [0.02], [0.0001]]), alpha=0.05).tolist()
    [3]
    """
    n_unit = len(p)
    ascending = np.sort(np.where(np.isnan(p), 1.0, p), axis=0)
    holds = ascending * np.arange(n_unit, 0, -1)[:, np.newaxis] <= alpha
    largest: NDArray[np.int64] = (holds * np.arange(1, n_unit + 1)[:, np.newaxis]).max(axis=0, initial=0)
    return largest


def breadth_limit(n_target: NDArray[np.int64], n_control: NDArray[np.int64], n_neuron: int, alpha: float) -> int:
    """Return the largest lower bound that `breadth_of_family` can give: that of a neuron which separates every unit.

    With n target and m control values no p is below n! m! / (n + m)!, so units with few occurrences are never counted.

    >>> breadth_limit(np.array([5, 20, 20, 20]), np.array([5, 20, 20, 20]), n_neuron=100, alpha=0.05)
    3
    """
    log_p = gammaln(n_target + 1) + gammaln(n_control + 1) - gammaln(n_target + n_control + 1)
    return int(breadth_lower_bound(np.exp(log_p)[:, np.newaxis], alpha / (2 * max(1, n_neuron)))[0])


def breadth_of_family(p_above: NDArray[np.float64], p_below: NDArray[np.float64], alpha: float) -> Breadth:
    """Return at how many units at least each neuron has an effect of one sign; all neurons and both signs together.

    Effects of opposite sign are not added: what is peculiar to each unit makes many neurons differ at many of them,
    up at some and down at others. alpha is shared by the neurons that have any p and by the two directions, so all
    the bounds hold at once with probability 1 - alpha.

    Parameters
    ----------
    p_above, p_below
        One-sided p of an effect upward and downward, dims (unit, neuron).
    alpha
        Error of the family.
    """
    n_tested = max(1, int((~np.isnan(p_above)).any(axis=0).sum()))
    up, down = (breadth_lower_bound(p, alpha / (2 * n_tested)) for p in (p_above, p_below))
    return Breadth(np.maximum(up, down), np.sign(up - down).astype(np.int8))
