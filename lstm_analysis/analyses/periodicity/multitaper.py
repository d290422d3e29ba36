r"""Thomson's harmonic F-test on segments: is there a line at a frequency, or only noise around it?

A segment :math:`x_t` without its mean, seen through K Slepian tapers :math:`v_{k,t}` of unit energy, has the
eigencoefficients :math:`y_k(f) = \sum_t v_{k,t} x_t e^{-2 \pi i f t}`. A line of complex amplitude :math:`\mu` at f
adds :math:`\mu U_k`, with :math:`U_k = \sum_t v_{k,t}` (0 for odd k), to each of them; least squares gives
:math:`\hat\mu = \sum_k U_k y_k / \sum_k U_k^2`. Of the energy :math:`\sum_k |y_k|^2` near f the line has the share

.. math:: R = |\hat\mu|^2 \sum_k U_k^2 \Big/ \sum_k |y_k|^2

which without a line is Beta(1, K - 1) where the spectrum is smooth, whatever its level. The phase of a line is free:
it differs between segments.

References
----------
Thomson, D. J. (1982). Spectrum estimation and harmonic analysis. Proceedings of the IEEE 70, 1055-1096.
Percival, D. B., Walden, A. T. (1993). Spectral Analysis for Physical Applications. Cambridge, sections 10.11 and 10.12.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal.windows import dpss

from ...schema import RESOLUTION

LONG = 64
"""Segments from this length on have seven tapers, shorter ones three: else their bands would cover all frequencies."""
PADDING, FEWEST_FREQUENCIES = 2, 128
"""Frequencies lie at most half as far apart as the segment alone resolves, so that a line is never far from one."""


@dataclass(frozen=True)
class Tapers:
    """Slepian tapers of a segment's length.

    Parameters
    ----------
    values
        Dims (taper, time), float32, of unit energy.
    sums
        Of each taper over time, exactly 0 for odd ones.
    half_bandwidth
        W, in cycles per token: power farther away than that does not leak in.
    frequency
        In cycles per token, dims (frequency), from 0 to 1/2.
    """

    values: NDArray[np.float32]
    sums: NDArray[np.float64]
    half_bandwidth: float
    frequency: NDArray[np.float64]

    @property
    def n_taper(self) -> int:
        """Number of tapers, K."""
        return len(self.values)

    @property
    def fewest_share(self) -> float:
        """Share of the energy near it that a sharp line has, halfway between the 1 / K of noise and the whole.

        Less is a broad peak: a rhythm that loses its step within a segment, or a single step or bump in it.
        """
        return (1 + 1 / self.n_taper) / 2

    @property
    def length(self) -> int:
        """Tokens of a segment."""
        return int(self.values.shape[1])

    @property
    def n_padded(self) -> int:
        """Tokens and zeros behind them that are transformed."""
        return 2 * (len(self.frequency) - 1)

    @property
    def is_tested(self) -> NDArray[np.bool_]:
        """Where a line can be told from its mirror image at -f: from W to 1/2 - W, and at 1/2 itself."""
        within = (self.frequency >= self.half_bandwidth) & (self.frequency <= 0.5 - self.half_bandwidth)
        tested: NDArray[np.bool_] = within | (self.frequency == 0.5)
        return tested

    @property
    def sides(self) -> NDArray[np.float64]:
        """How often a frequency counts, dims (frequency): with its mirror image twice, but 0 and 1/2 are their own."""
        return np.where((self.frequency == 0) | (self.frequency == 0.5), 1.0, 2.0)


@lru_cache(maxsize=8)
def slepian_tapers(length: int) -> Tapers:
    """Return the tapers of a segment: NW 4 and K 7 from 64 tokens on, NW 2 and K 3 below.

    >>> tapers = slepian_tapers(512)
    >>> tapers.n_taper, 1 / tapers.half_bandwidth, int(tapers.is_tested.sum())
    (7, 128.0, 498)
    """
    half, n_taper = (4, 7) if length >= LONG else (2, 3)
    values = dpss(length, half, n_taper)
    sums = values.sum(axis=1)
    sums[1::2] = 0
    n = 2 * max(PADDING * length // 2, FEWEST_FREQUENCIES)
    return Tapers(values.astype(np.float32), sums, half / length, np.arange(n // 2 + 1) / n)


class LineSums:
    """What segments of a few neurons add up to, dims (neuron, frequency) unless said.

    Parameters
    ----------
    tapers
        Of the segments' length.
    n_neuron
        Number of neurons.

    Attributes
    ----------
    n_segment
        Segments in which the neuron varies, dims (neuron); it is silent in the others, and these count nowhere.
    share
        Sum of R.
    line, residual
        Sums of what the line has of the energy, and of what is left.
    mean_sum, mean_square_sum, deviation
        Sums of the segments' means and their squares, and of squares about these means; dims (neuron).
    """

    def __init__(self, tapers: Tapers, n_neuron: int) -> None:
        self.tapers = tapers
        self.n_segment = np.zeros(n_neuron, np.int64)
        self.share, self.line, self.residual = np.zeros((3, n_neuron, len(tapers.frequency)))
        self.mean_sum, self.mean_square_sum, self.deviation = np.zeros((3, n_neuron))

    def add(self, values: NDArray[np.float32]) -> None:
        """Add a segment.

        Parameters
        ----------
        values
            Dims (time, neuron).
        """
        varies = np.ptp(values, axis=0) >= RESOLUTION  # False for NaN
        part = values[:, varies].T.astype(np.float64)
        mean = part.mean(axis=1)
        centred = part - mean[:, np.newaxis]
        deviation = np.square(centred).sum(axis=1, keepdims=True)
        amplitude, energy = line_amplitude((centred / np.sqrt(deviation)).astype(np.float32), self.tapers)
        line = np.minimum(np.square(np.abs(amplitude)) * np.square(self.tapers.sums).sum(), energy)
        self.n_segment[varies] += 1
        self.share[varies] += np.divide(line, energy, out=np.zeros_like(line), where=energy > 0)
        self.line[varies] += deviation * line
        self.residual[varies] += deviation * (energy - line)
        self.mean_sum[varies] += mean
        self.mean_square_sum[varies] += mean**2
        self.deviation[varies] += deviation[:, 0]

    @property
    def variance(self) -> NDArray[np.float64]:
        """Variance over all tokens of the segments, dims (neuron); NaN without any."""
        n = np.where(self.n_segment > 0, self.n_segment, np.nan)
        between = self.mean_square_sum / n - (self.mean_sum / n) ** 2
        return self.deviation / n / self.tapers.length + np.maximum(between, 0)

    @property
    def line_power(self) -> NDArray[np.float64]:
        r"""Sum over segments of a line's variance, :math:`2 |\hat\mu|^2` less what noise alone would give."""
        noise = self.residual / (self.tapers.n_taper - 1)
        power: NDArray[np.float64] = self.tapers.sides * (self.line - noise) / np.square(self.tapers.sums).sum()
        return power

    @property
    def psd(self) -> NDArray[np.float64]:
        """Power density, one-sided, in squares per cycle per token: it adds up to the variance within segments."""
        n = np.where(self.n_segment > 0, self.n_segment, np.nan)[:, np.newaxis]
        density: NDArray[np.float64] = self.tapers.sides * (self.line + self.residual) / self.tapers.n_taper / n
        return density


def line_amplitude(centred: NDArray[np.float32], tapers: Tapers) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return the complex amplitude of the line that fits best at each frequency, and all energy near it.

    Parameters
    ----------
    centred
        Segments without their mean, dims (neuron, time).
    tapers
        Of their length.

    Returns
    -------
    Two arrays, dims (neuron, frequency).
    """
    energy = np.zeros((len(centred), len(tapers.frequency)))
    amplitude = np.zeros(energy.shape, np.complex128)
    for taper, total in zip(tapers.values, tapers.sums, strict=True):
        found = scipy.fft.rfft(centred * taper, tapers.n_padded, axis=1)
        energy += np.square(found.real) + np.square(found.imag)
        if total:
            amplitude += total * found
    return amplitude / np.square(tapers.sums).sum(), energy
