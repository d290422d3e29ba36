"""Within-document circular shift: the null for a neuron that drifts on its own and a label that comes in bursts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError
from ..schema import RESOLUTION
from .lag_products import cross_spectrum, places, products_at_lags
from .shift_labels import LONG_RUN, look_at_labels
from .shift_plan import ShiftPlan
from .z_counts import N_Z_BIN, count_z

_ROUND_OFF = 1e-7
_TIE = 1e-5
"""Statistics that differ by less of their standard deviation are equal: the same sum in another order."""


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
        self._plan, self._start = plan, plan.document_start
        self._statistic = np.zeros((plan.n_draw + 1, len(count), n_neuron), dtype=np.float32)
        self._square = np.zeros_like(self._statistic)
        self._run = np.zeros((len(count), 2, 2))
        self._spectrum: dict[int, NDArray[np.float32]] = {}
        self._n_missing = np.bincount(plan.shift_group[plan.shift_group >= 0], minlength=len(plan.group_n_lag))
        self._added = np.zeros(len(plan.document_length), dtype=bool)
        self._n_document = np.zeros(len(count), dtype=np.int64)
        self._lowest = np.full(n_neuron, np.inf, dtype=np.float32)
        self._highest = np.full(n_neuron, -np.inf, dtype=np.float32)

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
        stop = int(np.searchsorted(self._start, self._start[first_document] + len(values)))
        document = np.arange(first_document, min(stop, len(self._added)))
        whole = stop <= len(self._added) and self._start[stop] - self._start[first_document] == len(values)
        if not whole or len(label) != len(values) or self._added[document].any():
            raise UserError(
                f"The shift null got {len(values)} values and {len(label)} labels from document {first_document} on, "
                "which are not whole documents or were there before; give each document once and whole."
            )
        self._added[document] = True
        values, label = np.ascontiguousarray(values, np.float32), np.ascontiguousarray(label, np.int8)
        start = self._start[first_document : stop + 1] - self._start[first_document]
        mean = np.empty((len(document), values.shape[1]), dtype=np.float32)
        _document_means(values, start, mean, self._lowest, self._highest)
        changes = np.zeros((len(document), label.shape[1]), dtype=np.bool_)
        look_at_labels(label, start, changes, self._n_document, self._run)
        group = self._plan.shift_group[document]
        for one in np.unique(group[group >= 0]):
            members = np.flatnonzero(group == one)
            self._n_missing[one] -= len(members)
            changing = members[changes[members].any(axis=1)]
            concept = np.flatnonzero(changes[changing].any(axis=0))
            place = places(start[changing], start[changing + 1], int(self._plan.group_n_lag[one]))
            place[:, 3] = changing[place[:, 3]]
            self._add_group(int(one), concept, place, (values, mean, label))

    def _add_group(
        self,
        group: int,
        concept: NDArray[np.int64],
        place: NDArray[np.int64],
        parts: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int8]],
    ) -> None:
        """Add the cross-spectrum of some documents of a group; once all are there, add their lags to the draws."""
        values, mean, label = parts
        n_lag, n_neuron = int(self._plan.group_n_lag[group]), values.shape[1]
        spectrum, kept = None, self._spectrum.pop(group, None)
        if len(concept):
            spectrum = cross_spectrum(values, mean, label, self._weight, concept, place, n_lag)
        if kept is not None or self._n_missing[group]:
            if kept is None:
                kept = np.zeros((n_lag // 2 + 1, 2, label.shape[1], n_neuron), dtype=np.float32)
            if spectrum is not None:
                kept[:, :, concept] += spectrum
            spectrum, concept = kept, np.arange(label.shape[1])
        if self._n_missing[group]:
            assert spectrum is not None
            self._spectrum[group] = spectrum
        elif spectrum is not None:
            products = products_at_lags(spectrum, n_lag)
            _add_lags(products, self._plan.lag[group], concept, self._statistic, self._square)

    def finish(self) -> ShiftResult:
        """Return the p-values and what is needed for those over all neurons.

        A neuron whose values span less than `schema.RESOLUTION`, an absent neuron, and a concept without a target, a
        baseline, or two documents that hold both get NaN; `shift_labels.why_no_shift` says why.

        Raises
        ------
        UserError
            If a document was not added.
        """
        if not self._added.all():
            missing = int((~self._added).argmax())
            raise UserError(f"The shift null was finished without document {missing}; add every document once.")
        n, covered = np.moveaxis(self._run, 2, 0)
        run_share = np.divide(covered, n, out=np.full(n.shape, np.nan), where=n > 0).min(axis=1)
        n_draw, n_concept, n_neuron = self._plan.n_draw, *self._statistic.shape[1:]
        p, z = np.full((n_concept, n_neuron), np.nan), np.full((n_concept, n_neuron), np.nan)
        z_maximum, z_count = np.zeros((n_draw, n_concept)), np.zeros((n_concept, N_Z_BIN), dtype=np.int64)
        for k in np.flatnonzero(self._n_document >= 2):
            scaled = self._scaled(int(k), bool(run_share[k] >= LONG_RUN))
            z[k], size = scaled[0], np.abs(scaled)
            reached = (size[1:] >= size[0] - _TIE).sum(axis=0)
            p[k] = np.where(np.isnan(z[k]), np.nan, (reached + 1) / (n_draw + 1))
            z_maximum[:, k] = np.where(np.isnan(size[1:]), 0, size[1:]).max(axis=1, initial=0)
            z_count[k] = count_z(scaled[1:])
        return ShiftResult(p, z, z_maximum, z_count, self._n_document, run_share)

    def _scaled(self, k: int, studentised: bool) -> NDArray[np.float64]:
        """Return a concept's statistic over its standard deviation, or NaN, dims (draw, neuron)."""
        statistic = self._statistic[:, k].astype(np.float64)
        span = self._highest - self._lowest
        defined = (span >= RESOLUTION) & (statistic.std(axis=0) > _ROUND_OFF * span)
        if studentised:
            root = np.sqrt(self._square[:, k])
            statistic = np.divide(statistic, root, out=np.zeros_like(statistic), where=root > 0)
        deviation = statistic.std(axis=0)
        defined &= deviation > 0
        scaled: NDArray[np.float64] = np.divide(
            statistic, deviation, out=np.full(statistic.shape, np.nan), where=defined
        )
        return scaled


