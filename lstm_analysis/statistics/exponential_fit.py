r"""An exponential approach to a level, fitted to tuning curves of many neurons at once.

A leaky integrator that was reset before position 0 has the value :math:`b + A (1 - e^{-p / \tau})` at position p. For
a given tau the model is linear in b and A, so only tau is searched for (variable projection): on a grid common to all
neurons, where it is one matrix product, and then between the grid's neighbours of the best tau of each neuron.

References
----------
Golub, G. H., Pereyra, V. (1973). The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate. SIAM Journal on Numerical Analysis 10, 413-432.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jackknife_interval import jackknife_interval, standard_error

Floats = NDArray[np.float64]

IDENTIFIED, TOO_FEW, CONSTANT, FLAT, FAST, SLOW, UNSTABLE = range(7)
REASONS = (
    "identified",
    "fewer than 4 positions with tokens",
    "constant",
    "no more curve than its noise gives",
    "over within a token",
    "no end in sight within the sentence",
    "identified, but not without some block of documents: no interval",
)
"""Why there is no tau (1 to 5) or no interval (6), by the code in ``reason``."""
FASTEST = 0.25
"""Smallest tau of the grid: nothing faster can be told apart, 98 % of the change lie between positions 0 and 1."""
SLOWEST = 8
"""Largest tau of the grid, in last positions: the curve bends by 6 % of its rise there, which a line fits as well."""
FLAT_Z = 3.0
"""An amplitude of fewer standard errors is a flat curve's. Less than two would pass at one given tau; over the grid of
tau, 1 % of the neurons that ignore the position reach 3."""
_N_GRID, _N_STEP, _MIN_POSITION = 72, 34, 4
_GOLDEN = (5**0.5 - 1) / 2
_SPAN = 1e-9


class ExponentialFit(NamedTuple):
    """Parameters of b + A (1 - exp(-p / tau)), each (replicate, neuron); NaN where ``reason`` is not 0.

    Parameters
    ----------
    baseline
        b: value at position 0, in units of the curve.
    amplitude
        A: rise from there to the level that is approached (negative: fall).
    tau
        Tokens in which the distance to that level shrinks to 1/e.
    r2
        Share of the curve's variance over positions, weighted by tokens, that the model has.
    reason
        One of `REASONS`, int8.
    """

    baseline: Floats
    amplitude: Floats
    tau: Floats
    r2: Floats
    reason: NDArray[np.int8]


class FitInterval(NamedTuple):
    """The fit of all tokens, dims (neuron), and the ends of its intervals; ``reason`` is the same in all three."""

    fit: ExponentialFit
    low: ExponentialFit
    high: ExponentialFit


def fit_exponential(curve: Floats, weight: Floats) -> ExponentialFit:
    """Fit the model to each curve by weighted least squares.

    Parameters
    ----------
    curve
        Values at positions 0, 1, 2 ..., dims (replicate, position, neuron). NaN where there is no token.
    weight
        Tokens at each position, dims (replicate, position); a position without a token has none.

    Returns
    -------
    Dims (replicate, neuron).

    Examples
    --------
    >>> position = np.arange(30.0)
    >>> curve = 0.1 + 0.6 * (1 - np.exp(-position / 5))
    >>> fit = fit_exponential(curve[None, :, None], np.ones((1, 30)))
    >>> [round(float(part[0, 0]), 4) for part in fit[:4]]
    [0.1, 0.6, 5.0, 1.0]
    """
    parts = [_fit_one(values, tokens) for values, tokens in zip(curve, weight, strict=True)]
    baseline, amplitude, tau, r2 = np.stack([part[0] for part in parts], axis=1)
    return ExponentialFit(baseline, amplitude, tau, r2, np.stack([part[1] for part in parts]))


def fit_with_interval(curve: Floats, weight: Floats, level: float = 0.95) -> FitInterval:
    """Fit the curve of all tokens, with intervals from the curves that each leave one block of documents out.

    Intervals are made on the log of tau, the logit of r2 and on the baseline and amplitude themselves. A curve whose
    amplitude, at the tau found, has fewer than `FLAT_Z` standard errors is flat and has no tau.

    Parameters
    ----------
    curve, weight
        As in `fit_exponential`; the first replicate is that of all tokens, the others leave one block out.
    level
        Coverage of the intervals.
    """
    found = fit_exponential(curve, weight)
    reason = found.reason[0].copy()
    identified = np.flatnonzero(reason == IDENTIFIED)
    if len(curve) > 2 and len(identified):
        at_tau = _amplitudes(curve[:, :, identified], weight, found.tau[0, identified])
        error = standard_error(at_tau[1:])
        reason[identified[np.abs(at_tau[0]) < FLAT_Z * error]] = FLAT
    kept = reason == IDENTIFIED
    unstable = (found.reason[1:] != IDENTIFIED).any(axis=0) | (len(curve) < 3)
    reason[kept & unstable] = UNSTABLE
    parts = []
    for name, (there, back) in _SCALES.items():
        values = np.where(kept, getattr(found, name), np.nan)
        low, high = jackknife_interval(there(values[0]), there(values[1:]), level)
        parts.append((values[0], back(low), back(high)))
    return FitInterval(*(ExponentialFit(b, a, tau, r2, reason) for b, a, tau, r2 in zip(*parts, strict=True)))


def _fit_one(curve: Floats, weight: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Return baseline, amplitude, tau and r2 of the curves (position, neuron) of one replicate, and the reasons."""
    n_neuron = curve.shape[1]
    results = np.full((4, n_neuron), np.nan)
    used = weight > 0
    if used.sum() < _MIN_POSITION:
        return results, np.full(n_neuron, TOO_FEW, np.int8)
    position, share, values = np.flatnonzero(used).astype(float), weight[used] / weight[used].sum(), curve[used]
    mean = share @ values
    centred = values - mean
    total = share @ centred**2
    varies = np.isfinite(total) & (np.ptp(values, axis=0) > _SPAN)
    reason = np.where(varies, IDENTIFIED, CONSTANT).astype(np.int8)
    at = np.flatnonzero(varies)
    if len(at):
        tau, reason[at] = _search(position, share, centred[:, at])
        slope, explained = _project(position, share, centred[:, at], tau)
        start = mean[at] - slope * (share @ (1 - np.exp(-position[:, None] / tau)))
        for part, value in zip(results, (start, slope, tau, explained / total[at]), strict=True):
            part[at] = np.where(reason[at] == IDENTIFIED, value, np.nan)
    return results, reason


