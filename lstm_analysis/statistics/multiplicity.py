"""P-values from random draws, and what many tests at once do to them.

A p-value from R draws is (b + 1) / (R + 1), b being the draws that reach the observed value: the observed arrangement
is one of those that chance could have given, so no p is ever 0 and the test keeps its level exactly. Statistics are
given as magnitudes: two-sided tests pass absolute values. An undefined statistic (NaN) has an undefined p.

References
----------
Phipson, B., Smyth, G. K. (2010). Permutation p-values should never be zero. Statistical Applications in Genetics and
Molecular Biology 9, 39.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROUND_OFF = 1e-9
"""A draw reaches the observed value from this relative distance below: the same arrangement summed up in another order
must count as equal."""


def permutation_p(observed: ArrayLike, draws: ArrayLike) -> NDArray[np.float64]:
    """Return the p-value of each neuron from its own draws.

    Parameters
    ----------
    observed
        Statistics, dims (neuron); large values speak against the null.
    draws
        The same under the null, dims (draw, neuron).

    Returns
    -------
    (b + 1) / (R + 1), dims (neuron), from 1 / (R + 1) to 1; NaN where the statistic is, or any of its draws.

    Examples
    --------
    >>> permutation_p([2.0, np.nan], [[1.0, 0.0], [3.0, 0.0], [2.0, 0.0]]).tolist()
    [0.75, nan]
    """
    value, drawn = np.asarray(observed, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    p: NDArray[np.float64] = ((drawn >= _reached_from(value)).sum(axis=0) + 1.0) / (len(drawn) + 1.0)
    return np.where(np.isnan(value) | np.isnan(drawn).any(axis=0), np.nan, p)


def max_t_p(observed: ArrayLike, draw_maxima: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for looking at all neurons at once (family-wise error).

    Each statistic is held against the distribution of the largest one among all neurons, drawn jointly, so that
    whatever dependence there is between the neurons is accounted for.

    Parameters
    ----------
    observed
        Statistics that are comparable between neurons, such as ``|z|``; dims (neuron).
    draw_maxima
        The largest statistic over the neurons in each draw, dims (draw).

    Returns
    -------
    (b + 1) / (R + 1), dims (neuron); NaN where the statistic is.

    References
    ----------
    Westfall, P. H., Young, S. S. (1993). Resampling-Based Multiple Testing. Wiley (single step).

    Examples
    --------
    >>> max_t_p([0.5, 4.0, np.nan], [1.0, 2.0, 3.0]).tolist()
    [1.0, 0.25, nan]
    """
    return pooled_p(observed, draw_maxima)


def pooled_p(observed: ArrayLike, draws: ArrayLike) -> NDArray[np.float64]:
    """Return p-values against all draws of all neurons of a concept taken together.

    From R draws of N neurons a p can be as small as 1 / (N R + 1). That is what a false discovery rate over many
    concepts needs: with R draws of its own each p is 1 / (R + 1) at least, which BH never calls. It supposes that the
    statistic has about the same distribution for every neuron, so it has to be studentised.

    Parameters
    ----------
    observed
        Studentised statistics, any dims.
    draws
        Draws of all of them, any dims; NaN are not counted.

    Returns
    -------
    (b + 1) / (draws + 1), dims of ``observed``; NaN where the statistic is.

    References
    ----------
    Storey, J. D., Tibshirani, R. (2003). Statistical significance for genomewide studies. PNAS 100, 9440-9445.

    Examples
    --------
    >>> pooled_p([1.5, np.nan], [[0.0, 1.0], [2.0, np.nan]]).tolist()
    [0.5, nan]
    """
    value = np.asarray(observed, dtype=np.float64)
    drawn = np.sort(np.asarray(draws), axis=None)
    n_draw = len(drawn) - int(np.isnan(drawn).sum())
    reached = n_draw - np.searchsorted(drawn[:n_draw], _reached_from(value))
    return np.where(np.isnan(value), np.nan, (reached + 1.0) / (n_draw + 1.0))


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return q-values: the smallest false discovery rate at which each test is among those called.

    Parameters
    ----------
    p
        P-values; the whole array is one family, whatever its dims. NaN is a test that was not made: it does not count.

    Returns
    -------
    Dims of ``p``; NaN where p is.

    References
    ----------
    Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical Society B
    57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([[0.01, 0.5], [np.nan, 0.02]]).tolist()
    [[0.03, 0.5], [nan, 0.03]]
    """
    given = np.asarray(p, dtype=np.float64)
    q = np.full(given.shape, np.nan)
    tested = ~np.isnan(given)
    values = given[tested]
    order = np.argsort(values)[::-1]
    rank = np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum.accumulate(np.minimum(values[order] * len(values) / rank, 1.0))
    q[tested] = adjusted
    return q


def _reached_from(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest value that counts as equal to each."""
    return value - ROUND_OFF * np.abs(value)
