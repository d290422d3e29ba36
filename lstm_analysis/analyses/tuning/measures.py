"""What is measured of each neuron and graded variable: intervals of the curve and of its share, the correlation."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...schema import RESOLUTION, VALUE_EDGES
from ...statistics.circular_shift import ShiftResult
from ...statistics.jackknife_interval import jackknife_interval
from .graded_sums import GradedSums

Floats = NDArray[np.float64]
_CURVE, _EACH = ("variable", "variable_value", "neuron"), ("variable", "neuron")


def measure_tuning(sums: GradedSums, shifts: ShiftResult, level: float = 0.95) -> xr.Dataset:
    r"""Measure a block of neurons; nothing depends on which other neurons are in the block.

    Parameters
    ----------
    sums
        Of all documents.
    shifts
        What `graded_shift.GradedShift` says of the same neurons.
    level
        Coverage of the intervals.

    Returns
    -------
    - ``tuning_mean_low, tuning_mean_high`` (variable, variable_value, neuron);
    - ``eta2_low, eta2_high`` (variable, neuron), of the share that `reductions.graded_tuning` gives;
    - ``r`` (variable, neuron), with the interval ``r_low, r_high`` on the scale of arctanh:

      .. math:: r = \frac{\sum_d \sum_i (g_i - \bar g_d)(h_i - \bar h_d)}
                {\sqrt{\sum_d \sum_i (g_i - \bar g_d)^2 \sum_d \sum_i (h_i - \bar h_d)^2}}

      over documents d and their tokens i that have a value, g being its mid-rank: Pearson's correlation, because h is
      bounded and its size is what a neuron says; of the ranks of the value, because that is not bounded. NaN where
      neither varies inside a document;
    - ``p_value, z`` (variable, neuron), ``z_maximum`` (draw, variable), ``z_count`` (variable, z_bin), ``n_document``
      (variable): the shifts.
    """
    present = sums.n_token.sum(axis=(0, 2)) > 0
    low, high = jackknife_interval(*_curves(sums, present), level)
    share_low, share_high = jackknife_interval(*_replicated(_share(sums, present)), level)
    r = _correlation(sums, present)
    with np.errstate(divide="ignore"):  # a correlation of 1
        r_low, r_high = np.tanh(jackknife_interval(*_replicated(np.arctanh(r)), level))
    return xr.Dataset(
        {
            "tuning_mean_low": (_CURVE, low), "tuning_mean_high": (_CURVE, high),
            "eta2_low": (_EACH, share_low), "eta2_high": (_EACH, share_high),
            "r": (_EACH, r[0]), "r_low": (_EACH, r_low), "r_high": (_EACH, r_high),
            "p_value": (_EACH, shifts.p), "z": (_EACH, shifts.z_observed),
            "z_maximum": (("draw", "variable"), shifts.z_maximum), "z_count": (("variable", "z_bin"), shifts.z_count),
            "n_document": ("variable", shifts.n_document),
        },
        {"variable_value": np.array(VALUE_EDGES)},
    )  # fmt: skip


def _replicated(estimates: Floats) -> tuple[Floats, Floats]:
    """Return the estimate from all tokens, and those that each leave a block out."""
    return estimates[0], estimates[1:]


def _leave_one_out(by_block: NDArray[np.generic], present: NDArray[np.bool_]) -> Floats:
    """Return sums (variable, block, ...) of all blocks and then without each block, dims (replicate, variable, ...)."""
    moved = np.moveaxis(by_block.astype(np.float64), 1, 0)
    total = moved.sum(axis=0)
    found: Floats = np.concatenate([total[None], total - moved[present]])
    return found


def _curves(sums: GradedSums, present: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the mean at each value, and without each block, dims (replicate, variable, variable_value, neuron)."""
    n_token = _leave_one_out(sums.n_token[:, :, 1:], present)[..., None]
    return _replicated(_leave_one_out(sums.value_sum[:, :, 1:], present) / np.where(n_token > 0, n_token, np.nan))


def _share(sums: GradedSums, present: NDArray[np.bool_]) -> Floats:
    """Return the bias-corrected share of variance between values, dims (replicate, variable, neuron)."""
    n = _leave_one_out(sums.n_token[:, :, 1:], present)[..., None]
    value = _leave_one_out(sums.value_sum[:, :, 1:], present)
    square = _leave_one_out(sums.square_sum, present)
    n_all, n_row = n.sum(axis=2), (n > 0).sum(axis=2)
    within = (square - (value**2 / np.maximum(n, 1)).sum(axis=2)) / np.where(n_all > n_row, n_all - n_row, np.nan)
    total = (square - value.sum(axis=2) ** 2 / np.maximum(n_all, 1)) / np.where(n_all > 1, n_all - 1, np.nan)
    share: Floats = 1 - within / np.where((total > RESOLUTION**2) & (n_row > 1), total, np.nan)
    return share


def _correlation(sums: GradedSums, present: NDArray[np.bool_]) -> Floats:
    """Return the correlation within documents, dims (replicate, variable, neuron)."""
    cross, value, grade = (
        _leave_one_out(part, present) for part in (sums.cross, sums.value_square, sums.grade_square[..., None])
    )
    n_token = _leave_one_out(sums.n_token[:, :, 1:].sum(axis=2)[..., None], present)
    varies = (value > RESOLUTION**2 * n_token) & (grade > 0)
    r: Floats = (cross / np.sqrt(np.where(varies, value * grade, np.nan))).clip(-1, 1)
    return r