def _search(position: Floats, share: Floats, centred: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Return the tau of each neuron that explains most, and whether it lies inside the grid."""
    grid = np.geomspace(FASTEST, SLOWEST * position[-1], _N_GRID)
    rise = -np.exp(-position / grid[:, None])
    rise -= (rise @ share)[:, None]
    unit = rise * (share / np.sqrt(rise**2 @ share)[:, None])
    best = ((unit @ centred) ** 2).argmax(axis=0)
    reason = np.select([best == 0, best == _N_GRID - 1], [FAST, SLOW], IDENTIFIED).astype(np.int8)
    inside = best.clip(1, _N_GRID - 2)
    low, high = np.log(grid[inside - 1]), np.log(grid[inside + 1])
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = (_project(position, share, centred, np.exp(at))[1] for at in (left, right))
    for _ in range(_N_STEP):
        go_left = at_left > at_right
        low, high = np.where(go_left, low, left), np.where(go_left, right, high)
        new = np.where(go_left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_new = _project(position, share, centred, np.exp(new))[1]
        left, right = np.where(go_left, new, right), np.where(go_left, left, new)
        at_left, at_right = np.where(go_left, at_new, at_right), np.where(go_left, at_left, at_new)
    return np.exp((low + high) / 2), reason


def _project(position: Floats, share: Floats, centred: Floats, tau: Floats) -> tuple[Floats, Floats]:
    """Return the amplitude of each neuron at its own tau, and the weighted variance that it explains."""
    rise = -np.exp(-position[:, None] / tau)
    rise -= share @ rise
    power = share @ rise**2
    slope: Floats = (share @ (rise * centred)) / power
    return slope, slope**2 * power


def _amplitudes(curve: Floats, weight: Floats, tau: Floats) -> Floats:
    """Return the amplitude of every replicate at a tau given for each neuron, dims (replicate, neuron)."""
    amplitude = np.empty((len(curve), len(tau)))
    for k, (values, tokens) in enumerate(zip(curve, weight, strict=True)):
        used = tokens > 0
        share = tokens[used] / tokens[used].sum()
        centred = values[used] - share @ values[used]
        amplitude[k] = _project(np.flatnonzero(used).astype(float), share, centred, tau)[0]
    return amplitude


def _same(value: Floats) -> Floats:
    return value


def _logit(share: Floats) -> Floats:
    inside = np.clip(share, 1e-15, 1 - 1e-15)
    result: Floats = np.log(inside) - np.log1p(-inside)
    return result


def _share(logit: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-logit))
    return result


_SCALES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "baseline": (_same, _same), "amplitude": (_same, _same), "tau": (np.log, np.exp), "r2": (_logit, _share)
}  # fmt: skip
