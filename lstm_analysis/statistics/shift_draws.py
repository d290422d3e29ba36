"""Statistics of document-centred values under within-document circular shifts, whatever is shifted."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError
from ..schema import RESOLUTION
from .lag_products import cross_spectrum, places, products_at_lags
from .shift_plan import ShiftPlan

_ROUND_OFF = 1e-7
TIE = 1e-5
"""Statistics that differ by less of their standard deviation are equal: the same sum in another order."""

Floats = NDArray[np.float32]
Weights = Callable[[NDArray[np.int64], NDArray[np.int64], Floats], None]
"""Given series, places and an array (lag, place, series), writes the weights of the series there."""


class ShiftDraws:
    r"""The statistic of each series and neuron in each draw.

    .. math:: t_{draw} = \sum_{document} \sum_{i} w_{(i - lag) \bmod length}\, (x_i - \bar x_{document})

    Parameters
    ----------
    plan
        The lags, from `shift_plan.plan_shifts`.
    n_series
        Series of weights: concepts, or graded variables.
    n_neuron
        Neurons.
    """

    def __init__(self, plan: ShiftPlan, n_series: int, n_neuron: int) -> None:
        self._plan, self._start = plan, plan.document_start
        self._statistic = np.zeros((plan.n_draw + 1, n_series, n_neuron), dtype=np.float32)
        self._square = np.zeros_like(self._statistic)
        self._spectrum: dict[int, Floats] = {}
        self._n_missing = np.bincount(plan.shift_group[plan.shift_group >= 0], minlength=len(plan.group_n_lag))
        self._added = np.zeros(len(plan.document_length), dtype=bool)
        self._lowest = np.full(n_neuron, np.inf, dtype=np.float32)
        self._highest = np.full(n_neuron, -np.inf, dtype=np.float32)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Random draws, series, neurons."""
        n_draw, n_series, n_neuron = self._statistic.shape
        return n_draw - 1, n_series, n_neuron

    def begin(self, first_document: int, n_value: int, n_weight: int) -> NDArray[np.int64]:
        """Return where documents that follow one another begin, and their end, dims (document + 1), counted from 0.

        Parameters
        ----------
        first_document
            Index of the first of them.
        n_value, n_weight
            Tokens whose values and weights are there.

        Raises
        ------
        UserError
            If the tokens are not those of whole documents, or a document comes twice.
        """
        stop = int(np.searchsorted(self._start, self._start[first_document] + n_value))
        document = slice(first_document, min(stop, len(self._added)))
        whole = stop <= len(self._added) and self._start[stop] - self._start[first_document] == n_value
        if not whole or n_weight != n_value or self._added[document].any():
            raise UserError(
                f"The shift null got {n_value} values and {n_weight} labels from document {first_document} on, "
                "which are not whole documents or were there before; give each document once and whole."
            )
        self._added[document] = True
        start: NDArray[np.int64] = self._start[first_document : stop + 1] - self._start[first_document]
        return start

    def add(
        self,
        first_document: int,
        start: NDArray[np.int64],
        values: Floats,
        changes: NDArray[np.bool_],
        weights: Weights,
    ) -> None:
        """Add documents.

        Parameters
        ----------
        first_document, start
            As given to `begin`, and what it returned.
        values
            Dims (time, neuron). A neuron that is NaN at every token is absent.
        changes
            Whether a series is not the same throughout a document, dims (document, series).
        weights
            Of the series.
        """
        mean = np.empty((len(start) - 1, values.shape[1]), dtype=np.float32)
        _document_means(values, start, mean, self._lowest, self._highest)
        group = self._plan.shift_group[first_document : first_document + len(mean)]
        for one in np.unique(group[group >= 0]):
            members = np.flatnonzero(group == one)
            self._n_missing[one] -= len(members)
            changing = members[changes[members].any(axis=1)]
            series = np.flatnonzero(changes[changing].any(axis=0))
            place = places(start[changing], start[changing + 1], int(self._plan.group_n_lag[one]))
            place[:, 3] = changing[place[:, 3]]
            self._add_group(int(one), series, place, values, mean, weights)

    def _add_group(
        self,
        group: int,
        series: NDArray[np.int64],
        place: NDArray[np.int64],
        values: Floats,
        mean: Floats,
        weights: Weights,
    ) -> None:
        """Add the cross-spectrum of some documents of a group; once all are there, add their lags to the draws."""
        n_lag, (_, n_series, n_neuron) = int(self._plan.group_n_lag[group]), self._statistic.shape
        spectrum, kept = None, self._spectrum.pop(group, None)
        if len(series):
            spectrum = cross_spectrum(values, mean, partial(weights, series), len(series), place, n_lag)
        if kept is not None or self._n_missing[group]:
            if kept is None:
                kept = np.zeros((n_lag // 2 + 1, 2, n_series, n_neuron), dtype=np.float32)
            if spectrum is not None:
                kept[:, :, series] += spectrum
            spectrum, series = kept, np.arange(n_series)
        if self._n_missing[group]:
            assert spectrum is not None
            self._spectrum[group] = spectrum
        elif spectrum is not None:
            products = products_at_lags(spectrum, n_lag)
            _add_lags(products, self._plan.lag[group], series, self._statistic, self._square)

    def require_all(self) -> None:
        """Refuse to be finished without a document.

        Raises
        ------
        UserError
            If a document was not added.
        """
        if not self._added.all():
            missing = int((~self._added).argmax())
            raise UserError(f"The shift null was finished without document {missing}; add every document once.")

    def scaled(self, k: int, studentised: bool) -> NDArray[np.float64]:
        """Return a series' statistic over its standard deviation, or NaN, dims (draw, neuron).

        Parameters
        ----------
        k
            The series.
        studentised
            Whether the statistic of each draw is divided by the root of its shift groups' summed squares before.
        """
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
