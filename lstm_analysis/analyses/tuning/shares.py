"""What the sums of one pass say of graded variables, so also with ``store: none``: curves and shares of variance."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...schema import GRADED_TUNING, attach_attrs
from ..sentence_position.type_adjusted import LeftByWords, between_rows, left_by_words, share_between, value_sums

Floats = NDArray[np.float64]


def graded_shares(curves: xr.Dataset, tables: xr.Dataset) -> xr.Dataset:
    r"""Return the curves with ``eta2_type_adjusted``: the share of what words leave that lies between values.

    The model h = type effect + value effect is fitted by least squares to the tokens whose type is in the table. Tokens
    without a value are a row of their own, which belongs to the base: with B the types and this row, BV the same with
    a row for each value, :math:`k` the number of effects,

    .. math:: eta2 = 1 - \frac{SS_{BV} / (N - k_{BV})}{SS_B / (N - k_B)}

    whose expectation is 0 where the value adds nothing. What word and value share (a brace is at the depth it opens)
    goes to the word, so a neuron that its words decide has no share.

    Parameters
    ----------
    curves
        A result of `reductions.graded_tuning`.
    tables
        The ``graded_type_n_token, graded_table_value_sum`` of a summary, and its ``type_n_token, type_value_sum,
        table_square_sum_high, table_square_sum_low, value_min``, in memory.

    Returns
    -------
    The curves and ``eta2_type_adjusted`` (variable, layer, neuron), NaN for a neuron that its words decide or that is
    absent, and for a variable with one value.
    """
    words = left_by_words(tables)
    found = [_of_variable(words, tables.isel(variable=i)) for i in range(tables.sizes["variable"])]
    adjusted = xr.concat(found, "variable").where((curves["n_token"] > 0).sum("variable_value") > 1)
    return attach_attrs(curves.assign(eta2_type_adjusted=adjusted), GRADED_TUNING)


def _of_variable(words: LeftByWords, tables: xr.Dataset) -> xr.DataArray:
    counts = tables["graded_type_n_token"].transpose("variable_value", "table_type").values.astype(np.float64)
    sums = value_sums(tables["graded_table_value_sum"], "variable_value")
    base = between_rows(words, *(np.stack([part[0], part[1:].sum(axis=0)]) for part in (counts, sums)))
    return share_between(words, base, between_rows(words, counts, sums))


def grades_of_rows(n_token: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the grade of each row: the mid-rank of its tokens among all, as a share of them; NaN for a row without.

    Ranks, because a value has no natural limit: one line of a million characters would decide a correlation with the
    length itself.

    Parameters
    ----------
    n_token
        Tokens of each row of each variable, dims (variable, variable_value), without those that have no value.

    Returns
    -------
    Dims (variable, 1 + variable_value): the first row, of tokens without a value, is NaN.

    Examples
    --------
    >>> grades_of_rows(np.array([[2, 0, 6]])).tolist()
    [[nan, 0.125, nan, 0.625]]
    """
    before = np.cumsum(n_token, axis=1) - n_token
    total = np.maximum(n_token.sum(axis=1, keepdims=True), 1)
    grade = np.where(n_token > 0, (before + n_token / 2) / total, np.nan)
    return np.concatenate([np.full((len(grade), 1), np.nan), grade], axis=1).astype(np.float32)
