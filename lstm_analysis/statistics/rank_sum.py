"""Two groups by ranks: AUROC with ties half, its variance, and tail probabilities that hold with ties and small groups.

The usual normal approximation of the Mann-Whitney test is off by many powers of ten where almost all values are tied
and the groups differ in size (a neuron that is off at nearly every token): one value of 205 that is not tied, in a
group of 5, gets p = 3e-10 instead of 5 / 205. So where the normal approximation gives a small p, it is replaced by the
saddlepoint approximation of the permutation distribution given the ties, and by the exact p at the distribution's end.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

SCREEN = 0.02
"""One-sided normal p from which on it is kept; below it the tail is worked out."""
_STEPS = 60
_TOLERANCE = 1e-10


@compiled
def compare(target: NDArray[np.int64], control: NDArray[np.int64], want_p: bool) -> tuple[float, float, float, float]:
    """Return AUROC, its variance, and the one-sided p that target values tend to be larger, and smaller.

    Parameters
    ----------
    target, control
        Values as integers (so that what is equal at the declared resolution is tied), dims (occurrence).
    want_p
        Whether variance and p are needed; else they are NaN.

    Returns
    -------
    The AUROC is the exact mid-rank one, NaN for an empty group. The variance is that of DeLong, but not below that of
    a single discordant pair, NaN with fewer than two in a group. The p are those of the permutation of the labels
    given all values: within some per cent down to 1e-12 without ties, within a factor of about 4 with many ties.

    References
    ----------
    DeLong et al., Biometrics 44, 1988; Skovgaard, J. Appl. Prob. 24, 1987; Booth & Butler, Biometrika 77, 1990.
    """
    n1, n0 = len(target), len(control)
    if n1 == 0 or n0 == 0:
        return np.nan, np.nan, np.nan, np.nan
    n = n1 + n0
    key = np.empty(n, np.int64)
    key[:n1] = target * 2 + 1
    key[n1:] = control * 2
    key.sort()
    score, size, of_target = np.empty(n), np.empty(n), np.empty(n)
    n_group, first = 0, 0
    below_target, below_control = 0, 0
    wins, square1, square0 = 0.0, 0.0, 0.0
    while first < n:
        stop, t = first, 0
        while stop < n and key[stop] >> 1 == key[first] >> 1:
            t += key[stop] & 1
            stop += 1
        c = stop - first - t
        place1, place0 = (below_control + 0.5 * c) / n0, (below_target + 0.5 * t) / n1
        wins += t * place1
        square1 += t * place1 * place1
        square0 += c * place0 * place0
        score[n_group], size[n_group], of_target[n_group] = first + stop, stop - first, t
        below_target += t
        below_control += c
        n_group += 1
        first = stop
    auroc = wins / n1
    if not want_p:
        return auroc, np.nan, np.nan, np.nan
    variance = np.nan
    if n1 > 1 and n0 > 1:
        # place0 counts target values below a control value, so its mean is 1 - auroc
        spread1 = max(0.0, square1 - n1 * auroc * auroc) / (n1 - 1)
        spread0 = max(0.0, square0 - n0 * (1 - auroc) * (1 - auroc)) / (n0 - 1)
        variance = max(spread1 / n1 + spread0 / n0, smallest_variance(n1, n0))
    score, size, of_target = score[:n_group], size[:n_group], of_target[:n_group]
    above = upper_tail(score, size, of_target)
    below = upper_tail(2.0 * n - score[::-1].copy(), size[::-1].copy(), of_target[::-1].copy())
    return auroc, variance, above, below


@compiled
def smallest_variance(n_target: float, n_control: float) -> float:
    """Return the variance that DeLong's estimate has where a single pair is discordant."""
    return 2.0 / (n_target * n_control) ** 2


