"""Within-document circular shift: the null for a neuron that drifts on its own and a label that comes in bursts."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .lag_products import weights_of_labels
from .shift_draws import TIE, ShiftDraws
from .shift_labels import LONG_RUN, look_at_labels
from .shift_plan import ShiftPlan
from .z_counts import N_Z_BIN, count_z


@dataclass(frozen=True)
class ShiftResult:
    """What the shifts say; NaN where undefined.

    z is a statistic over its standard deviation over the draws and the corpus itself: only if the observed one counts
    as one of them, too, is it as good as a draw when maxima over neurons are compared.

    Parameters
    ----------
    p
        Two-sided, (b + 1) / (draws + 1), dims (concept, neuron).
    z_observed
        Dims (concept, neuron).
    z_maximum
        Largest abs(z) of the block's neurons in each draw, dims (draw, concept), the corpus itself left out. 0 if no
        neuron has a z. The maximum over blocks is that over all neurons, because all blocks have the same draws.
    z_count
        Draws of all neurons by abs(z), dims (concept, bin), see `z_counts.counted_p`; blocks add up.
    n_document
        Documents that hold a target and a baseline token, dims (concept).
    run_share
        How much of its document a run of the label covers, on average over the tokens of the group with the shorter
        runs, dims (concept); from `shift_labels.LONG_RUN` on the statistic is studentised.
    """

    p: NDArray[np.float64]
    z_observed: NDArray[np.float64]
    z_maximum: NDArray[np.float64]
    z_count: NDArray[np.int64]
    n_document: NDArray[np.int64]
    run_share: NDArray[np.float64]


class ShiftNull:
    r"""Null distribution of the difference of means of document-centred values under within-document circular shifts.

    .. math:: t_{draw} = \sum_{document} \sum_{i} w_{(i - lag) \bmod length}\, (x_i - \bar x_{document}), \qquad
              w = \frac{[target]}{n_{target}} - \frac{[baseline]}{n_{baseline}}

    A shift keeps the autocorrelation of the neuron and the bursts of the label, but for one seam a document, and breaks
    only what ties them together. Centring removes what a document as a whole is about. All lags of a document come
    from one Fourier transform along its lags and a matrix product over the places between two lags.

    Where a label's runs cover much of their documents (`shift_labels.LONG_RUN`), the seam makes a shifted corpus vary
    less than the true one. The statistic is then divided by the root of its shift groups' summed squares, in each draw
    anew, which holds the size whatever the lags do to the variance, at some loss of power: much with few documents.

    The documents are added in any order, each once, many or few at a time. Ranks (`mid_rank.rank_values`) instead of
    values give the null of AUROC within documents.

    Parameters
    ----------
    plan
        The lags, from `shift_plan.plan_shifts`. ``plan.memory`` says what is held.
    n_token
        Tokens of the whole corpus by concept and group, dims (concept, group), groups baseline and target.
    n_neuron
        Neurons of the block.

    Examples
    --------
    >>> from lstm_analysis.statistics.shift_plan import plan_shifts
    >>> rng = np.random.default_rng(0)
    >>> label = (rng.random((400, 1)) < 0.1).astype(np.int8)
    >>> values = (rng.normal(size=(400, 2)) + label * [0, 2]).astype(np.float32)
    >>> plan = plan_shifts(np.full(4, 100), draws=99, seed=0)
    >>> null = ShiftNull(plan, np.array([[400 - label.sum(), label.sum()]]), n_neuron=2)
    >>> null.add(0, values, label)
    >>> null.finish().p.round(2).tolist()
    [[0.86, 0.01]]

    References
    ----------
    Harris, K. D. (2020). Nonsense correlations in neuroscience. bioRxiv 2020.11.29.402719.
    Chung, E., Romano, J. P. (2013). Exact and asymptotically robust permutation tests. Ann. Statist. 41, 484-507.
    """

    def __init__(self, plan: ShiftPlan, n_token: NDArray[np.integer], n_neuron: int) -> None:
        count = np.asarray(n_token, dtype=np.float64)
        tested = (count > 0).all(axis=1)
        # Row -1 is the left out.
        self._weight = np.zeros((3, len(count)), dtype=np.float32)
        self._weight[0, tested], self._weight[1, tested] = -1 / count[tested, 0], 1 / count[tested, 1]
        self._draws = ShiftDraws(plan, len(count), n_neuron)
        self._run = np.zeros((len(count), 2, 2))
        self._n_document = np.zeros(len(count), dtype=np.int64)

    def add(self, first_document: int, values: NDArray[np.float32], label: NDArray[np.int8]) -> None:
        """Add whole documents that follow one another.

        Parameters
        ----------
        first_document
            Index of the first of them.
        values
            Dims (time, neuron). A neuron that is NaN at every token is absent.
        label
            1 target, 0 baseline, -1 left out, dims (time, concept).

        Raises
        ------
        UserError
            If the tokens are not those of whole documents, or a document comes twice.
        """
        start = self._draws.begin(first_document, len(values), len(label))
        values, label = np.ascontiguousarray(values, np.float32), np.ascontiguousarray(label, np.int8)
        changes = np.zeros((len(start) - 1, label.shape[1]), dtype=np.bool_)
        look_at_labels(label, start, changes, self._n_document, self._run)
        self._draws.add(first_document, start, values, changes, partial(weights_of_labels, label, self._weight))

    def finish(self) -> ShiftResult:
        """Return the p-values and what is needed for those over all neurons.

        A neuron whose values span less than `schema.RESOLUTION`, an absent neuron, and a concept without a target, a
        baseline, or two documents that hold both get NaN; `shift_labels.why_no_shift` says why.

        Raises
        ------
        UserError
            If a document was not added.
        """
        n, covered = np.moveaxis(self._run, 2, 0)
        run_share = np.divide(covered, n, out=np.full(n.shape, np.nan), where=n > 0).min(axis=1)
        return judge_draws(self._draws, self._n_document, run_share)


def judge_draws(draws: ShiftDraws, n_document: NDArray[np.int64], run_share: NDArray[np.float64]) -> ShiftResult:
    """Return what draws say of the series that change in two documents or more.

    Parameters
    ----------
    draws
        Of all documents.
    n_document, run_share
        Documents in which each series changes, and the share of a document that a run covers, dims (series).

    Raises
    ------
    UserError
        If a document was not added.
    """
    draws.require_all()
    n_draw, n_series, n_neuron = draws.shape
    p, z = np.full((n_series, n_neuron), np.nan), np.full((n_series, n_neuron), np.nan)
    z_maximum, z_count = np.zeros((n_draw, n_series)), np.zeros((n_series, N_Z_BIN), dtype=np.int64)
    for k in np.flatnonzero(n_document >= 2):
        scaled = draws.scaled(int(k), bool(run_share[k] >= LONG_RUN))
        z[k], size = scaled[0], np.abs(scaled)
        reached = (size[1:] >= size[0] - TIE).sum(axis=0)
        p[k] = np.where(np.isnan(z[k]), np.nan, (reached + 1) / (n_draw + 1))
        z_maximum[:, k] = np.where(np.isnan(size[1:]), 0, size[1:]).max(axis=1, initial=0)
        z_count[k] = count_z(scaled[1:])
    return ShiftResult(p, z, z_maximum, z_count, n_document, run_share)
