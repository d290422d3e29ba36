"""Whether a line keeps step with the ends of the sentences, from segment to segment."""

import numpy as np
from numpy.typing import NDArray

from .multitaper import LineSums, Tapers, line_amplitude


class BoundaryPhase:
    """The lines of some neurons against those that the sentences' first tokens have at the same frequencies.

    Parameters
    ----------
    tapers
        Of the segments' length.
    index
        Frequency of each neuron's line, dims (neuron).

    Attributes
    ----------
    sentences
        Segments of a series that is 1 at the first token of each sentence and 0 elsewhere.
    """

    def __init__(self, tapers: Tapers, index: NDArray[np.int64]) -> None:
        self.sentences = LineSums(tapers, 1)
        self._index = index
        self._cross = np.zeros(len(index), np.complex128)
        self._power = np.zeros((2, len(index)))

    def add(self, values: NDArray[np.float32], is_start: NDArray[np.float32]) -> None:
        """Add a segment: values, dims (time, neuron), and whether a sentence starts, dims (time)."""
        both = np.column_stack([values, is_start]).T.astype(np.float64)
        centred = (both - both.mean(axis=1, keepdims=True)).astype(np.float32)
        amplitude = line_amplitude(centred, self.sentences.tapers)[0]
        own, theirs = amplitude[np.arange(len(self._index)), self._index], amplitude[-1, self._index]
        self._cross += own * theirs.conj()
        self._power += np.square(np.abs([own, theirs]))
        self.sentences.add(is_start[:, np.newaxis])

    @property
    def coherence(self) -> NDArray[np.float64]:
        r"""Coherence :math:`|\sum x y^*|^2 / (\sum |x|^2 \sum |y|^2)` of the two lines, dims (neuron); NaN without any.

        1 if the phase between them is the same in all S segments, about 1 / S if it is any.
        """
        power = self._power.prod(axis=0)
        return np.square(np.abs(self._cross)) / np.where(power > 0, power, np.nan)
