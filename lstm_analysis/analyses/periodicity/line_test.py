r"""What the segments say together: F, p and size of a line at each frequency, and which line is a neuron's own.

Each segment is scaled to its own energy near the frequency before segments are pooled: with :math:`\bar R` the mean of
the S shares R (see `multitaper`),

.. math:: F = (K - 1) \frac{\bar R}{1 - \bar R} \sim F(2a, 2a(K - 1)), \qquad a = S + (S - 1) / K

and at 1/2, where coefficients are real, :math:`a = (S (K / 2 + 1) - 1) / K`. The degrees of freedom give
:math:`\bar R` its true mean and variance; for one segment the test is Thomson's. The ratio of the sums of line and
residual, with F(2S, 2S(K - 1)), is not taken: where segments differ in variance (lognormal, sigma 1.2) a few of them
decide, and it calls 1.00 of AR(1) noise. Scaled, the test calls .04 there as elsewhere (rho 0 to .99), and a passage
that repeats itself in one document can count as one segment at most.
"""

from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

from .multitaper import LineSums, Tapers

MIN_FRACTION = 0.01
"""Share of the variance that a line must have."""


@dataclass(frozen=True)
class LineTests:
    """The tests of some neurons, dims (neuron, frequency); NaN where a frequency is not tested, or a neuron cannot be.

    Parameters
    ----------
    f_stat, p_value
        The pooled F, and its p for this frequency and neuron alone.
    fraction
        Share of the variance that the line has; by chance around 0, of either sign.
    band_share
        Mean of R.
    """

    f_stat: NDArray[np.float64]
    p_value: NDArray[np.float64]
    fraction: NDArray[np.float64]
    band_share: NDArray[np.float64]


def line_tests(sums: LineSums, variance: NDArray[np.float64] | None = None, n_fewest: int = 1) -> LineTests:
    """Return the tests of the neurons.

    Parameters
    ----------
    sums
        The segments.
    variance
        What ``fraction`` is a share of, summed over segments; by default that of ``sums``.
    n_fewest
        Neurons that vary in fewer segments are not tested.
    """
    tapers = sums.tapers
    n = np.where(sums.n_segment >= n_fewest, sums.n_segment, np.nan)[:, np.newaxis]
    mean = np.where(tapers.is_tested, sums.share / n, np.nan)
    with np.errstate(divide="ignore"):  # a line without any noise
        f_stat = (tapers.n_taper - 1) * mean / (1 - mean)
    whole = n * sums.variance[:, np.newaxis] if variance is None else variance[:, np.newaxis]
    fraction = np.where(np.isnan(mean), np.nan, sums.line_power / whole)
    return LineTests(f_stat, pooled_p(mean, n, tapers), fraction, mean)


def pooled_p(mean: NDArray[np.float64], n_segment: NDArray[np.float64], tapers: Tapers) -> NDArray[np.float64]:
    """Return P(F or more) from the mean share, dims (neuron, frequency), in its equal form as a beta distribution."""
    k = tapers.n_taper
    a = np.where(tapers.frequency == 0.5, (n_segment * (k / 2 + 1) - 1) / k, n_segment + (n_segment - 1) / k)
    p: NDArray[np.float64] = scipy.special.betainc(a * (k - 1), a, 1 - mean)
    return p


def significant(tests: LineTests, tapers: Tapers, n_neuron: int, alpha: float) -> NDArray[np.bool_]:
    """Return where a line is significant over all frequencies and neurons (Bonferroni) and large enough.

    Parameters
    ----------
    tests, tapers
        The tests.
    n_neuron
        Neurons of the model.
    alpha
        Level.
    """
    n_test = n_neuron * int(tapers.is_tested.sum())
    return (tests.p_value * n_test <= alpha) & (tests.fraction >= MIN_FRACTION)


def own_line(tests: LineTests, found: NDArray[np.bool_], tapers: Tapers) -> NDArray[np.int64]:
    """Return each neuron's line, an index into the frequencies; -1 where it is not tested.

    Of the lines found, of the sharp ones if there are any, it is the strongest, or a lower one of
    which that is a multiple, for a sharp rhythm has lines at all multiples of its frequency; without any it is the one
    with the largest F.
    """
    chosen = np.full(len(found), -1, np.int64)
    for i in np.flatnonzero(np.isfinite(tests.band_share).any(axis=1)):
        if not found[i].any():
            chosen[i] = np.nanargmax(tests.f_stat[i])
            continue
        sharp = found[i] & (tests.band_share[i] >= tapers.fewest_share)
        lines = np.flatnonzero(sharp if sharp.any() else found[i])
        strongest = lines[np.argmax(tests.fraction[i, lines])]
        low = tapers.frequency[lines]
        multiple = np.round(tapers.frequency[strongest] / low)
        away = np.abs(multiple * low - tapers.frequency[strongest])
        fits = lines[away <= np.minimum((multiple + 1) / (4 * tapers.length), low / 4)]
        beside = tapers.frequency[fits] <= tapers.frequency[fits[0]] + 1 / tapers.length
        below = fits[beside]  # a line is found at the frequencies beside it, too
        chosen[i] = below[np.argmax(tests.fraction[i, below])]
    return chosen


def refine(power: NDArray[np.float64], index: int, tapers: Tapers) -> tuple[float, float]:
    """Return the frequency of a line between those tested, and its power relative to that at the nearest.

    A parabola through the energies at three frequencies has its top there.

    Parameters
    ----------
    power
        Energy of the fitted line, dims (frequency).
    index
        Where the line was found, above 0; -1 for none, whose frequency is NaN.
    tapers
        Of the segments.
    """
    if index < 0:
        return np.nan, np.nan
    if index == len(power) - 1:
        return float(tapers.frequency[index]), 1.0
    before, here, after = power[index - 1 : index + 2].tolist()
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    shift = max(-0.5, min(0.5, shift))
    top = here - 0.25 * (before - after) * shift
    return float(tapers.frequency[index] + shift * tapers.frequency[1]), top / here
