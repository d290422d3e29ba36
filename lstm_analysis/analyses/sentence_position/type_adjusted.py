"""How much of a neuron depends on the position in the sentence once the word is accounted for.

Works on one-pass tables alone, so also with ``store: none``. Besides ``type_value_sum``, ``type_n_token`` and
``position_type_n_token`` it needs, over the tokens whose type is in the type table and in units of `fixed_point`:
``position_table_value_sum`` (sentence_position, layer, neuron), and ``table_square_sum_high``, ``table_square_sum_low``
(layer, neuron), the two parts of the sum of squares.
"""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ... import fixed_point
from ...errors import UserError
from ...schema import RESOLUTION, attach_attrs

_NEEDED = (
    "type_n_token", "type_value_sum", "position_type_n_token", "position_table_value_sum", "table_square_sum_high",
    "table_square_sum_low",
)  # fmt: skip
_RANK = 1e-9


def eta2_type_adjusted(tables: xr.Dataset) -> xr.Dataset:
    r"""Return the share of the variance left by word types that lies between positions.

    The model h = type effect + position effect is fitted by least squares to the tokens whose type is in the table.
    With :math:`SS_T` the squares left by type effects alone, :math:`SS_{TP}` those left by both, N tokens, V types and
    P - 1 position effects that are not confounded with types,

    .. math:: eta2 = 1 - \frac{SS_{TP} / (N - V - P + 1)}{SS_T / (N - V)}

    whose expectation is 0 where the position adds nothing. Word and position share variance (an end symbol is always
    last); what they share goes to the word. With residuals from type means compared between positions instead, a part
    of what belongs to the position would go to the words as well.

    Parameters
    ----------
    tables
        ``type_n_token`` (table_type), ``type_value_sum`` (table_type, layer, neuron), ``position_type_n_token``
        (sentence_position, table_type), and the sums in the head of this file. ``value_min`` (layer, neuron) marks
        absent neurons by NaN, if given.

    Returns
    -------
    ``eta2_type_adjusted`` (layer, neuron), at most 1, NaN for a neuron that its words decide (less than `RESOLUTION`
    of standard deviation is left) or that is absent, or where no token is left; ``n_token_in_table``, the tokens it
    rests on.

    Raises
    ------
    UserError
        If a sum is missing.
    """
    missing = [name for name in _NEEDED if name not in tables]
    if missing:
        raise UserError(f"The tables lack {', '.join(missing)}, which eta2_type_adjusted needs; make the summary anew.")
    tables = tables[[name for name in (*_NEEDED, "value_min") if name in tables]].compute()
    dims = ("layer", "neuron")
    shape = tables["table_square_sum_high"].transpose(*dims).shape
    n_type = tables["type_n_token"].values.astype(np.float64)
    counts = tables["position_type_n_token"].transpose("sentence_position", "table_type").values.astype(np.float64)
    sums, type_sum = (
        tables[name].transpose(dim, *dims).values.reshape(tables.sizes[dim], math.prod(shape)) / fixed_point.SCALE
        for name, dim in (("position_table_value_sum", "sentence_position"), ("type_value_sum", "table_type"))
    )
    mean = type_sum / np.maximum(n_type, 1)[:, None]
    within = _within_types(tables, n_type, mean).ravel()
    between, rank = _between_positions(counts, n_type, sums - counts @ mean)
    n_token = n_type.sum()
    n_free = n_token - (n_type > 0).sum()
    left = within / max(n_free, 1)
    defined = (left > RESOLUTION**2) & (n_free - rank > 0)
    value = 1 - (within - between) / max(n_free - rank, 1) / np.where(defined, left, np.nan)
    eta2 = xr.DataArray(value.reshape(shape), dims=dims)
    if "value_min" in tables:
        eta2 = eta2.where(tables["value_min"].notnull())
    return attach_attrs(xr.Dataset({"eta2_type_adjusted": eta2, "n_token_in_table": int(n_token)}))


def _within_types(tables: xr.Dataset, n_type: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squares around the type means, dims (neuron): those around the grand mean less those between types."""
    whole = xr.Dataset(
        {
            "n_token": tables["type_n_token"].sum(),
            "value_sum": tables["type_value_sum"].sum("table_type"),
            "square_sum_high": tables["table_square_sum_high"],
            "square_sum_low": tables["table_square_sum_low"],
        }
    )
    around = fixed_point.square_deviation(whole).transpose("layer", "neuron").values.ravel()
    grand = n_type @ mean / max(n_type.sum(), 1)
    between = n_type @ (mean - grand) ** 2
    left: NDArray[np.float64] = (around - between).clip(min=0)
    return left


def _between_positions(
    counts: NDArray[np.float64], n_type: NDArray[np.float64], residual: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Return the squares that positions take off after types, dims (neuron), and how many effects they have.

    The normal equations of the position effects once type effects are swept out: diag(n_p) - N diag(1 / n_v) N'.
    """
    share = counts / np.maximum(n_type, 1)
    matrix = np.diag(counts.sum(axis=1)) - share @ counts.T
    value, vector = np.linalg.eigh(matrix)
    kept = value > _RANK * max(value[-1], 1)
    along = vector[:, kept].T @ residual
    return (along**2 / value[kept, None]).sum(axis=0), int(kept.sum())
