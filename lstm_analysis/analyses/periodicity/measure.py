"""Periodicity of a block of neurons: spectra, lines, and what is left of a line without the sentences.

The two controls of a line ask different things. *Without the mean at each position in the sentence*: is it more than a
neuron's tuning to the position? *With whole sentences in another order*: does it need the sentences to follow one
another? A neuron that starts anew with each sentence does the same in any order, whatever it does within; an oscillator
that runs on loses its step wherever sentences are put together. Where all sentences have the same length and a period
divides it, nothing tells the two apart, and the line counts as the sentences'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .line_test import MIN_BAND_SHARE, MIN_FRACTION, LineTests, line_tests, own_line, refine, significant
from .multitaper import LineSums
from .segments import FEWEST_SEGMENTS

NOT_TESTED, NONE, PERIODIC, SENTENCE_LOCKED = -1, 0, 1, 2
"""What ``rhythm`` says of a neuron."""
N_SHUFFLE = 5
"""Orders of the sentences that a line is looked for in."""


@dataclass(frozen=True)
class Lines:
    """The lines of a block of neurons.

    Parameters
    ----------
    measured
        Variables of ``periodicity.zarr``, dims (neuron) and (frequency, neuron).
    index
        Frequency of each neuron's line, as an index; -1 without one.
    fraction
        Share of the variance there; ``line_fraction`` is that at the top between frequencies.
    found
        Neurons with a significant line.
    """

    measured: xr.Dataset
    index: NDArray[np.int64]
    fraction: NDArray[np.float64]
    found: NDArray[np.int64]


def measure_lines(sums: LineSums, n_neuron: int, alpha: float) -> Lines:
    """Return spectra and lines; ``rhythm`` is `PERIODIC` for all lines that are significant and sharp.

    Parameters
    ----------
    sums
        Segments of the neurons.
    n_neuron
        Neurons of the whole model: p is corrected for all of them.
    alpha
        Level.
    """
    tapers = sums.tapers
    tests = line_tests(sums, n_fewest=FEWEST_SEGMENTS)
    found = significant(tests, tapers, n_neuron, alpha)
    index = own_line(tests, found, tapers)
    at = (np.arange(len(index)), index)
    fraction, band, p = (np.where(index < 0, np.nan, x[at]) for x in (tests.fraction, tests.band_share, tests.p_value))
    top = np.array([refine(sums.line[i], at, tapers) for i, at in enumerate(index.tolist())]).reshape(-1, 2)
    sharp = found.any(axis=1) & (band >= MIN_BAND_SHARE)
    p = np.minimum(p * int(tapers.is_tested.sum()), 1)
    columns = {
        "n_segment": sums.n_segment, "segment_variance": sums.variance, "line_frequency": top[:, 0],
        "period": 1 / top[:, 0], "line_fraction": np.minimum(fraction * top[:, 1], 1), "line_band_share": band,
        "p_value": p, "p_fwer": np.minimum(p * n_neuron, 1),
        "rhythm": np.select([index < 0, sharp], [NOT_TESTED, PERIODIC], NONE).astype(np.int8),
    }  # fmt: skip
    missing = {name: np.full(len(index), np.nan) for name in CONTROLS}
    measured = xr.Dataset(
        {name: ("neuron", values) for name, values in (columns | missing).items()} | _spectra(sums, tests),
        {"frequency": tapers.frequency},
    )
    return Lines(measured, index, fraction, np.flatnonzero(found.any(axis=1)))


CONTROLS = ("line_fraction_residual", "line_fraction_shuffled", "sentence_share")


def _spectra(sums: LineSums, tests: LineTests) -> dict[str, tuple[tuple[str, str], NDArray[np.float32]]]:
    spectra = {"psd": sums.psd, "f_stat": tests.f_stat}
    return {name: (("frequency", "neuron"), values.T.astype(np.float32)) for name, values in spectra.items()}


def add_controls(
    lines: Lines, residual: LineSums, shuffled: Sequence[LineSums], n_sentence: float, n_neuron: int, alpha: float
) -> Lines:
    """Return the lines with their controls; those that are the sentences' are `SENTENCE_LOCKED`.

    A line is the neuron's own if what is left without the positions is still significant and large enough, and less
    than half of what the sentences' order decides is left in another order: with n sentences a segment an oscillator
    keeps about 1 / n of its line there, a rhythm of the sentences all of it.

    Parameters
    ----------
    lines
        A result of `measure_lines`.
    residual
        Segments of values less their mean at each position in the sentence, of the neurons ``lines.found``.
    shuffled
        Segments of their values with the sentences in another order, for each order.
    n_sentence
        Mean number of sentences in a segment, above 1.
    n_neuron, alpha
        As in `measure_lines`.
    """
    chosen = lines.found
    at, before = (np.arange(len(chosen)), lines.index[chosen]), lines.fraction[chosen]
    whole = (lines.measured["n_segment"] * lines.measured["segment_variance"]).values[chosen]
    left = line_tests(residual, whole)
    remaining = np.nan_to_num(left.fraction[at])  # silent without the positions: nothing is left
    disordered = np.mean([np.nan_to_num(line_tests(sums, whole).fraction[at]) for sums in shuffled], axis=0)
    own = significant(left, residual.tapers, n_neuron, alpha)[at] & (remaining >= MIN_FRACTION)
    own &= disordered < before * (1 + 1 / n_sentence) / 2
    rhythm = lines.measured["rhythm"].values.copy()
    rhythm[chosen[~own]] = SENTENCE_LOCKED
    scale = lines.measured["line_fraction"].values[chosen] / before
    made = dict(zip(CONTROLS, (remaining * scale, disordered * scale, 1 - remaining / before), strict=True))
    measured = lines.measured.assign(rhythm=("neuron", rhythm))
    for name, values in made.items():
        measured[name].values[chosen] = values
    return replace(lines, measured=measured)
