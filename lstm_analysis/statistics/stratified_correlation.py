"""Correlations of one variable with many neurons, and their tests by permutation within strata.

Lengths of neighbouring sentences are correlated, and both follow the document. Where a neuron depends on the length of
the current sentence it is therefore correlated with that of the sentence before, though it may know nothing of it.
Among boundaries of one stratum (the same current length, the same documents) the lengths before are exchangeable if
the neuron does not know them, so they are permuted there and nowhere else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .jackknife_interval import jackknife_interval
from .multiplicity import permutation_p

Floats = NDArray[np.float64]
N_DRAW = 1000
_DRAWS_AT_ONCE = 32
_SPAN = 1e-9


class StratifiedTest(NamedTuple):
    """A partial correlation within strata, and its test.

    Parameters
    ----------
    r
        Partial correlation, dims (neuron); NaN where the neuron or the variable is constant within all strata.
    z
        Its score: the covariance over its exact standard deviation under permutation, dims (neuron).
    p
        Two-sided, from the neuron's own draws, dims (neuron).
    z_draw
        Score of each draw, dims (draw, neuron); its largest magnitude over all neurons is what max-T needs.
    n_used
        Rows in strata of two or more.
    n_stratum
        Such strata.
    """

    r: Floats
    z: Floats
    p: Floats
    z_draw: Floats
    n_used: int
    n_stratum: int


def correlation(variable: Floats, values: Floats) -> Floats:
    """Return Pearson's r of a variable (row) with each column of values (row, neuron); NaN where one is constant.

    Examples
    --------
    >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([[2.0, 5.0], [4.0, 5.0], [6.0, 5.0]])).tolist()
    [1.0, nan]
    """
    if len(variable) == 0:
        return np.full(values.shape[1], np.nan)
    return _cosine(variable - variable.mean(), values - values.mean(axis=0))


def correlation_interval(
    variable: Floats, values: Floats, block: NDArray[np.integer], level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the ends of the block jackknife's interval of Pearson's r, made on the scale of arctanh(r).

    Parameters
    ----------
    variable
        Dims (row).
    values
        Dims (row, neuron).
    block
        Jackknife block of each row.
    level
        Coverage.

    Returns
    -------
    Two arrays (neuron), NaN with fewer than three blocks that have rows, or where r is NaN without some block.
    """
    codes = np.unique(block, return_inverse=True)[1]
    n_block = int(codes.max(initial=-1)) + 1
    nothing = np.full(values.shape[1], np.nan)
    if n_block < 3:
        return nothing, nothing
    x = (variable - variable.mean())[:, None]
    y = values - values.mean(axis=0)
    parts = (np.ones_like(x), x, x**2, y, y**2, x * y)
    n, sx, sxx, sy, syy, sxy = (_without_each(part, codes, n_block) for part in parts)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (sxy - sx * sy / n) / np.sqrt((sxx - sx**2 / n) * np.where(syy - sy**2 / n > 0, syy - sy**2 / n, np.nan))
    low, high = jackknife_interval(_arctanh(_cosine(x[:, 0], y)), _arctanh(r), level)
    return np.tanh(low), np.tanh(high)


def partial_correlation(variable: Floats, values: Floats, stratum: NDArray[np.integer]) -> Floats:
    """Return the correlation of the deviations from the means of the strata, dims (neuron).

    Parameters
    ----------
    variable
        Dims (row).
    values
        Dims (row, neuron).
    stratum
        Code of each row; a stratum of one row says nothing.

    Examples
    --------
    >>> x, y = np.array([1.0, 2.0, 11.0, 12.0]), np.array([[5.0], [6.0], [2.0], [3.0]])
    >>> partial_correlation(x, y, np.array([0, 0, 1, 1])).tolist(), correlation(x, y).round(2).tolist()
    ([1.0], [-0.91])
    """
    codes = np.unique(stratum, return_inverse=True)[1]
    return _cosine(_within(variable[:, None], codes)[:, 0], _within(values, codes))