@compiled
def _document_means(
    values: NDArray[np.float32],
    start: NDArray[np.int64],
    mean: NDArray[np.float32],
    lowest: NDArray[np.float32],
    highest: NDArray[np.float32],
) -> None:
    """Write the mean of each document, dims (document, neuron), and move the neurons' extremes."""
    n_neuron = values.shape[1]
    total = np.empty(n_neuron, np.float64)
    for d in range(len(start) - 1):
        total[:] = 0.0
        for t in range(start[d], start[d + 1]):
            for j in range(n_neuron):
                x = values[t, j]
                total[j] += x
                lowest[j] = x if x < lowest[j] else lowest[j]
                highest[j] = x if x > highest[j] else highest[j]
        for j in range(n_neuron):
            mean[d, j] = total[j] / (start[d + 1] - start[d])


@compiled
def _add_lags(
    products: NDArray[np.float32],
    lag: NDArray[np.int32],
    concept: NDArray[np.int64],
    statistic: NDArray[np.float32],
    square: NDArray[np.float32],
) -> None:
    """Add to each draw, dims (draw, concept, neuron), the products (lag, concept, neuron) at its lag, and squared."""
    n_neuron = products.shape[2]
    for i in range(len(concept)):
        k = concept[i]
        for draw in range(len(lag)):
            at = lag[draw]
            for j in range(n_neuron):
                x = products[at, i, j]
                statistic[draw, k, j] += x
                square[draw, k, j] += x * x
