"""Every statistic again, as a slow and obvious loop over plain numbers."""

import math
from fractions import Fraction


def rounded(value):
    """The value in units of 2**-30."""
    return round(Fraction(float(value)) * 2**30)


def moments(values):
    """Exact sum and sum of squares, in units of 2**-30 and 2**-60."""
    total = squares = 0
    for value in values:
        total += rounded(value)
        squares += rounded(value) ** 2
    return total, squares


def mean(values):
    return float(Fraction(moments(values)[0], 2**30) / len(values)) if len(values) else math.nan


def variance(values):
    """Divisor n - 1."""
    n = len(values)
    if n < 2:
        return math.nan
    total, squares = moments(values)
    return float((Fraction(squares) - Fraction(total * total, n)) / (n - 1) / 2**60)


def bin_of(value, edges):
    """The number of edges that are not above the value."""
    found = 0
    for edge in edges:
        if edge <= value:
            found += 1
    return found


def split(values, label):
    """The values of the target and of the baseline."""
    target = [float(v) for v, g in zip(values, label, strict=True) if g == 1]
    baseline = [float(v) for v, g in zip(values, label, strict=True) if g == 0]
    return target, baseline


def auroc(values, label):
    target, baseline = split(values, label)
    if not target or not baseline:
        return math.nan
    wins = 0.0
    for x in target:
        for y in baseline:
            wins += 1.0 if x > y else 0.5 if x == y else 0.0
    return wins / (len(target) * len(baseline))


def tie_bound(values, label):
    """Half the share of (target, baseline) pairs with equal values."""
    target, baseline = split(values, label)
    ties = 0
    for x in target:
        for y in baseline:
            ties += x == y
    return ties / 2 / (len(target) * len(baseline))


def average_precision(values, label):
    target, baseline = split(values, label)
    if not target or not baseline:
        return math.nan
    score = 0.0
    for threshold in sorted(set(target)):
        n_target = sum(x >= threshold for x in target)
        n_called = n_target + sum(y >= threshold for y in baseline)
        score += target.count(threshold) / len(target) * n_target / n_called
    return score


def mean_difference(values, label):
    target, baseline = split(values, label)
    return mean(target) - mean(baseline)


def d_prime(values, label):
    target, baseline = split(values, label)
    spread = (variance(target) + variance(baseline)) / 2
    return mean_difference(values, label) / math.sqrt(spread) if spread > 0 else math.nan


def sixteenths(bins, label):
    """The sixteenth of the labelled tokens in which the middle token of each token's bin lies."""
    labelled = [b for b, g in zip(bins, label, strict=True) if g != -1]
    coarse = []
    for b in bins:
        middle = sum(x < b for x in labelled) + sum(x == b for x in labelled) / 2
        coarse.append(min(15, math.floor(16 * middle / len(labelled))))
    return coarse


def mutual_information(bins, label):
    """Bits between bins and label."""
    pairs = [(b, g) for b, g in zip(bins, label, strict=True) if g != -1]
    n = len(pairs)
    bits = 0.0
    for b in {b for b, _ in pairs}:
        for g in (0, 1):
            joint = sum(pair == (b, g) for pair in pairs)
            if joint:
                n_bin, n_group = sum(x == b for x, _ in pairs), sum(x == g for _, x in pairs)
                bits += joint / n * math.log2(joint * n / (n_bin * n_group))
    return bits


def eta2(values, position):
    """Bias-corrected share of variance between positions."""
    values = [rounded(v) / 2**30 for v in values]
    groups = [[v for v, p in zip(values, position, strict=True) if p == at] for at in sorted(set(position))]
    within = sum((v - sum(group) / len(group)) ** 2 for group in groups for v in group)
    total = sum((v - sum(values) / len(values)) ** 2 for v in values)
    return 1 - (within / (len(values) - len(groups))) / (total / (len(values) - 1))


def extremes(values, group, n, sign):
    """Places of the largest ``sign * value``: one a group, the first of equal ones; then the best n groups."""
    best = []
    for g in sorted(set(group)):
        places = [t for t in range(len(values)) if group[t] == g]
        best.append(min(places, key=lambda t: (-sign * values[t], t)))
    return sorted(best, key=lambda t: (-sign * values[t], t))[:n]
