r"""How far from neutral the best neuron of an untrained network may be.

The largest distance of one untrained network is a random number: the best of as many neurons of another one exceeds it
in half of all cases. So the tail is extrapolated: the :math:`k` largest of the distances exceed the next one,
:math:`u`, by :math:`\beta` on average. If the tail is exponential from there on (peaks over a threshold; Pickands
1975), as many neurons of another network are expected to hold :math:`(k + 1) (1 + x / (k \beta))^{-k}` beyond
:math:`u + x`, which counts that :math:`\beta` is estimated from :math:`k` neurons. This is :math:`\alpha` at
:math:`x = k \beta (((k + 1) / \alpha)^{1/k} - 1)`.
"""

import numpy as np
from numpy.typing import NDArray

SHARE, FEWEST = 0.05, 10
"""The tail: a twentieth of the neurons, but 10 of them if there are as many."""


def untrained_floor(distance: NDArray[np.float64], alpha: float, bounded: bool) -> NDArray[np.float64]:
    """Return the distance that the best neuron of a share ``alpha`` of untrained networks exceeds.

    Parameters
    ----------
    distance
        Of the scores from neutral, dims (concept, neuron), NaN where undefined.
    alpha
        That share.
    bounded
        Whether distances end at .5, as those of AUROC: their logit is extrapolated, so that the result is below .5.

    Returns
    -------
    Dims (concept), at least the largest distance; NaN without any.
    """
    return np.array([_floor(row[np.isfinite(row)], alpha, bounded) for row in distance])


def _floor(distance: NDArray[np.float64], alpha: float, bounded: bool) -> float:
    if not len(distance):
        return np.nan
    largest = np.sort(distance)[::-1]
    n_tail = min(max(int(SHARE * len(largest)), FEWEST), len(largest) - 1)
    if not n_tail or (bounded and largest[0] >= 0.5):
        return float(largest[0])
    tail = 2 * np.arctanh(2 * largest[: n_tail + 1]) if bounded else largest[: n_tail + 1]
    excess = tail[:n_tail].sum() - n_tail * tail[n_tail]
    floor = tail[n_tail] + excess * (((n_tail + 1) / alpha) ** (1 / n_tail) - 1)
    return float(max(largest[0], np.tanh(floor / 2) / 2 if bounded else floor))
