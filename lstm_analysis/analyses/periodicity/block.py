"""A block of neurons from passages of text: once for the spectra, and once more for the controls of lines found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...schema import LAST_POSITION
from .boundary_phase import BoundaryPhase
from .measure import N_SHUFFLE, CallRule, Controls, Lines, add_controls, measure_lines
from .multitaper import LineSums, slepian_tapers
from .segments import SegmentPlan, segment_starts
from .sentence_order import shuffled_sentences


@dataclass(frozen=True)
class Passage:
    """Whole documents.

    Parameters
    ----------
    start
        First token in the corpus; places below count from it.
    values
        Dims (time, neuron).
    stretch
        First token of each stretch that the model reads without a reset, and the number of tokens.
    sentence_start
        First token of each sentence.
    sentence_position
        Dims (time).
    """

    start: int
    values: NDArray[np.float32]
    stretch: NDArray[np.int64]
    sentence_start: NDArray[np.int64]
    sentence_position: NDArray[np.integer]


Passages = Callable[[], Iterator[Passage]]
"""Gives all passages of a corpus in order, each time it is called."""


def measure_block(
    passages: Passages, plan: SegmentPlan, tuning_mean: NDArray[np.float64], rule: CallRule
) -> xr.Dataset:
    """Return spectra, lines and controls of a few neurons; see `measure_lines` and `add_controls`.

    Parameters
    ----------
    passages
        Read a second time where a line was found.
    plan
        A result of `plan_segments` with a length.
    tuning_mean
        Mean by position, dims (sentence_position, neuron).
    rule
        How lines are called.
    """
    tapers = slepian_tapers(plan.length)
    sums = LineSums(tapers, tuning_mean.shape[1])
    for passage in passages():
        _add(sums, passage.values, passage.stretch)
    lines = measure_lines(sums, rule)
    if not (plan.sentences_matter and len(lines.found)):
        return lines.measured
    return add_controls(lines, _controls(passages, plan, tuning_mean, lines, rule.seed), rule)


def _controls(
    passages: Passages, plan: SegmentPlan, tuning_mean: NDArray[np.float64], lines: Lines, seed: int
) -> Controls:
    chosen, tapers = lines.found, slepian_tapers(plan.length)
    residual, *shuffled = [LineSums(tapers, len(chosen)) for _ in range(1 + N_SHUFFLE)]
    boundary = BoundaryPhase(tapers, lines.index[chosen])
    for passage in passages():
        values = passage.values[:, chosen]
        mean = tuning_mean[np.minimum(passage.sentence_position, LAST_POSITION)][:, chosen]
        _add(residual, (values - mean).astype(np.float32), passage.stretch)
        for draw, sums in enumerate(shuffled):
            order = shuffled_sentences(passage.stretch, passage.sentence_start, (seed, draw), passage.start)
            _add(sums, values[order], passage.stretch)
        is_start = np.zeros(len(values), np.float32)
        is_start[passage.sentence_start] = 1
        for start in segment_starts(passage.stretch, plan.length).tolist():
            boundary.add(values[start : start + plan.length], is_start[start : start + plan.length])
    return Controls(residual, shuffled, boundary, plan.n_sentence)


def _add(sums: LineSums, values: NDArray[np.float32], stretch: NDArray[np.int64]) -> None:
    """Add the segments of a passage."""
    length = sums.tapers.length
    for start in segment_starts(stretch, length).tolist():
        sums.add(values[start : start + length])
