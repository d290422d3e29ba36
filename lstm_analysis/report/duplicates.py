"""Neurons that do the same, up to sign."""

import numpy as np
from numpy.typing import NDArray

from .numerals import neuron_name


def others_like(group: NDArray[np.integer], layer: int, neuron: int) -> tuple[str, ...]:
    """Return the names of the other neurons of a neuron's group.

    Parameters
    ----------
    group
        ``duplicate_of``, dims (layer, neuron); below 0 for a neuron that is in none.
    layer, neuron
        Which neuron.

    >>> others_like(np.array([[0, 1], [0, -1]]), 1, 0)
    ('0:0',)
    """
    number = group[layer, neuron]
    if number < 0:
        return ()
    return tuple(neuron_name(a, b) for a, b in np.argwhere(group == number).tolist() if (a, b) != (layer, neuron))
