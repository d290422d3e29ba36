"""AUROC against scikit-learn, its variance against placements, its tails against all permutations."""

import math
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from lstm_analysis.statistics.rank_sum import SCREEN, compare


def groups(rng, kind):
    """Return two groups of whole numbers: without ties, with a few values, or mostly one value."""
    a = rng.normal(rng.choice([0, 1, 2, 3]), 1, rng.integers(4, 14))
    b = rng.normal(0, 1, rng.integers(4, 50))
    if kind == "few values":
        a, b = np.maximum(np.round(a), 1), np.maximum(np.round(b), 1)
    if kind == "mostly off":
        a, b = np.where(rng.random(a.size) < 0.4, 0, a), np.where(rng.random(b.size) < 0.9, 0, b)
    return (np.round(x * 1000).astype(np.int64) for x in (a, b))


def exact_tail(target, control):
    """Return P(rank sum >= observed) over all ways to choose the target, by counting group after group of ties."""
    _, group, size = np.unique(np.concatenate([target, control]), return_inverse=True, return_counts=True)
    score = 2 * np.cumsum(size) - size + 1
    ways = {(0, 0): 1}
    for c, s in zip(size.tolist(), score.tolist(), strict=True):
        grown = defaultdict(int)
        for (k, total), n in ways.items():
            for j in range(min(c, len(target) - k) + 1):
                grown[k + j, total + j * s] += n * math.comb(c, j)
        ways = grown
    observed = score[group[: len(target)]].sum()
    reached = sum(n for (k, total), n in ways.items() if k == len(target) and total >= observed)
    return reached / math.comb(len(group), len(target))


KINDS = ("no ties", "few values", "mostly off")


@pytest.mark.parametrize("kind", KINDS)
def test_auroc_is_that_of_scikit_learn(kind):
    rng = np.random.default_rng(0)
    for _ in range(30):
        target, control = groups(rng, kind)
        label = np.repeat([1, 0], [target.size, control.size])
        wanted = roc_auc_score(label, np.concatenate([target, control]))
        assert compare(target, control, False)[0] == pytest.approx(wanted, abs=1e-12)
        assert compare(target, control, True)[0] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_variance_is_that_of_the_placements(kind):
    rng = np.random.default_rng(1)
    for _ in range(30):
        target, control = groups(rng, kind)
        wins = (target[:, np.newaxis] > control) + 0.5 * (target[:, np.newaxis] == control)
        wanted = wins.mean(axis=1).var(ddof=1) / target.size + wins.mean(axis=0).var(ddof=1) / control.size
        floor = 2 / (target.size * control.size) ** 2
        assert compare(target, control, True)[1] == pytest.approx(max(wanted, floor), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_tails_are_those_of_all_permutations(kind):
    rng, ratios = np.random.default_rng(2), []
    for _ in range(25 if kind == "no ties" else 100):
        target, control = groups(rng, kind)
        _, _, above, below = compare(target, control, True)
        for found, exact in ((above, exact_tail(target, control)), (below, exact_tail(-target, -control))):
            if found > SCREEN:
                assert exact > SCREEN / 4
            else:
                ratios.append(found / exact)
    low, high = (0.75, 1.2) if kind == "no ties" else (0.2, 8)
    assert len(ratios) > 10
    assert low < min(ratios) <= max(ratios) < high
    assert np.median(ratios) == pytest.approx(1, abs=0.15)


def test_one_value_that_is_not_tied_proves_little():
    target, control = np.zeros(5, np.int64), np.zeros(200, np.int64)
    target[0] = 7
    assert compare(target, control, True)[2] == pytest.approx(5 / 205)
    assert stats.mannwhitneyu(target, control, alternative="greater", method="asymptotic").pvalue < 1e-8


def test_perfect_separation_has_the_probability_of_the_end():
    target, control = np.arange(10, 15), np.arange(10)
    assert compare(target, control, True)[2:] == (pytest.approx(1 / math.comb(15, 5)), pytest.approx(1, abs=0.01))


def test_undefined():
    none, some = np.empty(0, np.int64), np.arange(3)
    assert np.isnan(compare(none, some, True)).all()
    assert np.isnan(compare(some, none, True)).all()
    auroc, variance, above, below = compare(np.zeros(3, np.int64), np.zeros(4, np.int64), True)
    assert (auroc, above, below) == (0.5, 1, 1)
    assert variance > 0
    assert np.isnan(compare(np.array([1]), some, True)[1])


@pytest.mark.slow
@pytest.mark.parametrize("share_on", [1.0, 0.1])
def test_tails_keep_their_size_far_out(share_on):
    """Where nothing differs, p <= a comes about a times, down to 1e-3, with and without ties."""
    rng = np.random.default_rng(3)
    n, p = 30000, []
    for _ in range(n):
        values = np.where(rng.random(72) < share_on, rng.integers(1, 10**6, 72), 0)
        p.append(compare(values[:12], values[12:], True)[2])
    for a in (0.02, 0.005, 0.001):
        assert np.mean(np.array(p) <= a) < 1.1 * a + 3 * np.sqrt(a / n)
