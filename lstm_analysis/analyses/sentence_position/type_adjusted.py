"""How much of a neuron depends on the position in the sentence once the word is accounted for.

Works on one-pass tables alone, so also with ``store: none``. Besides ``type_value_sum``, ``type_n_token`` and
``position_type_n_token`` it needs, over the tokens whose type is in the type table and in units of `fixed_point`:
``position_table_value_sum`` (sentence_position, layer, neuron), and ``table_square_sum_high``, ``table_square_sum_low``
(layer, neuron), the two parts of the sum of squares.
"""

import math
from typing import NamedTuple

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
Floats = NDArray[np.float64]


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
    words = left_by_words(tables)
    counts = tables["position_type_n_token"].transpose("sentence_position", "table_type").values.astype(np.float64)
    between, rank = between_rows(words, counts, value_sums(tables["position_table_value_sum"], "sentence_position"))
    eta2 = share_between(words, (0, 0), (between, rank))
    return attach_attrs(xr.Dataset({"eta2_type_adjusted": eta2, "n_token_in_table": int(words.n_type.sum())}))


class LeftByWords(NamedTuple):
    """What word types leave of each neuron.

    Parameters
    ----------
    n_type
        Tokens of each type, dims (table_type).
    mean
        Mean of each type, dims (table_type, neuron), layers side by side.
    within
        Squares around these means, dims (neuron).
    present
        Which neurons there are, dims (layer, neuron).
    """

    n_type: Floats
    mean: Floats
    within: Floats
    present: xr.DataArray

    @property
    def n_free(self) -> float:
        """Tokens less types."""
        return float(self.n_type.sum() - (self.n_type > 0).sum())


def left_by_words(tables: xr.Dataset) -> LeftByWords:
    """Return what the types of the table leave of each neuron; the tables are those of `eta2_type_adjusted`."""
    n_type = tables["type_n_token"].values.astype(np.float64)
    mean = value_sums(tables["type_value_sum"], "table_type") / np.maximum(n_type, 1)[:, None]
    squares = tables["table_square_sum_high"].transpose("layer", "neuron")
    present = tables["value_min"].notnull() if "value_min" in tables else xr.ones_like(squares, dtype=np.bool_)
    return LeftByWords(n_type, mean, _within_types(tables, n_type, mean).ravel(), present.reset_coords(drop=True))


def value_sums(sums: xr.DataArray, dim: str) -> Floats:
    """Return exact sums (dim, layer, neuron) as floats (dim, neuron), layers side by side."""
    ordered = sums.transpose(dim, "layer", "neuron").values
    values: Floats = ordered.reshape(len(ordered), math.prod(ordered.shape[1:])) / fixed_point.SCALE
    return values


def share_between(words: LeftByWords, base: tuple[Floats | int, int], full: tuple[Floats, int]) -> xr.DataArray:
    """Return the bias-corrected share of what types and base effects leave that lies between further rows.

    Parameters
    ----------
    words
        What types leave.
    base, full
        Squares, dims (neuron), and number of the effects, as `between_rows` gives them: of the base alone and of the
        base with the rows asked about.

    Returns
    -------
    Dims (layer, neuron); NaN for a neuron of which less than `RESOLUTION` is left, and for an absent one.
    """
    n_free = words.n_free
    left = (words.within - base[0]) / max(n_free - base[1], 1)
    defined = (left > RESOLUTION**2) & (n_free - full[1] > 0)
    value = 1 - (words.within - full[0]) / max(n_free - full[1], 1) / np.where(defined, left, np.nan)
    return words.present.copy(data=value.reshape(words.present.shape)).where(words.present)


def _within_types(tables: xr.Dataset, n_type: Floats, mean: Floats) -> Floats:
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
    left: Floats = (around - between).clip(min=0)
    return left


def between_rows(words: LeftByWords, counts: Floats, sums: Floats) -> tuple[Floats, int]:
    """Return the squares that the rows take off after types, dims (neuron), and how many effects they have.

    The normal equations of the row effects once type effects are swept out: diag(n_p) - N diag(1 / n_v) N'.

    Parameters
    ----------
    words
        What types leave.
    counts
        Tokens of each type at each row, such as a position, dims (row, table_type).
    sums
        Sums at each row over the tokens in the table, dims (row, neuron).
    """
    share = counts / np.maximum(words.n_type, 1)
    matrix = np.diag(counts.sum(axis=1)) - share @ counts.T
    value, vector = np.linalg.eigh(matrix)
    kept = value > _RANK * max(value[-1], 1)
    along = vector[:, kept].T @ (sums - counts @ words.mean)
    return (along**2 / value[kept, None]).sum(axis=0), int(kept.sum())
