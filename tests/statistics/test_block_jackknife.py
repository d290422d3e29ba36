"""Intervals by leaving out blocks: against a slow loop on scikit-learn, Obuchowski's variance, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from lstm_analysis.errors import UserError
from lstm_analysis.statistics.block_jackknife import BlockJackknife
from lstm_analysis.statistics.jackknife_blocks import jackknife_blocks

N_BIN = 40


def histograms(bins, label):
    """Dims (concept, group, neuron, bin)."""
    counts = [[[np.bincount(x[c == g], minlength=N_BIN) for x in bins.T] for g in (0, 1)] for c in label.T]
    return np.array(counts)


def sensitivity(values, label):
    target, baseline = values[label == 1].astype(float), values[label == 0].astype(float)
    difference = target.mean() - baseline.mean()
    deviation = np.sqrt((target.var(ddof=1) + baseline.var(ddof=1)) / 2)
    return difference / deviation if deviation > 0 else np.nan, difference


def scores(bins, values, label):
    """AUROC, d' and difference of means of each concept and neuron, dims (score, concept, neuron)."""
    found = np.full((3, label.shape[1], bins.shape[1]), np.nan)
    for k, c in enumerate(label.T):
        for j in range(bins.shape[1]):
            if (c == 1).sum() > 1 and (c == 0).sum() > 1 and np.ptp(bins[:, j]) > 0:
                found[0, k, j] = roc_auc_score(c[c >= 0], bins[c >= 0, j])
                found[1:, k, j] = sensitivity(values[:, j], c)
    return found


def corpus(seed=0, n_token=600, n_block=12, n_neuron=2):
    """Three concepts: about half, few, and nearly all tokens are targets."""
    rng = np.random.default_rng(seed)
    block = np.sort(rng.integers(0, n_block, n_token))
    shares = [(0.2, 0.4, 0.4), (0, 0.9, 0.1), (0.02, 0.03, 0.95)]
    label = np.stack([rng.choice([-1, 0, 1], n_token, p=p) for p in shares], axis=1).astype(np.int8)
    level = rng.normal(size=(n_block, n_neuron))[block]
    values = (level + rng.normal(size=level.shape) + 0.7 * (label[:, :1] == 1)).astype(np.float32)
    bins = np.clip((values + 4) * 5, 0, N_BIN - 1).astype(np.uint8)
    return block, bins, values, label


def jackknife(block, bins, values, label, n_part=1, n_block=None):
    found = BlockJackknife(histograms(bins, label), n_block or int(block.max()) + 1)
    for b in np.unique(block):
        for rows in np.array_split(np.flatnonzero(block == b), n_part):
            found.add(int(b), bins[rows], values[rows], label[rows])
    return found.finish(*scores(bins, values, label))


def slow_interval(block, bins, values, label):
    """The intervals of one neuron and one concept, by scoring all but one block again and again."""
    used = [b for b in np.unique(block) if (label[block == b] >= 0).any()]
    sizes = np.array([[((block == b) & (label == g)).sum() for b in used] for g in (0, 1)], dtype=float)
    n, edge = len(used), 0.5 / np.prod(sizes.sum(axis=1))

    def logit(auroc):
        auroc = np.clip(auroc, edge, 1 - edge)
        return np.log(auroc / (1 - auroc))

    def all_scores(rows):
        auroc = roc_auc_score(label[rows], bins[rows])
        return np.array([logit(auroc), *sensitivity(values[rows], label[rows])])

    known = label >= 0
    whole, rest = all_scores(known), np.array([all_scores(known & (block != b)) for b in used])
    error = np.sqrt((n - 1) / n * ((rest - rest.mean(axis=0)) ** 2).sum(axis=0))
    freedom = (sizes.sum(axis=1) ** 2 / (sizes**2).sum(axis=1)).min() - 1
    centre = whole - [(n - 1) * (rest.mean(axis=0) - whole)[0], 0, 0]
    half = stats.t.ppf(0.975, freedom) * error
    low, high = centre - half, centre + half
    low[0], high[0] = 1 / (1 + np.exp(-low[0])), 1 / (1 + np.exp(-high[0]))
    return low, high


@pytest.mark.parametrize("n_part", [1, 3])
def test_it_equals_scoring_all_but_one_block_again(n_part):
    block, bins, values, label = corpus()
    found = jackknife(block, bins, values, label, n_part)
    for k in range(3):
        for j in range(2):
            low, high = slow_interval(block, bins[:, j], values[:, j], label[:, k])
            names = ("auroc", "d_prime", "mean_difference")
            assert [getattr(found, f"{name}_low")[k, j] for name in names] == pytest.approx(low, rel=1e-7)
            assert [getattr(found, f"{name}_high")[k, j] for name in names] == pytest.approx(high, rel=1e-7)


def obuchowski_variance(block, values, label):
    """Variance of an AUROC over clusters, from the placements of the tokens."""
    target, baseline = values[label == 1], values[label == 0]
    v10 = np.array([(baseline < x).mean() + (baseline == x).mean() / 2 for x in target])
    v01 = np.array([(target > x).mean() + (target == x).mean() / 2 for x in baseline])
    auroc, parts = v10.mean(), []
    for b in np.unique(block):
        a, c = v10[block[label == 1] == b], v01[block[label == 0] == b]
        parts.append(((a - auroc).sum() / len(v10), (c - auroc).sum() / len(v01)))
    n = len(parts)
    return n / (n - 1) * (np.array(parts).sum(axis=1) ** 2).sum()


