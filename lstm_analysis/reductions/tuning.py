"""Values by position in the sentence: exact sums, and the tuning curve read off them."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import fixed_point, schema
from ..errors import UserError
from .moments import add_moments_by
from .states import bounded, by_neuron, check_same_tokens

_DIMS = ("sentence_position", "layer", "neuron")
N_POSITION = schema.LAST_POSITION + 1


def sum_by_position(
    values: NDArray[np.floating], sentence_position: NDArray[np.integer], n_position: int = N_POSITION
) -> xr.Dataset:
    """Return the exact moments of a block by position, with the smallest and the largest value of each neuron.

    Parameters
    ----------
    values
        Dims (time, layer, neuron), within [-1, 1]; a neuron that is NaN at every token is absent.
    sentence_position
        Place of each token in its sentence, dims (time).
    n_position
        Number of rows; the last one holds all later positions too.

    Returns
    -------
    What `add_by_position` returns, and ``value_min``, ``value_max`` (layer, neuron), NaN for an absent neuron.
    """
    check_same_tokens(values, sentence_position=sentence_position)
    values, low, high = bounded(values)
    sums = add_by_position(values, sentence_position, n_position)
    return sums.assign(value_min=(_DIMS[1:], low), value_max=(_DIMS[1:], high))


def add_by_position(
    values: NDArray[np.float32], sentence_position: NDArray[np.integer], n_position: int = N_POSITION
) -> xr.Dataset:
    """Return the exact moments of `bounded` values (time, layer, neuron) by their ``sentence_position`` (time).

    Returns
    -------
    ``position_n_token`` (sentence_position) and ``position_value_sum, position_square_sum_high,
    position_square_sum_low`` (sentence_position, layer, neuron).
    """
    if n_position < 1:
        raise UserError(f"n_position is {n_position}; a tuning curve needs at least one position.")
    if sentence_position.size and sentence_position.min() < 0:
        raise UserError(f"sentence_position counts from 0, found {sentence_position.min()}.")
    row = np.minimum(sentence_position.astype(np.int64), n_position - 1)
    n_token = np.zeros(n_position, dtype=np.int64)
    flat = by_neuron(values)
    sums = np.zeros((3, n_position, flat.shape[1]), dtype=np.int64)
    add_moments_by(flat, row, n_token, *sums)
    sums[1], sums[2] = fixed_point.carry(sums[1], sums[2])
    value_sum, high, low = sums.reshape(3, n_position, *values.shape[1:])
    return xr.Dataset(
        {
            "position_n_token": ("sentence_position", n_token),
            "position_value_sum": (_DIMS, value_sum),
            "position_square_sum_high": (_DIMS, high),
            "position_square_sum_low": (_DIMS, low),
        },
        {"sentence_position": np.arange(n_position)},
    )


def tuning_from_sums(summary: xr.Dataset, prefix: str = "position_") -> xr.Dataset:
    r"""Return the mean and standard deviation at each position, or at each value of graded variables.

    Parameters
    ----------
    summary
        Needs ``n_token, value_sum, square_sum_high, square_sum_low``, each with the prefix, and ``value_min``.
    prefix
        ``"position_"`` or ``"graded_"``.

    Returns
    -------
    ``tuning_mean`` and ``tuning_sd`` (divisor n - 1) (sentence_position, layer, neuron), and ``n_token``
    (sentence_position). NaN where the position has no token, for ``tuning_sd`` also where it has one only, and for an
    absent neuron.
    """
    present = summary.value_min.notnull()
    return schema.attach_attrs(
        xr.Dataset(
            {
                "tuning_mean": fixed_point.mean(summary, prefix).where(present),
                "tuning_sd": np.sqrt(fixed_point.variance(summary, prefix).where(present)),
                "n_token": summary[f"{prefix}n_token"],
            }
        )
    )


def tuning_from_summary(summary: xr.Dataset) -> xr.Dataset:
    r"""Return the tuning curve of each neuron and the share of its variance that lies between positions.

    With :math:`n_p` tokens, mean :math:`m_p` and variance :math:`s_p^2` at each of the :math:`P` positions that have
    tokens, :math:`N = \sum_p n_p` and :math:`s^2` the variance of all tokens,

    .. math:: eta2 = 1 - \frac{\sum_p (n_p - 1) s_p^2}{(N - P)\, s^2}

    whose expectation is 0 for a neuron that does not depend on the position (for independent tokens), where the plain
    ratio of the sums of squares would be :math:`(P - 1) / (N - 1)`. It can come out slightly negative.

    Parameters
    ----------
    summary
        A result of `summarize` with ``sentence_position``.

    Returns
    -------
    ``tuning_mean, tuning_sd, n_token`` as in `tuning_curve`, and ``eta2`` (layer, neuron), at most 1, NaN for a
    constant or absent neuron or where no position has a second token.

    References
    ----------
    Kelley, T. L. (1935). An unbiased correlation ratio measure. PNAS 21, 554-559 (there called epsilon squared).
    """
    if "position_value_sum" not in summary:
        raise UserError("The summary has no sums by position; make it with summarize(..., sentence_position=...).")
    return curve_and_share(summary, "position_", "sentence_position")


def graded_tuning(summary: xr.Dataset) -> xr.Dataset:
    """Return what `tuning_from_summary` does of graded variables, over the tokens that have a value.

    Parameters
    ----------
    summary
        With the ``graded_`` variables.

    Returns
    -------
    ``tuning_mean, tuning_sd`` (variable, variable_value, layer, neuron), ``n_token`` (variable, variable_value),
    ``n_token_missing`` (variable), ``eta2`` (variable, layer, neuron), NaN for a variable with one value.
    """
    rows = summary.isel(variable_value=slice(1, None))
    each = [rows.isel(variable=slice(i, i + 1)) for i in range(rows.sizes["variable"])]  # exact sums are large
    curve = xr.concat([curve_and_share(one, "graded_", "variable_value") for one in each], "variable")
    varies = (curve["n_token"] > 0).sum("variable_value") > 1
    missing = summary["graded_n_token"].isel(variable_value=0, drop=True)
    return curve.assign(eta2=curve["eta2"].where(varies), n_token_missing=missing)


def curve_and_share(summary: xr.Dataset, prefix: str, dim: str) -> xr.Dataset:
    """Return the curve along ``dim`` from the sums with the prefix, and the share of variance between its rows."""
    sums = [prefix + name for name in _MOMENTS]
    summary = summary[[name for name in (*sums, "value_min", "value_max") if name in summary]].compute()
    curve = tuning_from_sums(summary, prefix)
    total = fixed_point.variance(summary[sums].sum(dim), prefix)
    n_free = (curve.n_token - 1).clip(min=0).sum(dim)
    within = fixed_point.square_deviation(summary, prefix).sum(dim) / n_free.where(n_free > 0)
    span = summary.value_max.astype(np.float64) - summary.value_min
    varies = (span >= schema.RESOLUTION) & (total > 0)
    curve["eta2"] = 1 - within / total.where(varies)
    return schema.attach_attrs(curve)


_MOMENTS = ("n_token", "value_sum", "square_sum_high", "square_sum_low")