@compiled
def upper_tail(score: NDArray[np.float64], size: NDArray[np.float64], of_target: NDArray[np.float64]) -> float:
    """Return P(sum of the target's scores >= the observed sum) when the labels are permuted.

    Parameters
    ----------
    score
        Twice the mid-rank of each group of tied values, ascending, dims (group).
    size, of_target
        Values in the group, and how many of them are the target's, dims (group).
    """
    n, n1 = size.sum(), of_target.sum()
    observed = (score * of_target).sum()
    mean = (score * size).sum() / n
    variance = n1 * (n - n1) / (n * (n - 1)) * (size * (score - mean) ** 2).sum()
    if variance <= 0:
        return 1.0
    step = _smallest_distance(score)
    z = (observed - n1 * mean - 0.5 * step) / math.sqrt(variance)
    p_normal = 0.5 * math.erfc(z / math.sqrt(2.0))
    if p_normal > SCREEN:
        return p_normal
    left = n1
    for g in range(len(size) - 1, -1, -1):
        taken = min(left, size[g])
        if taken != of_target[g]:
            break
        left -= taken
        if left == 0:
            return math.exp(_log_choose(size[g], taken) - _log_choose(n, n1))
    return _saddlepoint_tail((score - mean) / n, size, of_target, step / n)


@compiled
def _smallest_distance(score: NDArray[np.float64]) -> float:
    """Return the smallest distance between two scores."""
    step = float(score[-1] - score[0])
    for g in range(1, len(score)):
        step = min(step, float(score[g] - score[g - 1]))
    return step


@compiled
def _log_choose(n: float, k: float) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@compiled
def _saddlepoint_tail(
    score: NDArray[np.float64], size: NDArray[np.float64], of_target: NDArray[np.float64], step: float
) -> float:
    """Return the tail by Skovgaard's double saddlepoint with the second continuity correction; 1 if it is not found.

    The target's scores are summed over independent draws of each value with odds tilted by exp(s + t * score), given
    that as many are drawn as there are targets; scores are centred.
    """
    n, n1 = size.sum(), of_target.sum()
    total, share = (score * of_target).sum() - 0.5 * step, n1 / n
    logit = math.log(share / (1 - share))
    s, t, best, found = 0.0, 0.0, 0.0, False
    h00, h01, h11 = 0.0, 0.0, 0.0
    for _ in range(_STEPS):
        d0, d1, h00, h01, h11 = n1, total, 0.0, 0.0, 0.0
        for g in range(len(score)):
            p = 1 / (1 + math.exp(-(logit + s + t * score[g])))
            d0, d1 = d0 - size[g] * p, d1 - size[g] * p * score[g]
            curve = size[g] * p * (1 - p)
            h00, h01, h11 = h00 + curve, h01 + curve * score[g], h11 + curve * score[g] * score[g]
        determinant = h00 * h11 - h01 * h01
        if determinant <= 0:
            break
        move_s, move_t = (h11 * d0 - h01 * d1) / determinant, (h00 * d1 - h01 * d0) / determinant
        if d0 * move_s + d1 * move_t < _TOLERANCE:
            found = True
            break
        while abs(move_s) + abs(move_t) > 1e-12:
            value = _exponent(score, size, n1, total, share, s + move_s, t + move_t)
            if value >= best:
                s, t, best = s + move_s, t + move_t, value
                break
            move_s, move_t = move_s / 2, move_t / 2
    if not found or t <= 0:
        return 1.0
    w = math.sqrt(2 * best)
    u = 2 / step * math.sinh(t * step / 2) * math.sqrt((h00 * h11 - h01 * h01) / (n * share * (1 - share)))
    density = math.exp(-best) / math.sqrt(2 * math.pi)
    return min(1.0, max(0.0, 0.5 * math.erfc(w / math.sqrt(2.0)) + density * (1 / u - 1 / w)))


@compiled
def _exponent(
    score: NDArray[np.float64], size: NDArray[np.float64], n1: float, total: float, share: float, s: float, t: float
) -> float:
    """Return s * n1 + t * total less the cumulant function of the independent draws."""
    value = s * n1 + t * total
    for g in range(len(score)):
        x = s + t * score[g]
        if x > 0:
            value -= size[g] * (x + math.log(share + (1 - share) * math.exp(-x)))
        else:
            value -= size[g] * math.log(1 - share + share * math.exp(x))
    return value
