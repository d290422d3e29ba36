"""Mutual information between a neuron's value and the label."""

import numpy as np
import xarray as xr

from .histograms import Counts, from_histograms

N_COARSE = 16


def mutual_information(summary: xr.Dataset) -> xr.Dataset:
    r"""Return how much a neuron's value, in about 16 equally filled bins, tells of the label.

    .. math:: I = \sum_{b,g} \frac{n_{bg}}{n} \log_2 \frac{n\, n_{bg}}{n_b\, n_g}, \qquad
              bias = \frac{(B - 1)(G - 1)}{2 n \ln 2}

    with :math:`n_{bg}` tokens of group g (target, baseline: G = 2) in bin b and :math:`B` bins that hold a token. A
    bin of the histogram goes to the sixteenth of the concept's tokens in which its middle token lies.

    The plug-in value is too large for few tokens. ``mutual_information_bias`` is its expectation (Miller and Madow)
    if the *tokens* are independent of the label and of one another; tokens of a text are not, so the bias of a real
    neuron is larger. It is not subtracted.

    Parameters
    ----------
    summary
        Needs ``histogram`` and ``n_token``.

    Returns
    -------
    ``mutual_information`` and ``mutual_information_bias`` (concept, layer, neuron), bits, in [0, 1], neutral 0; NaN
    for an empty group.

    References
    ----------
    Miller, G. A. (1955). Note on the bias of information estimates. Information Theory in Psychology, 95-100.
    """
    return from_histograms(_mutual_information, summary, ("mutual_information", "mutual_information_bias"))


def _mutual_information(target: Counts, baseline: Counts) -> tuple[Counts, ...]:
    joint = np.stack([_coarsen(x, target + baseline) for x in (target, baseline)])
    n_token = joint.sum((0, -1))
    share = joint / n_token[..., None]
    expected = share.sum(0) * share.sum(-1, keepdims=True)
    ratio = np.divide(share, expected, out=np.ones_like(share), where=share > 0)
    information = (share * np.log2(ratio)).sum((0, -1))
    n_bin = (joint.sum(0) > 0).sum(-1)
    return np.maximum(information, 0), (n_bin - 1) / (2 * n_token * np.log(2))


def _coarsen(counts: Counts, every: Counts) -> Counts:
    """Pool the bins of ``counts`` (layer, neuron, bin) into sixteenths of the tokens in ``every``."""
    middle = every.cumsum(-1) - every / 2
    coarse = np.minimum(N_COARSE * middle // every.sum(-1, keepdims=True), N_COARSE - 1).astype(np.int64)
    n_row = counts[..., 0].size
    slot = np.arange(n_row)[:, None] * N_COARSE + coarse.reshape(n_row, -1)
    pooled: Counts = np.bincount(slot.ravel(), weights=counts.ravel(), minlength=n_row * N_COARSE).astype(np.float64)
    return pooled.reshape(*counts.shape[:-1], N_COARSE)
