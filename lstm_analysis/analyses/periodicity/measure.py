"""Periodicity of a block of neurons: spectra, lines, and what is left of a line without the sentences.

Three controls of a line ask different things. *Without the mean at each position in the sentence*: is it more than a
neuron's tuning to the position? *With whole sentences in another order*: does it need the sentences to follow one
another? A neuron that starts anew with each sentence does the same in any order, whatever it does within; an oscillator
that runs on loses its step wherever sentences are put together. *Against the sentences' own line*: where lengths follow
a pattern the sentences have a rhythm beyond one sentence; does the neuron keep step with it? Where a period fits the
rhythm of the text in all segments nothing tells the two apart, and the line counts as the sentences'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .boundary_phase import BoundaryPhase
from .line_test import LineTests, line_tests, own_line, refine, significant
from .multitaper import LineSums
from .segments import FEWEST_SEGMENTS

NOT_TESTED, NONE, PERIODIC, SENTENCE_LOCKED = -1, 0, 1, 2
"""What ``rhythm`` says of a neuron."""
MAX_COHERENCE = 0.5
"""With the sentences' own line; a line above that keeps step with it."""
N_SHUFFLE = 5
"""Orders of the sentences that a line is looked for in."""
CONTROLS = ("line_fraction_residual", "line_fraction_shuffled", "sentence_share", "sentence_coherence")


@dataclass(frozen=True)
class CallRule:
    """Level of the tests, neurons of the whole model that p is corrected for, and seed of the orders of sentences."""

    alpha: float
    n_neuron: int
    seed: int


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


def measure_lines(sums: LineSums, rule: CallRule) -> Lines:
    """Return spectra and lines; ``rhythm`` is `PERIODIC` for all lines that are significant and sharp.

    Parameters
    ----------
    sums
        Segments of the neurons.
    rule
        How they are called.
    """
    tapers = sums.tapers
    tested = line_tests(sums, n_fewest=FEWEST_SEGMENTS)
    found = significant(tested, tapers, rule.n_neuron, rule.alpha)
    index = own_line(tested, found, tapers)
    at = (np.arange(len(index)), index)
    fraction, band, p = (
        np.where(index < 0, np.nan, x[at]) for x in (tested.fraction, tested.band_share, tested.p_value)
    )
    top = np.array([refine(sums.line[i], at, tapers) for i, at in enumerate(index.tolist())]).reshape(-1, 2)
    sharp = found.any(axis=1) & (band >= tapers.fewest_share)
    p = np.minimum(p * int(tapers.is_tested.sum()), 1)
    columns = {
        "n_segment": sums.n_segment, "segment_variance": sums.variance, "line_frequency": top[:, 0],
        "period": 1 / top[:, 0], "line_fraction": np.minimum(fraction * top[:, 1], 1), "line_band_share": band,
        "p_value": p, "p_fwer": np.minimum(p * rule.n_neuron, 1),
        "rhythm": np.select([index < 0, sharp], [NOT_TESTED, PERIODIC], NONE).astype(np.int8),
    }  # fmt: skip
    missing = {name: np.full(len(index), np.nan) for name in CONTROLS}
    measured = xr.Dataset(
        {name: ("neuron", values) for name, values in (columns | missing).items()} | _spectra(sums, tested),
        {"frequency": tapers.frequency},
    )
    return Lines(measured, index, fraction, np.flatnonzero(found.any(axis=1)))


def _spectra(sums: LineSums, tests: LineTests) -> dict[str, tuple[tuple[str, str], NDArray[np.float32]]]:
    spectra = {"psd": sums.psd, "f_stat": tests.f_stat}
    return {name: (("frequency", "neuron"), values.T.astype(np.float32)) for name, values in spectra.items()}


@dataclass(frozen=True)
class Controls:
    """Segments of the neurons that have a line, for the controls.

    Parameters
    ----------
    residual
        Of values less their mean at each position in the sentence.
    shuffled
        With the sentences in another order, for each order.
    boundary
        The lines beside those of the sentences' first tokens.
    n_sentence
        Mean number of sentences in a segment, above 1.
    """

    residual: LineSums
    shuffled: Sequence[LineSums]
    boundary: BoundaryPhase
    n_sentence: float


def add_controls(lines: Lines, controls: Controls, rule: CallRule) -> xr.Dataset:
    """Return the measurements with the controls of lines; those that are the sentences' are `SENTENCE_LOCKED`.

    A line is the neuron's own if without the positions it is still significant and large enough; if in another order
    less is left of it than halfway between the 1 / n that an oscillator keeps, with n sentences a segment, and the
    whole that a rhythm of the sentences does; and if it does not keep step with a line of the sentences.

    Parameters
    ----------
    lines
        A result of `measure_lines`.
    controls
        Segments of the neurons ``lines.found``.
    rule
        As in `measure_lines`.
    """
    chosen, tapers = lines.found, controls.residual.tapers
    at, before = (np.arange(len(chosen)), lines.index[chosen]), lines.fraction[chosen]
    whole = (lines.measured["n_segment"] * lines.measured["segment_variance"]).values[chosen]
    left = line_tests(controls.residual, whole)
    remaining = np.nan_to_num(left.fraction[at])  # silent without the positions: nothing is left
    disordered = np.mean([np.nan_to_num(line_tests(sums, whole).fraction[at]) for sums in controls.shuffled], axis=0)
    theirs = significant(line_tests(controls.boundary.sentences), tapers, rule.n_neuron, rule.alpha)[0, at[1]]
    coherence = np.where(theirs, controls.boundary.coherence, 0)
    own = significant(left, tapers, rule.n_neuron, rule.alpha)[at]
    own &= (disordered < before * (1 + 1 / controls.n_sentence) / 2) & (coherence < MAX_COHERENCE)
    measured = lines.measured.copy(deep=True)
    measured["rhythm"].values[chosen[~own]] = SENTENCE_LOCKED
    scale = measured["line_fraction"].values[chosen] / before
    found = (remaining * scale, disordered * scale, 1 - remaining / before, coherence)
    for name, values in zip(CONTROLS, found, strict=True):
        measured[name].values[chosen] = values
    return measured
