"""The few neurons by which two sets are best told apart, chosen one after the other."""

import warnings

import numpy as np
from numpy.typing import NDArray

N_CANDIDATE = 64
"""Neurons with the largest differences of means, among which the rest are looked for."""
LEAST_SHARE = 1e-12
"""A neuron whose variance is a smaller share of its mean square is constant."""


def choose_neurons(x: NDArray[np.float64], label: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    r"""Return the neurons of a sparse probe, the first one being the best single one.

    The first is the neuron with the largest \|mean difference\| in units of its standard deviation. Each following one
    says most of what those before leave unsaid (orthogonal matching pursuit, both sets of equal total weight), among
    the 64 neurons with the largest differences.

    Parameters
    ----------
    x
        Dims (unit, neuron).
    label
        Which units are of the concept, dims (unit); some are and some are not.
    n
        Neurons to choose.

    Returns
    -------
    Places on neuron, at most n: fewer where the rest adds nothing.

    References
    ----------
    Gurnee, W. et al. (2023). Finding neurons in a haystack: case studies with sparse probing. TMLR.
    Pati, Y. C., Rezaiifar, R., Krishnaprasad, P. S. (1993). Orthogonal matching pursuit. Asilomar 27, 40-44.
    """
    of_one, of_rest = label / label.sum(), ~label / (~label).sum()
    mean_one, mean_rest = np.stack([of_one, of_rest]) @ x
    weight, mean = (of_one + of_rest) / 2, (mean_one + mean_rest) / 2
    square = weight @ (x * x)
    variance = square - mean**2
    usable = np.flatnonzero(variance > LEAST_SHARE * square)
    strength = np.abs(mean_one - mean_rest)[usable] / np.sqrt(variance[usable])
    best = usable[np.argsort(-strength, kind="stable")[:N_CANDIDATE]]
    root = np.sqrt(weight)
    scaled = root[:, None] * (x[:, best] - mean[best]) / np.sqrt(variance[best])
    return best[_pursue(scaled, root * np.where(label, 1.0, -1.0), min(n, len(best)))]


def _pursue(x: NDArray[np.float64], target: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return the columns in the order in which matching pursuit takes them."""
    from sklearn.linear_model import orthogonal_mp  # 20 MB, which no other task and no scheduler needs

    if n == 0:
        return np.empty(0, dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it stops early where columns are collinear, and says so
        path = orthogonal_mp(x, target, n_nonzero_coefs=n, return_path=True, precompute=False)
    taken: list[int] = []
    for coefficients in path.reshape(x.shape[1], -1).T:
        taken += [int(i) for i in np.flatnonzero(coefficients) if i not in taken]
    return np.array(taken, dtype=np.int64)
