"""Values by graded variable: exact sums at each value of a column of numbers, such as a depth or a column."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..compiled import compiled
from ..errors import UserError
from ..fixed_point import LOW_BITS, LOW_MASK, SCALE, carry
from ..schema import MISSING, N_VALUE_ROW, VALUE_EDGES
from .states import by_neuron, check_same_tokens

_DIMS = ("variable", "variable_value", "layer", "neuron")
_SCALE, _ZERO = np.float32(SCALE), np.float32(0)
_EDGES = np.array(VALUE_EDGES, np.int64)


def value_rows(column: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the row of each value: 0 without one, then that of the largest of `schema.VALUE_EDGES` not above it.

    Raises
    ------
    UserError
        If a value is below -1.

    Examples
    --------
    >>> value_rows(np.array([-1, 0, 59, 60, 69, 70, 10**6])).tolist()
    [0, 1, 60, 61, 61, 62, 79]
    """
    if column.size and column.min() < MISSING:
        raise UserError(f"A graded variable counts from 0, and {MISSING} is no value; found {column.min()}.")
    rows: NDArray[np.int64] = np.searchsorted(_EDGES, column, side="right").astype(np.int64)
    return rows


def add_by_value(
    values: NDArray[np.float32],
    graded: Mapping[str, NDArray[np.integer]],
    type_row: NDArray[np.integer] | None = None,
    n_type: int = 0,
) -> xr.Dataset:
    """Return the exact moments of a block by the value of each variable.

    Parameters
    ----------
    values
        `bounded` values, dims (time, layer, neuron).
    graded
        The variables' values by name, dims (time); -1 for none.
    type_row, n_type
        Row of each token's type in the type table, -1 for none, dims (time), and number of rows.

    Returns
    -------
    ``graded_n_token`` (variable, variable_value) and ``graded_value_sum, graded_square_sum_high,
    graded_square_sum_low`` (variable, variable_value, layer, neuron); with types also ``graded_type_n_token``
    (variable, variable_value, table_type) and, of the tokens whose type has a row, ``graded_table_value_sum``. All of
    int64; the first place of ``variable_value``, -1, is that of the tokens without a value.
    """
    check_same_tokens(values, type_row=type_row, **graded)
    flat, n = by_neuron(values), len(graded)
    of_table = np.full(len(flat), -1, np.int64) if type_row is None else type_row.astype(np.int64)
    n_token = np.zeros((n, N_VALUE_ROW), np.int64)
    sums = np.zeros((4, n, N_VALUE_ROW, flat.shape[1]), np.int64)
    counts = np.zeros((n, N_VALUE_ROW, n_type), np.int64)
    for i, column in enumerate(graded.values()):
        row = value_rows(column)
        _add_rows(flat, row, of_table >= 0, n_token[i], *sums[:, i])
        pair = (row * n_type + of_table)[of_table >= 0]
        counts[i] = np.bincount(pair, minlength=counts[i].size).reshape(counts[i].shape)
    sums[1], sums[2] = carry(sums[1], sums[2])
    shaped = sums.reshape(4, n, N_VALUE_ROW, *values.shape[1:])
    names = ("graded_value_sum", "graded_square_sum_high", "graded_square_sum_low", "graded_table_value_sum")
    found = xr.Dataset(
        {"graded_n_token": (_DIMS[:2], n_token)}
        | {name: (_DIMS, part) for name, part in zip(names, shaped, strict=True)},
        {"variable": np.array(list(graded), object), "variable_value": np.array([MISSING, *VALUE_EDGES])},
    )
    if type_row is None:
        return found.drop_vars("graded_table_value_sum")
    return found.assign(graded_type_n_token=((*_DIMS[:2], "table_type"), counts))


@compiled
def _add_rows(
    values: NDArray[np.float32],
    row: NDArray[np.int64],
    in_table: NDArray[np.bool_],
    n_token: NDArray[np.int64],
    value_sum: NDArray[np.int64],
    square_sum_high: NDArray[np.int64],
    square_sum_low: NDArray[np.int64],
    table_value_sum: NDArray[np.int64],
) -> None:
    """Add each token of ``values`` (time, neuron) to the sums (row, neuron) at its ``row``."""
    for t in range(values.shape[0]):
        r = row[t]
        n_token[r] += 1
        for j in range(values.shape[1]):
            value = values[t, j] if values[t, j] == values[t, j] else _ZERO
            q = np.int64(np.int32(np.rint(value * _SCALE)))
            square = q * q
            value_sum[r, j] += q
            square_sum_high[r, j] += square >> LOW_BITS
            square_sum_low[r, j] += square & LOW_MASK
            if in_table[t]:
                table_value_sum[r, j] += q
