"""Every statistic of types again, as a slow and obvious loop."""

import itertools

import numpy as np


def others_of(matching, i):
    """The types that member ``i`` is held against."""
    return [j for j, s in enumerate(matching.stratum) if s == matching.stratum[i] and not matching.member[j]]


def smd(effect, matching, members):
    """Mean over members of effect minus the mean of the others of its stratum."""
    return np.mean([effect[i] - np.mean([effect[j] for j in others_of(matching, i)]) for i in members])


def auroc(effect, matching, members):
    wins = []
    for i in members:
        others = others_of(matching, i)
        wins.append(sum(1.0 if effect[i] > effect[j] else 0.5 if effect[i] == effect[j] else 0 for j in others))
        wins[-1] /= len(others)
    return np.mean(wins)


def breadth(effect, matching, members):
    """Members beyond the percentile of the others, each stratum's others weighing as much as its members."""
    if smd(effect, matching, members) < 0:
        effect = -effect
    others = [j for j, s in enumerate(matching.stratum) if s >= 0 and not matching.member[j]]
    same = [np.sum(matching.stratum[members] == matching.stratum[j]) for j in others]
    weight = [n / len(others_of(matching, j)) for j, n in zip(others, same, strict=True)]
    # A little less than .95, so that an exact .95 is not lost to round-off.
    limit = np.quantile(effect[others], 0.95 - 1e-9, weights=weight, method="inverted_cdf")
    return np.mean(effect[members] > limit)


def categories(matching):
    """Every category with as many members in each stratum as this one has."""
    parts = []
    for code in range(matching.stratum.max() + 1):
        inside = np.flatnonzero(matching.stratum == code)
        parts.append(list(itertools.combinations(inside, int(matching.member[inside].sum()))))
    return [list(itertools.chain(*choice)) for choice in itertools.product(*parts)]


def differences(effect, matching):
    """The difference that every possible category makes."""
    found = []
    for members in categories(matching):
        member = np.zeros(len(effect), bool)
        member[members] = True
        n, total = member.sum(), 0.0
        for code in range(matching.stratum.max() + 1):
            inside = matching.stratum == code
            step = effect[inside & member].mean() - effect[inside & ~member].mean()
            total += (inside & member).sum() / n * step
        found.append(total)
    return np.array(found)
