"""Area under the receiver operating characteristic."""

import xarray as xr

from .histograms import Counts, from_histograms


def auroc(summary: xr.Dataset) -> xr.Dataset:
    r"""Return the probability that a target value exceeds a baseline value, ties counted half.

    With :math:`p_b` and :math:`q_b` the shares of the target's and the baseline's tokens in bin :math:`b`,

    .. math:: auroc = \sum_b p_b \Big(\sum_{c < b} q_c + \tfrac12 q_b\Big), \qquad
              auroc\_error\_bound = \tfrac12 \sum_b p_b q_b

    The bound holds for any order inside the bins. For the quantile bins of a pilot the error is far smaller.

    Parameters
    ----------
    summary
        Needs ``histogram`` and ``n_token``.

    Returns
    -------
    ``auroc`` (concept, layer, neuron) in [0, 1], neutral .5, and ``auroc_error_bound``; NaN for an empty group.

    References
    ----------
    Hanley, J. A., McNeil, B. J. (1982). The meaning and use of the area under a ROC curve. Radiology 143, 29-36.

    Examples
    --------
    >>> histogram = xr.DataArray([[[[[2, 1, 0]]], [[[0, 1, 2]]]]], dims=("concept", "group", "layer", "neuron", "bin"))
    >>> summary = xr.Dataset({"histogram": histogram, "n_token": (("concept", "group"), [[3, 3]])})
    >>> scores = auroc(summary.assign_coords(group=["baseline", "target"]))
    >>> round(scores.auroc.item(), 4), round(scores.auroc_error_bound.item(), 4)
    (0.9444, 0.0556)
    """
    return from_histograms(_auroc, summary, ("auroc", "auroc_error_bound"))


def _auroc(target: Counts, baseline: Counts) -> tuple[Counts, ...]:
    n_pair = target.sum(-1) * baseline.sum(-1)
    tied = (target * baseline).sum(-1) / 2
    below = baseline.cumsum(-1) - baseline
    return ((target * below).sum(-1) + tied) / n_pair, tied / n_pair
