"""Choose a neuron on all units but one, and report it on the one left out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class HeldOut(NamedTuple):
    """The effect of the chosen neuron at the unit left out, in the direction it was chosen for, dims (unit)."""

    effect: NDArray[np.float64]
    neuron: NDArray[np.int64]


def held_out(effects: NDArray[np.float64]) -> HeldOut:
    """Return for each unit the effect there of the neuron whose mean over the others is largest in size.

    Parameters
    ----------
    effects
        Dims (unit, neuron); a neuron that is NaN at some unit is not chosen.

    Returns
    -------
    NaN and neuron -1 with fewer than two units or no neuron to choose. An effect below 0 says that the choice fails.

    Examples
    --------
    >>> held_out(np.array([[0.3, 0.1], [0.3, -0.2], [0.4, 0.1]])).effect.tolist()
    [0.3, 0.3, 0.4]
    """
    n_unit = len(effects)
    there = np.flatnonzero(~np.isnan(effects).any(axis=0))
    if n_unit < 2 or there.size == 0:
        return HeldOut(np.full(n_unit, np.nan), np.full(n_unit, -1))
    known = effects[:, there]
    others = (known.sum(axis=0) - known) / (n_unit - 1)
    best = abs(others).argmax(axis=1)
    unit = np.arange(n_unit)
    return HeldOut(np.sign(others[unit, best]) * known[unit, best], there[best])