def stratified_test(
    variable: Floats, values: Floats, stratum: NDArray[np.integer], seed: int | list[int], n_draw: int = N_DRAW
) -> StratifiedTest:
    """Test the partial correlation by permuting the variable within strata, in the same way for all neurons.

    Parameters
    ----------
    variable, values, stratum
        As in `partial_correlation`.
    seed
        Of the permutations, which depend on it and on the strata, not on the neurons.
    n_draw
        How many.

    Returns
    -------
    See `StratifiedTest`. All NaN if there is nothing to permute.
    """
    order = np.argsort(stratum, kind="stable")
    _, codes, counts = np.unique(stratum[order], return_inverse=True, return_counts=True)
    kept = counts[codes] > 1
    order, codes = order[kept], np.unique(codes[kept], return_inverse=True)[1]
    counts = counts[counts > 1]
    n_neuron = values.shape[1]
    if not len(counts):
        nothing = np.full(n_neuron, np.nan)
        return StratifiedTest(nothing, nothing, nothing, np.full((n_draw, n_neuron), np.nan), 0, 0)
    x, y = _within(variable[order, None], codes)[:, 0], _within(values[order], codes)
    first = np.concatenate([[0], np.cumsum(counts)])
    spread = np.add.reduceat(x**2, first[:-1]) / (counts - 1)
    deviation = np.sqrt(spread @ np.add.reduceat(y**2, first[:-1], axis=0))
    deviation = np.where(_varies(y) & _varies(x), deviation, np.nan)
    z_draw = np.empty((n_draw, n_neuron))
    rng = np.random.default_rng(seed)
    for k in range(0, n_draw, _DRAWS_AT_ONCE):
        chosen = rng.random((min(_DRAWS_AT_ONCE, n_draw - k), len(x)))
        z_draw[k : k + len(chosen)] = _shuffled(x, first, chosen) @ y / deviation
    z = x @ y / deviation
    return StratifiedTest(_cosine(x, y), z, permutation_p(np.abs(z), np.abs(z_draw)), z_draw, len(x), len(counts))


@compiled
def _shuffled(x: Floats, first: NDArray[np.int64], chosen: Floats) -> Floats:
    """Return the variable (row) shuffled within strata, dims (draw, row), by Fisher and Yates' exchanges.

    ``first`` is where each stratum begins, and at last the number of rows; ``chosen`` are uniform numbers (draw, row).
    """
    drawn = np.empty(chosen.shape)
    for k in range(len(chosen)):
        drawn[k] = x
        for s in range(len(first) - 1):
            for i in range(first[s + 1] - 1, first[s], -1):
                j = first[s] + int(chosen[k, i] * (i + 1 - first[s]))
                drawn[k, i], drawn[k, j] = drawn[k, j], drawn[k, i]
    return drawn


def _cosine(x: Floats, y: Floats) -> Floats:
    """Return the correlation of centred x (row) with centred columns of y (row, neuron)."""
    norm = np.sqrt((x @ x) * (y**2).sum(axis=0))
    r: Floats = x @ y / np.where(_varies(y) & _varies(x), norm, np.nan)
    return r.clip(-1.0, 1.0)


def _varies(centred: Floats) -> NDArray[np.bool_]:
    varies: NDArray[np.bool_] = np.abs(centred).max(axis=0, initial=0) > _SPAN
    return varies


def _within(values: Floats, codes: NDArray[np.integer]) -> Floats:
    """Return deviations of values (row, neuron) from the mean of their stratum."""
    n_stratum = int(codes.max(initial=-1)) + 1
    mean = _sums(values, codes, n_stratum) / np.maximum(np.bincount(codes, minlength=n_stratum), 1)[:, None]
    deviation: Floats = values - mean[codes]
    return deviation


def _sums(values: Floats, codes: NDArray[np.integer], n_code: int) -> Floats:
    """Return the sums of values (row, neuron) by code, dims (code, neuron), each in the order of the rows."""
    order = np.argsort(codes, kind="stable")
    ordered, found = values[order], np.zeros((n_code, values.shape[1]))
    present, first = np.unique(codes[order], return_index=True)
    if len(present):
        found[present] = np.add.reduceat(ordered, first, axis=0)
    return found


def _without_each(values: Floats, codes: NDArray[np.integer], n_block: int) -> Floats:
    """Return the sum of values (row, neuron) over all blocks but one, dims (block, neuron)."""
    sums = _sums(values, codes, n_block)
    rest: Floats = sums.sum(axis=0) - sums
    return rest


def _arctanh(r: Floats) -> Floats:
    result: Floats = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    return result
