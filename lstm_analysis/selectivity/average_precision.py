"""Average precision."""

import numpy as np
import xarray as xr

from .histograms import Counts, from_histograms


def average_precision(summary: xr.Dataset) -> xr.Dataset:
    r"""Return the mean precision over the recall steps when tokens are called from the highest value down.

    With :math:`R_b` and :math:`P_b` recall and precision of "in bin b or above",

    .. math:: average\_precision = \sum_b (R_b - R_{b+1}) P_b

    The tokens of a bin are called together, as tied values are. The score of the values themselves lies between

    .. math:: \sum_b p_b \frac{T_b + 1}{N_b + q_b + 1} \quad\text{and}\quad
              \sum_b p_b \frac{T_b + t_b}{N_b + t_b}

    with :math:`t_b` target and :math:`q_b` baseline tokens in bin b, :math:`p_b` the bin's share of the target, and
    :math:`T_b` target of :math:`N_b` tokens in higher bins: ``average_precision_error_bound`` is the distance to the
    farther of both. It is large where a concept is so rare that all of it fits into the highest bin of a neuron;
    `rank_scores` is exact.

    Only high values count as calls: a neuron that goes down for a concept scores below ``prevalence``.

    Parameters
    ----------
    summary
        Needs ``histogram`` and ``n_token``.

    Returns
    -------
    ``average_precision`` (concept, layer, neuron) in [0, 1], ``average_precision_error_bound``, and ``prevalence``
    (concept), the share of the target, about which neurons that know nothing of the concept lie; NaN for an empty
    group.

    References
    ----------
    Davis, J., Goadrich, M. (2006). The relationship between precision-recall and ROC curves. ICML, 233-240.
    """
    n_token = summary.n_token
    known = (n_token > 0).all("group")
    prevalence = n_token.sel(group="target", drop=True) / n_token.sum("group").where(known)
    names = ("average_precision", "average_precision_error_bound")
    return from_histograms(_average_precision, summary, names).assign(prevalence=prevalence)


def _average_precision(target: Counts, baseline: Counts) -> tuple[Counts, ...]:
    n_bin = target + baseline
    n_target, n_called = (np.flip(np.flip(x, -1).cumsum(-1), -1) for x in (target, n_bin))
    share = target / target.sum(-1, keepdims=True)
    # Bins without target have share 0, whatever their precision.
    score = (share * n_target / np.maximum(n_called, 1)).sum(-1)
    highest = (share * n_target / np.maximum(n_called - baseline, 1)).sum(-1)
    lowest = (share * (n_target - target + 1) / (n_called - target + 1)).sum(-1)
    return score, np.maximum(highest - score, score - lowest)
