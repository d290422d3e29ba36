"""What is measured of each neuron: tuning curve, its fit, the cliff, and what the level remembers."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import UserError
from ...schema import LAST_POSITION, attach_attrs
from ...statistics.exponential_fit import fit_with_interval
from ...statistics.jackknife_interval import jackknife_interval
from .boundaries import measure_boundaries
from .position_sums import ARCTANH, H_SQUARE, H, PositionSums

Floats = NDArray[np.float64]
_TUNING = ("sentence_position", "neuron")


def measure_positions(
    sums: PositionSums,
    plan: xr.Dataset,
    end: NDArray[np.float32],
    next_: NDArray[np.float32],
    before: NDArray[np.float32],
    *,
    seed: int,
    n_draw: int = 1000,
    level: float = 0.95,
) -> xr.Dataset:
    r"""Measure a block of neurons; nothing depends on which other neurons are in the block.

    Parameters
    ----------
    sums
        Of all tokens.
    plan
        A result of `plan_boundaries`.
    end, next_, before
        States at the planned rows, dims (boundary, neuron), as `BoundaryRows` gathers them.
    seed
        Of the permutations.
    n_draw
        Permutations.
    level
        Coverage of the intervals.

    Returns
    -------
    Dim neuron, and sentence_position, sentence_length_bin and draw for some:

    - ``tuning_mean, tuning_sd`` (sentence_position, neuron), ``tuning_mean_low/_high``, ``n_token``
      (sentence_position), ``value_sd`` (neuron) of all tokens, ``n_clipped`` (neuron) tokens that arctanh clips.
    - ``baseline, amplitude, tau, r2`` with ``_low`` and ``_high``, and ``fit_reason``: the model
      :math:`b + A (1 - e^{-p/\tau})` on the curve of h, position 60+ left out; NaN and a reason where tau is not
      identified (`exponential_fit.REASONS`). Intervals cover the tau of the curve: an end symbol to which the neuron
      answers bends it a little, since the share of end symbols differs by position.
      The same with ``_arctanh`` on the curve of arctanh(h).
    - what `measure_boundaries` returns.

    Raises
    ------
    UserError
        If the states are not of the plan's boundaries.
    """
    for name, rows in (("end", end), ("next_", next_), ("before", before)):
        if rows.shape != (plan.sizes["boundary"], len(sums.n_clipped)):
            raise UserError(
                f"{name} has shape {rows.shape}; the plan has {plan.sizes['boundary']} boundaries, the sums are of "
                f"{len(sums.n_clipped)} neurons."
            )
    n_token = sums.n_token.sum(axis=0)
    mean, sd, value_sd = _spread(n_token, sums.sums[H].sum(axis=0), sums.sums[H_SQUARE].sum(axis=0))
    curves, weight = leave_one_out(sums, H)
    low, high = jackknife_interval(curves[0], curves[1:], level)
    result = xr.Dataset(
        {
            "tuning_mean": (_TUNING, mean),
            "tuning_sd": (_TUNING, sd),
            "tuning_mean_low": (_TUNING, low),
            "tuning_mean_high": (_TUNING, high),
            "n_token": ("sentence_position", n_token),
            "value_sd": ("neuron", value_sd),
            "n_clipped": ("neuron", np.where(np.isnan(value_sd), 0, sums.n_clipped)),
            **_fit(curves, weight, "", level),
            **_fit(*leave_one_out(sums, ARCTANH), "_arctanh", level),
        },
        {"sentence_position": np.arange(LAST_POSITION + 1)},
    )
    boundaries = measure_boundaries(plan, end, next_, before, seed=seed, n_draw=n_draw, level=level)
    return attach_attrs(result.merge(boundaries))


def leave_one_out(sums: PositionSums, statistic: int) -> tuple[Floats, Floats]:
    """Return the mean at each position with all tokens, then without each block that has tokens, and the counts.

    Returns
    -------
    Means (replicate, sentence_position, neuron), NaN without tokens, and tokens (replicate, sentence_position).
    """
    present = sums.n_token.sum(axis=1) > 0
    n_token, total = sums.n_token.sum(axis=0), sums.sums[statistic].sum(axis=0)
    counts = np.concatenate([n_token[None], n_token - sums.n_token[present]]).astype(np.float64)
    values = np.concatenate([total[None], total - sums.sums[statistic][present]])
    return values / np.where(counts > 0, counts, np.nan)[:, :, None], counts


def _spread(n_token: NDArray[np.int64], value: Floats, square: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean and standard deviation at each position, and the standard deviation of all tokens."""
    n = np.where(n_token > 0, n_token, np.nan)[:, None]
    mean = value / n
    variance = (square - n * mean**2).clip(min=0) / np.where(n > 1, n - 1, np.nan)
    n_all, total = float(n_token.sum()), value.sum(axis=0)
    divisor = n_all - 1 if n_all > 1 else np.nan
    every = (square.sum(axis=0) - total**2 / max(n_all, 1)).clip(min=0) / divisor
    return mean, np.sqrt(variance), np.sqrt(every)


def _fit(curves: Floats, weight: Floats, suffix: str, level: float) -> dict[str, tuple[str, NDArray[np.generic]]]:
    found = fit_with_interval(curves[:, :LAST_POSITION], weight[:, :LAST_POSITION], level)
    result: dict[str, tuple[str, NDArray[np.generic]]] = {}
    for name in ("baseline", "amplitude", "tau", "r2"):
        for end, part in (("", found.fit), ("_low", found.low), ("_high", found.high)):
            result[f"{name}{suffix}{end}"] = ("neuron", getattr(part, name))
    return result | {f"fit_reason{suffix}": ("neuron", found.low.reason)}
