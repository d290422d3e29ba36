"""How often the intervals hold the truth, on tokens that come in documents; and what DeLong's interval does there."""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from lstm_analysis.statistics.block_jackknife import BlockJackknife
from lstm_analysis.statistics.jackknife_blocks import jackknife_blocks

N_BIN = 256


def corpus(rng, n_document, length, share, effect, n_neuron=10):
    """Documents have levels, effects and frequencies of their own."""
    lengths = rng.integers(length // 2, length * 3 // 2 + 1, n_document)
    document = np.repeat(np.arange(n_document), lengths)
    rate = 1 / (1 + np.exp(-(np.log(share / (1 - share)) + rng.normal(size=n_document))))
    label = (rng.random(len(document)) < rate[document]).astype(np.int8)
    level = np.sqrt(0.3) * rng.normal(size=(n_document, n_neuron))
    gain = effect + 0.5 * rng.normal(size=(n_document, n_neuron))
    values = (
        level[document] + np.sqrt(0.7) * rng.normal(size=(len(document), n_neuron)) + label[:, None] * gain[document]
    )
    return document, label, values.astype(np.float32)


def placements(values, label):
    """Of the targets among the baseline, and of the baseline among the targets."""
    target, baseline = np.sort(values[label == 1]), np.sort(values[label == 0])
    return (
        np.searchsorted(baseline, target) / len(baseline),
        1 - np.searchsorted(target, baseline) / len(target),
    )


def scores(values, label):
    target, baseline = values[label == 1].astype(float), values[label == 0].astype(float)
    difference = target.mean(axis=0) - baseline.mean(axis=0)
    deviation = np.sqrt((target.var(axis=0, ddof=1) + baseline.var(axis=0, ddof=1)) / 2)
    auroc = np.array([placements(column, label)[0].mean() for column in values.T])
    return auroc[None], (difference / deviation)[None], difference[None]


@cache
def truth(*options):
    """The scores of a corpus of very many documents."""
    rng = np.random.default_rng(99)
    n_document, *rest = options
    parts = [corpus(rng, n_document, *rest, n_neuron=1) for _ in range(1_500_000 // (n_document * rest[0]))]
    values, label = (np.concatenate([part[i] for part in parts]) for i in (2, 1))
    return [score.item() for score in scores(values, label)]


def intervals(document, label, values):
    """Block jackknife of auroc, d' and mean difference; then DeLong's of auroc; each (low, high)."""
    edges = np.quantile(values, np.arange(1, N_BIN) / N_BIN, axis=0)
    bins = np.stack([np.searchsorted(e, v, "right") for e, v in zip(edges.T, values.T, strict=True)], axis=1)
    bins, start = bins.astype(np.uint8), np.searchsorted(document, np.arange(document[-1] + 1))
    block = jackknife_blocks(start, len(document))
    histogram = [[np.bincount(column[label == g], minlength=N_BIN) for column in bins.T] for g in (0, 1)]
    jackknife, edge = BlockJackknife(np.array([histogram]), int(block[-1]) + 1), [*start, len(document)]
    for d, b in enumerate(block):
        rows = slice(edge[d], edge[d + 1])
        jackknife.add(int(b), bins[rows], values[rows], label[rows, None])
    score = scores(values, label)
    found = jackknife.finish(*score)
    variance = [sum(v.var(ddof=1) / len(v) for v in placements(column, label)) for column in values.T]
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    return [
        (found.auroc_low, found.auroc_high),
        (found.d_prime_low, found.d_prime_high),
        (found.mean_difference_low, found.mean_difference_high),
        (score[0] - half, score[0] + half),
    ]


def coverage(n_repeat, *options):
    auroc, sensitivity, difference = truth(*options)
    held = np.zeros((4, n_repeat))
    for repeat in range(n_repeat):
        found = intervals(*corpus(np.random.default_rng([1, repeat]), *options))
        for i, (value, (low, high)) in enumerate(zip((auroc, sensitivity, difference, auroc), found, strict=True)):
            held[i, repeat] = ((low <= value) & (value <= high)).mean()
    return held.mean(axis=1)


def test_intervals_hold_the_truth_where_delongs_do_not():
    *ours, delong = coverage(40, 100, 100, 0.1, 0.5)
    assert min(ours) >= 0.91
    assert max(ours) <= 0.98
    assert delong < 0.71


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "worst"),
    [
        pytest.param((100, 100, 0.1, 2.4), 0.92, id="auroc of .95"),
        pytest.param((200, 50, 0.005, 0.5), 0.92, id="75 targets"),
        pytest.param((200, 50, 0.002, 2.4), 0.92, id="35 targets, auroc of .95"),
        pytest.param((20, 200, 0.1, 0.5), 0.92, id="20 documents"),
        pytest.param((10, 200, 0.05, 0.5), 0.92, id="10 documents"),
        pytest.param((100, 100, 0.02, 4.5), 0.88, id="auroc of .999"),
    ],
)
def test_intervals_hold_the_truth_near_the_end_and_for_rare_targets(options, worst):
    ours = coverage(80, *options)[:3]
    assert min(ours) >= worst
    assert max(ours) <= 0.98