def test_its_variance_is_near_obuchowskis():
    block, bins, values, label = corpus(n_token=4000, n_block=60)
    found = jackknife(block, bins, values, label)
    sizes = np.array([[((block == b) & (label[:, 0] == g)).sum() for b in range(60)] for g in (0, 1)], dtype=float)
    quantile = stats.t.ppf(0.975, (sizes.sum(axis=1) ** 2 / (sizes**2).sum(axis=1)).min() - 1)
    for j in range(2):
        low, high = found.auroc_low[0, j], found.auroc_high[0, j]
        width = np.log(high / (1 - high)) - np.log(low / (1 - low))
        auroc = roc_auc_score(label[label[:, 0] >= 0, 0], bins[label[:, 0] >= 0, j])
        error = width / 2 / quantile * auroc * (1 - auroc)
        assert error**2 == pytest.approx(obuchowski_variance(block, bins[:, j], label[:, 0]), rel=0.1)


def test_blocks_without_target_or_without_tokens_are_legitimate():
    block, bins, values, label = corpus()
    label[block < 8] = np.minimum(label[block < 8], 0)
    label[block == 9] = -1
    found = jackknife(block, bins, values, label, n_block=14)
    assert np.isfinite(found.auroc_low).all()
    assert found.n_block[:, 1].tolist() == [3, 3, 3]
    low, high = slow_interval(block, bins[:, 0], values[:, 0], label[:, 0])
    assert (found.auroc_low[0, 0], found.auroc_high[0, 0]) == pytest.approx((low[0], high[0]))


def test_too_few_blocks_are_undefined():
    block, bins, values, label = corpus()
    label[:, 0] = np.where(block == 3, label[:, 0], np.minimum(label[:, 0], 0))
    label[:, 1] = -1
    label[:, 2] = 1
    found = jackknife(block, bins, values, label)
    for name in ("auroc", "d_prime", "mean_difference"):
        for end in ("low", "high"):
            assert np.isnan(getattr(found, f"{name}_{end}")).all()
    assert found.n_block[0].tolist() == [12, 1]
    alone = jackknife(np.zeros_like(block), bins, values, corpus()[3])
    assert np.isnan(alone.auroc_low).all()


def test_constant_and_absent_neurons_are_undefined():
    block, bins, values, label = corpus(n_neuron=3)
    values[:, 0], bins[:, 0] = 0.5, 7
    values[:, 1], bins[:, 1] = np.nan, 0
    interval = jackknife(block, bins, values, label)
    assert np.isnan(interval.auroc_low[:, :2]).all()
    assert np.isnan(interval.d_prime_high[:, :2]).all()
    assert np.isfinite(interval.d_prime_high[:, 2]).all()


def test_perfect_separation_ends_where_a_binomial_does():
    block = np.repeat(np.arange(20), 10)
    label = np.tile([1, 0], 100).astype(np.int8)[:, None]
    values = np.concatenate([label, 1 - label], axis=1).astype(np.float32)
    found = jackknife(block, values.astype(np.uint8), values, label)
    assert found.auroc_low[0].tolist() == pytest.approx([0.025 ** (1 / 20), 0])
    assert found.auroc_high[0].tolist() == pytest.approx([1, 1 - 0.025 ** (1 / 20)])


def test_swapping_target_and_baseline_mirrors_the_interval():
    block, bins, values, label = corpus()
    there, back = (jackknife(block, bins, values, c) for c in (label, np.where(label >= 0, 1 - label, label)))
    np.testing.assert_allclose(there.auroc_low, 1 - back.auroc_high, rtol=1e-9)
    np.testing.assert_allclose(there.mean_difference_low, -back.mean_difference_high, rtol=1e-9)
    np.testing.assert_allclose(there.d_prime_high, -back.d_prime_low, rtol=1e-9)


def test_blocks_come_in_order_and_whole_tokens():
    found = BlockJackknife(np.zeros((1, 2, 1, 4), np.int64), 3)
    one, label = np.zeros((2, 1), np.uint8), np.zeros((2, 1), np.int8)
    found.add(1, one, one.astype(np.float32), label)
    with pytest.raises(UserError, match="Block 0 came after block 1"):
        found.add(0, one, one.astype(np.float32), label)
    with pytest.raises(UserError, match="Block 3"):
        found.add(3, one, one.astype(np.float32), label)
    with pytest.raises(UserError, match="give the same tokens"):
        found.add(1, one, one.astype(np.float32), label[:1])


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=200), st.integers(1, 70))
def test_blocks_are_whole_consecutive_documents_of_about_equal_tokens(lengths, n_block):
    length = np.array(lengths)
    block = jackknife_blocks(np.cumsum(length) - length, int(length.sum()), n_block)
    assert set(block) == set(range(min(n_block, len(length))))
    assert set(np.diff(block)) <= {0, 1}
    size = np.bincount(block, weights=length)
    assert size.max() <= length.sum() / len(size) + 2 * length.max()
