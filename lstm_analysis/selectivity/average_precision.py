"""Average precision."""

import numpy as np
import xarray as xr

from .histograms import Counts, from_histograms


def average_precision(summary: xr.Dataset) -> xr.Dataset:
    r"""Return the mean precision over the recall steps when tokens are called from the highest value down.

    With :math:`R_b` and :math:`P_b` recall and precision of "in bin b or above",

    .. math:: average\_precision = \sum_b (R_b - R_{b+1}) P_b

    The tokens of a bin are called together, as tied values are. Against unbinned values the score is therefore lower
    where much of the target lies in the highest bins (up to .03 with 256 bins); `rank_scores` is exact. Only high
    values count as calls: a neuron that goes down for a concept scores below ``prevalence``.

    Parameters
    ----------
    summary
        Needs ``histogram`` and ``n_token``.

    Returns
    -------
    ``average_precision`` (concept, layer, neuron) in [0, 1] and ``prevalence`` (concept), the share of the target,
    which is what values independent of the label have on average; NaN for an empty group.

    References
    ----------
    Davis, J., Goadrich, M. (2006). The relationship between precision-recall and ROC curves. ICML, 233-240.
    """
    n_token = summary.n_token
    known = (n_token > 0).all("group")
    prevalence = n_token.sel(group="target", drop=True) / n_token.sum("group").where(known)
    return from_histograms(_average_precision, summary, ("average_precision",)).assign(prevalence=prevalence)


def _average_precision(target: Counts, baseline: Counts) -> tuple[Counts, ...]:
    n_target, n_called = (np.flip(np.flip(x, -1).cumsum(-1), -1) for x in (target, target + baseline))
    precision = n_target / np.maximum(n_called, 1)
    return ((target * precision).sum(-1) / target.sum(-1),)
