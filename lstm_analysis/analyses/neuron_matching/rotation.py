"""What |r| any neuron reaches against a layer whose states have been rotated at random.

A rotated layer holds the same information along arbitrary directions; a neuron that is matched no better than that
shares the subspace, not the neuron.
"""

import numpy as np
from numpy.typing import NDArray

N_ROTATION = 8
"""Random rotations."""


def rotated_best(
    r: NDArray[np.floating],
    r_within: NDArray[np.floating],
    sd: NDArray[np.floating],
    layers: list[slice],
    seed: int,
) -> NDArray[np.float64]:
    """Return the largest |r| with any direction of a rotated layer, the largest over layers, averaged over rotations.

    Parameters
    ----------
    r
        With the neurons before they are rotated, dims (mine, other); where both are one layer, NaN of a neuron with
        itself takes its own share out of each direction.
    r_within
        Of those with one another, dims (other, other).
    sd
        Their standard deviations, dims (other); what is NaN, or has no r, is left out.
    layers
        Which neurons make a layer.
    seed
        Of the rotations: uniform over orthogonal matrices.

    Returns
    -------
    Dims (mine); NaN where the neuron has no r.
    """
    rng, best = np.random.default_rng(seed), np.zeros((N_ROTATION, len(r)))
    for layer in layers:
        inside = np.arange(layer.start, layer.stop)
        inside = inside[~np.isnan(np.diagonal(r_within)[inside])]
        if not len(inside):
            continue
        across = np.nan_to_num(r[:, inside]) * sd[inside]
        covariance = r_within[np.ix_(inside, inside)] * np.outer(sd[inside], sd[inside])
        for draw in range(N_ROTATION):
            turn = random_rotation(len(inside), rng)
            spread = np.sqrt(np.maximum(np.einsum("ij,ij->j", turn, covariance @ turn), 0))
            ratio = np.divide(across @ turn, spread, out=np.zeros((len(r), len(inside))), where=spread > 0)
            best[draw] = np.maximum(best[draw], np.abs(ratio).max(axis=1))
    mean: NDArray[np.float64] = np.minimum(best.mean(axis=0), 1)
    return np.where(np.isnan(r).all(axis=1), np.nan, mean)


def random_rotation(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return an orthogonal matrix drawn uniformly (Mezzadri 2007), dims (neuron, direction)."""
    q, upper = np.linalg.qr(rng.standard_normal((n, n)))
    rotation: NDArray[np.float64] = q * np.sign(np.diagonal(upper))
    return rotation
