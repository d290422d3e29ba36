"""From which epoch on something holds."""

import numpy as np
from numpy.typing import NDArray


def lasting_since(epoch: NDArray[np.float64], holds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the first epoch from which on something holds at every epoch up to the last.

    Parameters
    ----------
    epoch
        Dims (epoch).
    holds
        Dims (epoch, ...).

    Returns
    -------
    Dims (...); NaN where it does not hold at the last epoch.

    >>> lasting_since(np.array([0.0, 1.0, 4.0]), np.array([[1, 1, 0], [0, 1, 0], [1, 1, 0]], bool)).tolist()
    [4.0, 0.0, nan]
    """
    lasting = np.logical_and.accumulate(holds[::-1])[::-1]
    since: NDArray[np.float64] = np.where(lasting[-1], epoch[lasting.argmax(axis=0)], np.nan)
    return since
