"""Intervals of scores by leaving out one block of documents at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..compiled import compiled
from ..errors import UserError
from .jackknife_interval import standard_error

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """Ends of the intervals, dims (concept, neuron); NaN where undefined, see `BlockJackknife.finish`.

    ``n_block`` (concept, group) are the blocks that hold tokens of the group, groups baseline and target.
    """

    auroc_low: Scores
    auroc_high: Scores
    d_prime_low: Scores
    d_prime_high: Scores
    mean_difference_low: Scores
    mean_difference_high: Scores
    n_block: NDArray[np.int64]


class BlockJackknife:
    r"""Block jackknife of ``auroc``, ``d_prime`` and ``mean_difference`` over blocks of whole documents.

    Tokens of a document are alike, so the documents are the sample. With :math:`\hat\theta_{(b)}` the score
    without block b, of B blocks that hold a target or a baseline token,

    .. math:: \widehat{var} = \frac{B - 1}{B} \sum_b \Big(\hat\theta_{(b)} - \frac1B \sum_c \hat\theta_{(c)}\Big)^2

    The scores without a block are exact, AUROC to the bins of the histogram: what remains of the histograms is scored
    again. Leaving out changes both groups.

    Parameters
    ----------
    histogram
        Tokens of the whole corpus by bin, dims (concept, group, neuron, bin), groups baseline and target.
    n_block
        Number of blocks.

    References
    ----------
    Obuchowski, N. A. (1997). Nonparametric analysis of clustered ROC curve data. Biometrics 53, 567-578.
    Kish, L. (1965). Survey Sampling. Wiley.
    Efron, B., Stein, C. (1981). The jackknife estimate of variance. Annals of Statistics 9, 586-596.
    """

    def __init__(self, histogram: NDArray[np.integer], n_block: int) -> None:
        self._histogram = np.ascontiguousarray(histogram, dtype=np.int64)
        n_concept, _, n_neuron, n_bin = self._histogram.shape
        self._here = np.zeros((n_concept, 2, n_neuron, n_bin), dtype=np.int32)
        self._block = 0
        self._auroc = np.full((n_block, n_concept, n_neuron), np.nan)
        self._n_token = np.zeros((n_block, n_concept, 2), dtype=np.int64)
        self._moment = np.zeros((n_block, n_concept, 2, 2, n_neuron))

    def add(
        self,
        block: int,
        bins: NDArray[np.unsignedinteger],
        values: NDArray[np.float32],
        label: NDArray[np.int8],
    ) -> None:
        """Add tokens of a block; blocks come in ascending order, each in any number of parts.

        Parameters
        ----------
        block
            Number of the block.
        bins, values
            Dims (time, neuron). A neuron that is NaN at every token is absent.
        label
            1 target, 0 baseline, -1 left out, dims (time, concept).
        """
        if block < self._block or block >= len(self._auroc):
            raise UserError(f"Block {block} came after block {self._block} of {len(self._auroc)}; give them in order.")
        if block > self._block:
            self._close()
            self._block = block
        if not len(bins) == len(values) == len(label):
            raise UserError(f"Got {len(bins)} bins, {len(values)} values, {len(label)} labels; give the same tokens.")
        _count(
            np.ascontiguousarray(bins),
            np.ascontiguousarray(values, dtype=np.float32),
            np.ascontiguousarray(label.T, dtype=np.int8),
            self._here,
            self._moment[block],
            self._n_token[block],
        )

    def _close(self) -> None:
        """Score all but the block that has ended."""
        _score_rest(self._histogram, self._here, self._auroc[self._block])
        self._here[:] = 0

    def finish(self, auroc: Scores, d_prime: Scores, mean_difference: Scores, alpha: float = 0.05) -> Intervals:
        """Return intervals of level 1 - alpha around the scores given.

        AUROC is jackknifed on the logit scale with its bias taken off, the others on their own. The quantile is that of
        t with one degree of freedom less than the blocks, counted by Kish's effective size (a block with most of the
        tokens is nearly the only one), of the group in which they are fewer. Where all targets lie above all baselines,
        or below, the jackknife sees no variance: the interval ends at the share of such blocks that a binomial allows.

        Parameters
        ----------
        auroc, d_prime, mean_difference
            The scores of the whole corpus, dims (concept, neuron).
        alpha
            Share of intervals that may miss.

        Returns
        -------
        NaN where the score is NaN or one of the groups is in fewer than two blocks.
        """
        self._close()
        n_block = (self._n_token > 0).sum(axis=0)
        used = self._n_token.sum(axis=2, keepdims=True) > 0
        fewer = n_block.min(axis=1)[:, None]
        freedom = _effective_size(self._n_token).min(axis=1)[:, None] - 1
        quantile = np.where(fewer >= 2, special.stdtrit(np.maximum(freedom, 1), 1 - alpha / 2), np.nan)
        difference, sensitivity = self._scores_of_rest()
        low, high = self._auroc_interval(auroc, quantile, used)
        nearest = np.where(fewer >= 2, (alpha / 2) ** (1 / np.maximum(fewer, 1)), np.nan)
        low, high = np.where(auroc == 1, nearest, low), np.where(auroc == 0, 1 - nearest, high)
        d_half, m_half = quantile * standard_error(sensitivity, used), quantile * standard_error(difference, used)
        return Intervals(
            low, high, d_prime - d_half, d_prime + d_half, mean_difference - m_half, mean_difference + m_half, n_block
        )

    def _auroc_interval(self, auroc: Scores, quantile: Scores, used: NDArray[np.bool_]) -> tuple[Scores, Scores]:
        """Return the interval from the jackknife of logit(auroc), its bias taken off; the score itself lies inside."""
        whole = np.empty_like(auroc)
        _score_rest(self._histogram, np.zeros_like(self._here), whole)
        n_pair = np.prod(self._n_token.sum(axis=0).astype(np.float64), axis=1)[:, None]
        rest = _logit(self._auroc, n_pair)
        n = used.sum(axis=0)
        bias = (n - 1) * (np.where(used, rest, 0).sum(axis=0) / np.maximum(n, 1) - _logit(whole, n_pair))
        centre, half = _logit(auroc, n_pair) - bias, quantile * standard_error(rest, used)
        low, high = (1 / (1 + np.exp(-np.clip(centre + sign * half, -500, 500))) for sign in (-1, 1))
        return np.minimum(low, auroc), np.maximum(high, auroc)

    def _scores_of_rest(self) -> tuple[Scores, Scores]:
        """Return difference of means and d' without each block, dims (block, concept, neuron)."""
        n = (self._n_token.sum(axis=0) - self._n_token)[..., None].astype(np.float64)
        total, square = np.moveaxis(self._moment.sum(axis=0) - self._moment, 3, 0)
        mean = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
        spread = np.maximum(square - total * mean, 0)
        variance = np.divide(spread, n - 1, out=np.full(total.shape, np.nan), where=n > 1).mean(axis=2)
        difference = mean[:, :, 1] - mean[:, :, 0]
        deviation = np.sqrt(np.where(variance > 0, variance, np.nan))
        return difference, difference / deviation


