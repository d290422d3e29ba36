"""What lesions say together: double dissociations, and neurons that know something nobody uses."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

MIN_TOKEN = 20
"""Tokens of a concept, and controls, below which nothing is said of what it loses."""


class Dissociation(NamedTuple):
    """Places of two lesions and two concepts: the first lesion costs the first concept only, the second the second."""

    lesion: int
    concept: int
    other_lesion: int
    other_concept: int
    strength: float


class Unused(NamedTuple):
    """Places of a lesion and a concept that its neuron is selective for, but whose tokens do not need it."""

    lesion: int
    concept: int


def hurt(found: xr.Dataset, alpha: float = 0.05, prediction: str = "next") -> NDArray[np.bool_]:
    """Return which concepts each lesion hurts, dims (lesion, concept).

    A concept loses more than its controls, and than with random neurons: p <= alpha, over all concepts at once
    (``p_fwer``), or alone (``p_value``) where the neuron is selective for the concept, which was known before. Concepts
    without `MIN_TOKEN` tokens and as many controls are not judged: random neurons are held against the same few.
    """
    one = found.sel(prediction=prediction).transpose("lesion", "concept", ...)
    known = one["selective"].values & (one["p_value"].values <= alpha)
    costs = (known | (one["p_fwer"].values <= alpha)) & (one["delta_loss"].values > 0)
    return np.asarray(costs & _enough(found, prediction))


def _enough(found: xr.Dataset, prediction: str) -> NDArray[np.bool_]:
    """Return which concepts have tokens enough to be judged by, dims (concept)."""
    n_token = found["n_token"].sel(prediction=prediction).min("group")
    return np.asarray(n_token.values >= MIN_TOKEN)


def dissociations(found: xr.Dataset, alpha: float = 0.05, prediction: str = "next") -> list[Dissociation]:
    """Return the double dissociations between lesions, the strongest first.

    A lesion spares a concept if even ``p_value > alpha``. Two lesions dissociate two concepts if each hurts one
    (`hurt`) and spares the other. The strength is the smaller of the two ``delta_loss``, of each lesion at the concept
    that it hurts.

    Parameters
    ----------
    found
        `delta_loss`, `p_value`, `p_fwer` (lesion, concept, prediction), `selective` (lesion, concept).
    alpha
        Level of the tests.
    prediction
        Which losses.
    """
    one = found.sel(prediction=prediction)
    loss = one["delta_loss"].transpose("lesion", "concept").values
    hurts = hurt(found, alpha, prediction)
    spares = (one["p_value"].transpose("lesion", "concept").values > alpha) & _enough(found, prediction)
    pairs, places = [], np.argwhere(hurts).tolist()
    for a, first in places:
        for b, second in places:
            if a < b and spares[a, second] and spares[b, first]:
                pairs.append(Dissociation(a, first, b, second, float(min(loss[a, first], loss[b, second]))))
    return sorted(pairs, key=lambda pair: -pair.strength)


def unused(found: xr.Dataset, alpha: float = 0.05, prediction: str = "next") -> list[Unused]:
    """Return what is encoded but not used: the neuron is selective for the concept, and its tokens do without it.

    That is ``selective`` with ``p_value > alpha``: what the concept's tokens lose is within what they lose without
    random neurons. It says that no loss was seen at these tokens, not that there is none.
    """
    p = found["p_value"].sel(prediction=prediction).transpose("lesion", "concept").values
    chosen = found["selective"].transpose("lesion", "concept").values & (p > alpha) & _enough(found, prediction)
    return [Unused(int(i), int(k)) for i, k in np.argwhere(chosen)]
