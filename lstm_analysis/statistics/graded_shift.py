"""Within-document circular shift of a graded variable: the null of its correlation with a neuron that drifts."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .circular_shift import ShiftResult, judge_draws
from .lag_products import weights_as_given
from .shift_draws import ShiftDraws
from .shift_plan import ShiftPlan


class GradedShift:
    r"""Null distribution of the covariance, within documents, of values and a graded variable.

    .. math:: t_{draw} = \sum_{document} \sum_i (g_{(i - lag) \bmod length} - \bar g_{document})
              (x_i - \bar x_{document})

    The sums go over the tokens of a document; one without a grade counts as the document's mean grade. A depth stays
    the same for hundreds of tokens, so the seam of a shift makes a shifted corpus vary less than the true one: the
    statistic is divided by the root of its shift groups' summed squares, as `circular_shift.ShiftNull` does for labels
    with long runs.

    Parameters
    ----------
    plan
        The lags, from `shift_plan.plan_shifts`.
    n_variable, n_neuron
        Variables and neurons.

    Examples
    --------
    >>> from lstm_analysis.statistics.shift_plan import plan_shifts
    >>> rng = np.random.default_rng(0)
    >>> grade = rng.random((400, 1)).astype(np.float32)
    >>> values = (rng.normal(size=(400, 2)) + grade * [0, 2]).astype(np.float32)
    >>> null = GradedShift(plan_shifts(np.full(20, 20), draws=99, seed=0), 1, 2)
    >>> null.add(0, values, grade)
    >>> null.finish().p.round(2).tolist()
    [[0.95, 0.01]]
    """

    def __init__(self, plan: ShiftPlan, n_variable: int, n_neuron: int) -> None:
        self._draws = ShiftDraws(plan, n_variable, n_neuron)
        self._n_document = np.zeros(n_variable, dtype=np.int64)

    def add(self, first_document: int, values: NDArray[np.float32], grade: NDArray[np.float32]) -> None:
        """Add whole documents that follow one another, in any order, each once.

        Parameters
        ----------
        first_document
            Index of the first of them.
        values
            Dims (time, neuron). A neuron that is NaN at every token is absent.
        grade
            Dims (time, variable), NaN for none.

        Raises
        ------
        UserError
            If the tokens are not those of whole documents, or a document comes twice.
        """
        start = self._draws.begin(first_document, len(values), len(grade))
        weights = np.ascontiguousarray(grade, np.float32).copy()
        changes = np.zeros((len(start) - 1, weights.shape[1]), dtype=np.bool_)
        _centre(weights, start, changes)
        self._n_document += changes.sum(axis=0)
        values = np.ascontiguousarray(values, np.float32)
        self._draws.add(first_document, start, values, changes, partial(weights_as_given, weights))

    def finish(self) -> ShiftResult:
        """Return the p-values and what is needed for those over all neurons.

        A neuron that is constant or absent, and a variable that changes in fewer than two documents, get NaN.

        Raises
        ------
        UserError
            If a document was not added.
        """
        return judge_draws(self._draws, self._n_document, np.ones(len(self._n_document)))


@compiled
def _centre(grade: NDArray[np.float32], start: NDArray[np.int64], changes: NDArray[np.bool_]) -> None:
    """Take each document's mean from its grades (time, variable), NaN becoming 0; say where they change."""
    for d in range(len(start) - 1):
        for k in range(grade.shape[1]):
            n, total = 0, 0.0
            low, high = np.float32(np.inf), np.float32(-np.inf)
            for t in range(start[d], start[d + 1]):
                g = grade[t, k]
                if g == g:
                    n += 1
                    total += np.float64(g)
                    low, high = min(low, g), max(high, g)
            mean = np.float32(total / max(n, 1))
            changes[d, k] = high > low
            for t in range(start[d], start[d + 1]):
                g = grade[t, k]
                grade[t, k] = g - mean if g == g else np.float32(0)
