"""The cliff at sentence boundaries, and what the level after it keeps of the lengths of sentences."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...statistics.jackknife_interval import jackknife_interval
from ...statistics.stratified_correlation import correlation, correlation_interval, stratified_test

Floats = NDArray[np.float64]
LAST_LENGTH = 60
"""Boundaries are tabled by the length of the sentence just ended, 1 .. 60; the last row holds longer ones too."""
SHORT_LENGTH = 15
"""Longest current sentence (tokens) at which the sentence before it is looked for: of what an integrator kept across
the boundary, e^(-15 / tau) is left after it, 8 % at tau = 6, and strata of longer ones are nearly empty."""


def measure_boundaries(
    plan: xr.Dataset,
    end: NDArray[np.float32],
    next_: NDArray[np.float32],
    before: NDArray[np.float32],
    *,
    seed: int,
    n_draw: int,
    level: float,
) -> xr.Dataset:
    """Measure cliffs, levels and rises of a block of neurons; parameters as in `measure_positions`.

    Returns
    -------
    Dims (neuron) unless said otherwise.

    - ``cliff_mean, _low, _high``: mean of h(end) - h(next); ``cliff_sd``: its standard deviation over boundaries.
    - ``cliff_r_current``: Pearson's r of the cliff with the length of the sentence just ended, ``level_r_current`` of
      the level after the reset, h(next), with that length: incomplete reset; each with ``_low, _high``.
      ``_p`` is two-sided, by permutation of the lengths within documents (both then as deviations from the document).
    - ``level_partial_r_previous``, ``_p``: correlation of h(next) with the length of the sentence before the one just
      ended, within strata of the exact length of the latter (at most `SHORT_LENGTH` tokens) and jackknife block,
      permuted within these.
    - For each test ``_z`` and ``_z_draw`` (draw, neuron), for max-T over all neurons.
    - ``short_rise, _low, _high``: mean of h(end symbol) - h(last word) after sentences of at most 3 words.
    - ``cliff_by_length, cliff_sd_by_length, level_by_length`` (sentence_length_bin, neuron): mean and standard
      deviation of the cliff, mean of h(next), by the length of the sentence just ended; ``n_boundary_by_length``.
    - ``n_boundary``, ``n_boundary_current`` and ``n_boundary_previous`` (those in strata of two or more),
      ``n_boundary_short``.

    NaN where there are no boundaries, and for correlations where the neuron or the length is constant.
    """
    last, first = end.astype(np.float64), next_.astype(np.float64)
    cliff, block = last - first, plan["boundary_block"].values
    is_short = plan["before_time"].values >= 0
    found = _means("cliff_mean", cliff, block, level) | {"cliff_sd": _sd(cliff)}
    found |= _means("short_rise", last[is_short] - before[is_short], block[is_short], level)
    current = plan["length_current"].values.astype(np.float64)
    for name, values in (("cliff_r_current", cliff), ("level_r_current", first)):
        low, high = correlation_interval(current, values, block, level)
        found |= {name: correlation(current, values), f"{name}_low": low, f"{name}_high": high}
    result = xr.Dataset({name: ("neuron", values) for name, values in found.items()})
    result = result.assign(n_boundary=len(block), n_boundary_short=int(is_short.sum()))
    return xr.merge([result, _tests(plan, cliff, first, seed, n_draw), _by_length(current, cliff, first)])


def _tests(plan: xr.Dataset, cliff: Floats, level_after: Floats, seed: int, n_draw: int) -> xr.Dataset:
    """Return p, score and draws of the three tests, and the partial correlation with the previous length."""
    current, previous = (plan[f"length_{name}"].values.astype(np.float64) for name in ("current", "previous"))
    block, document = plan["boundary_block"].values, plan["boundary_document"].values
    short = (previous > 0) & (current <= SHORT_LENGTH)
    stratum = plan["length_current"].values * (block.max(initial=0) + 1) + block
    asked = {
        "cliff_r_current": (current, cliff, document),
        "level_r_current": (current, level_after, document),
        "level_partial_r_previous": (previous[short], level_after[short], stratum[short]),
    }
    result = xr.Dataset()
    for k, (name, (length, values, strata)) in enumerate(asked.items()):
        test = stratified_test(length, values, strata, [seed, k], n_draw)
        result = result.assign(
            {
                f"{name}_p": ("neuron", test.p),
                f"{name}_z": ("neuron", test.z),
                f"{name}_z_draw": (("draw", "neuron"), test.z_draw),
                "n_boundary_previous" if "previous" in name else "n_boundary_current": test.n_used,
            }
        )
    return result.assign(level_partial_r_previous=("neuron", test.r))


def _means(name: str, values: Floats, block: NDArray[np.integer], level: float) -> dict[str, Floats]:
    """Return the mean over rows, dims (neuron), and its interval by the block jackknife."""
    present, codes = np.unique(block, return_inverse=True)
    n_neuron = values.shape[1]
    mean = values.mean(axis=0) if len(values) else np.full(n_neuron, np.nan)
    if len(present) < 2:
        nothing = np.full(n_neuron, np.nan)
        return {name: mean, f"{name}_low": nothing, f"{name}_high": nothing}
    sums = np.zeros((len(present), n_neuron))
    np.add.at(sums, codes, values)
    counts = np.bincount(codes)
    replicates = (sums.sum(axis=0) - sums) / (counts.sum() - counts)[:, None]
    low, high = jackknife_interval(mean, replicates, level)
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _by_length(length: Floats, cliff: Floats, level_after: Floats) -> xr.Dataset:
    row = np.minimum(length, LAST_LENGTH).astype(np.int64) - 1
    n_boundary = np.bincount(row, minlength=LAST_LENGTH)
    sums = np.zeros((3, LAST_LENGTH, cliff.shape[1]))
    for total, values in zip(sums, (cliff, cliff**2, level_after), strict=True):
        np.add.at(total, row, values)
    n = np.where(n_boundary > 0, n_boundary, np.nan)[:, None]
    mean = sums[0] / n
    variance = (sums[1] - n * mean**2).clip(min=0) / np.where(n > 1, n - 1, np.nan)
    dims = ("sentence_length_bin", "neuron")
    return xr.Dataset(
        {
            "cliff_by_length": (dims, mean),
            "cliff_sd_by_length": (dims, np.sqrt(variance)),
            "level_by_length": (dims, sums[2] / n),
            "n_boundary_by_length": ("sentence_length_bin", n_boundary),
        },
        {"sentence_length_bin": np.arange(1, LAST_LENGTH + 1)},
    )


def _sd(values: Floats) -> Floats:
    if len(values) < 2:
        return np.full(values.shape[1], np.nan)
    sd: Floats = values.std(axis=0, ddof=1)
    return sd