def _effective_size(n_token: NDArray[np.int64]) -> Scores:
    """Return how many blocks of equal size, dims (concept, group), those of unequal size are worth."""
    n = n_token.astype(np.float64)
    squares = (n**2).sum(axis=0)
    size: Scores = np.divide(n.sum(axis=0) ** 2, squares, out=np.zeros(squares.shape), where=squares > 0)
    return size


def _logit(score: Scores, n_pair: Scores) -> Scores:
    """Return log(score / (1 - score)), where 0 and 1 are half a pair away from themselves; dims (..., neuron)."""
    edge = 0.5 / np.maximum(n_pair, 1)
    inside = np.clip(score, edge, 1 - edge)
    odds: Scores = np.log(inside / (1 - inside))
    return odds


@compiled
def _count(
    bins: NDArray[np.unsignedinteger],
    values: NDArray[np.float32],
    label: NDArray[np.int8],
    histogram: NDArray[np.int32],
    moment: Scores,
    n_token: NDArray[np.int64],
) -> None:
    """Count bins and sum values and squares of baseline and target; label has dims (concept, time).

    A group that holds more tokens than all others (and a histogram's length more) is had as all less the others.
    """
    n_time, n_neuron = bins.shape
    n_bin = histogram.shape[3]
    whole = np.zeros((n_neuron, n_bin), np.int32)
    whole_moment = np.zeros((2, n_neuron))
    whole_known = False
    for k in range(len(label)):
        n = np.zeros(2, np.int64)
        for t in range(n_time):
            if label[k, t] >= 0:
                n[label[k, t]] += 1
        n_token[k] += n
        dense = -1
        for g in range(2):
            if 2 * n[g] > n_time + n_bin:
                dense = g
        if dense >= 0:
            if not whole_known:
                whole_known = True
                for t in range(n_time):
                    _add_token(bins[t], values[t], 1, whole, whole_moment)
            histogram[k, dense] += whole
            moment[k, dense] += whole_moment
        for t in range(n_time):
            g = label[k, t]
            if g == dense:
                continue
            if dense >= 0:
                _add_token(bins[t], values[t], -1, histogram[k, dense], moment[k, dense])
            if g >= 0:
                _add_token(bins[t], values[t], 1, histogram[k, g], moment[k, g])


@compiled
def _add_token(
    bins: NDArray[np.unsignedinteger],
    values: NDArray[np.float32],
    times: int,
    histogram: NDArray[np.int32],
    moment: Scores,
) -> None:
    """Add a token, or take it away, to counts (neuron, bin) and sums (power, neuron)."""
    for j in range(len(bins)):
        histogram[j, bins[j]] += times
    for j in range(len(bins)):
        x = np.float64(values[j])
        moment[0, j] += times * x
        moment[1, j] += times * x * x


@compiled
def _score_rest(histogram: NDArray[np.int64], block: NDArray[np.int32], auroc: Scores) -> None:
    """Write the AUROC of what remains without a block, dims (concept, neuron), NaN if a group is empty then."""
    n_concept, _, n_neuron, n_bin = histogram.shape
    for k in range(n_concept):
        for j in range(n_neuron):
            below, n_target, wins = 0, 0, 0.0
            for b in range(n_bin):
                baseline = histogram[k, 0, j, b] - block[k, 0, j, b]
                target = histogram[k, 1, j, b] - block[k, 1, j, b]
                wins += target * (2.0 * below + baseline)
                below += baseline
                n_target += target
            auroc[k, j] = wins / (2.0 * below * n_target) if below > 0 and n_target > 0 else np.nan
