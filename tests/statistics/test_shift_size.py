"""The temporal null on simulated corpora: how often it is wrong, how often it finds what is there."""

import numpy as np
import pytest
from drifting import bursty_labels, document_lengths, drifting_neurons, group_sizes
from scipy import stats

from lstm_analysis.statistics.block_jackknife import BlockJackknife
from lstm_analysis.statistics.circular_shift import ShiftNull
from lstm_analysis.statistics.shift_plan import plan_shifts

ALPHA = 0.05


def shift(lengths, values, label, seed, draws=199):
    null = ShiftNull(plan_shifts(lengths, draws, seed), group_sizes(label), values.shape[1])
    null.add(0, values.astype(np.float32), label)
    return null.finish()


def global_shift(values, label, seed, draws=199):
    """Rotate the label over the whole corpus, by one Fourier transform for all lags."""
    sizes = group_sizes(label)
    weight = (label == 1) / sizes[:, 1] - (label == 0) / sizes[:, 0]
    spectrum = np.conj(np.fft.rfft(weight, axis=0))[:, :, None] * np.fft.rfft(values, axis=0)[:, None]
    every = np.abs(np.fft.irfft(spectrum, n=len(values), axis=0))
    drawn = every[np.random.default_rng(seed).integers(len(values), size=draws)]
    return ((drawn >= every[0]).sum(axis=0) + 1) / (draws + 1)


def welch(values, label):
    """Welch's test of single tokens, p (concept, neuron)."""
    n = group_sizes(label).T[:, :, None].astype(float)
    groups = [(label == g).astype(float).T for g in (0, 1)]
    mean = np.stack([group @ values for group in groups]) / n
    error = (np.stack([group @ values**2 for group in groups]) / n - mean**2) / (n - 1)
    freedom = error.sum(axis=0) ** 2 / (error**2 / (n - 1)).sum(axis=0)
    return 2 * stats.t.sf(np.abs(mean[1] - mean[0]) / np.sqrt(error.sum(axis=0)), freedom)


def worlds(n_document, length, rho, run, n_repeat, n_neuron=20, n_concept=15, **label_options):
    """Corpora in which no neuron knows of any label."""
    for repeat in range(n_repeat):
        rng = np.random.default_rng([repeat, run, round(100 * rho), n_document])
        lengths = document_lengths(rng, n_document, length)
        label = bursty_labels(rng, lengths, run, n_concept, **label_options)
        yield repeat, lengths, drifting_neurons(rng, lengths, rho, n_neuron), label


def share_called(ps):
    p = np.concatenate([np.ravel(p) for p in ps])
    return np.nanmean(p <= ALPHA)


@pytest.mark.parametrize(
    ("n_document", "length", "rho", "run"), [(20, 500, 0.99, 10), (40, 200, 0.8, 3), (300, 40, 0.99, 40)]
)
def test_it_holds_its_size(n_document, length, rho, run):
    ps = [shift(lengths, np.tanh(x), y, r).p for r, lengths, x, y in worlds(n_document, length, rho, run, 6)]
    assert 0.03 <= share_called(ps) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("run", [3, 10, 40])
@pytest.mark.parametrize("rho", [0.8, 0.99])
@pytest.mark.parametrize(("n_document", "length"), [(20, 500), (300, 40)])
def test_it_holds_its_size_on_values_and_ranks_for_any_memory_and_burst(n_document, length, rho, run):
    on_values, on_ranks, token_tests = [], [], []
    for repeat, lengths, values, label in worlds(n_document, length, rho, run, 6):
        on_values.append(shift(lengths, np.tanh(values), label, repeat).p)
        on_ranks.append(shift(lengths, stats.rankdata(values, axis=0) / len(values), label, repeat).p)
        token_tests.append(welch(values, label))
    assert 0.03 <= share_called(on_values) <= 0.07
    assert 0.03 <= share_called(on_ranks) <= 0.07
    assert share_called(token_tests) > 0.28


@pytest.mark.slow
def test_tests_that_do_not_know_documents_are_wrong_where_it_is_right():
    ours, globally, token_tests = [], [], []
    for repeat, lengths, values, label in worlds(20, 500, 0.9, 3, 20, n_neuron=10, n_concept=8):
        ours.append(shift(lengths, values, label, repeat).p)
        globally.append(global_shift(values, label, repeat))
        token_tests.append(welch(values, label))
    assert 0.03 <= share_called(ours) <= 0.07
    assert share_called(globally) > 0.09
    assert share_called(token_tests) > 0.6


@pytest.mark.slow
def test_the_maximum_over_neurons_holds_its_size_too():
    wrong = []
    for repeat, lengths, values, label in worlds(30, 300, 0.95, 10, 60, n_neuron=25, n_concept=10):
        result = shift(lengths, np.tanh(values), label, repeat)
        most = np.abs(result.z_observed).max(axis=1)
        wrong.append(((result.z_maximum >= most).sum(axis=0) + 1) / 200)
    assert 0.03 <= share_called(wrong) <= 0.07


def document_jackknife(lengths, values, label):
    """Whether the interval of the mean difference, from leaving out documents, is off 0; dims (concept, neuron)."""
    document = np.repeat(np.arange(len(lengths)), lengths)
    bins = np.zeros(values.shape, np.uint8)
    histogram = np.broadcast_to(group_sizes(label)[:, :, None, None], (label.shape[1], 2, values.shape[1], 1))
    jackknife = BlockJackknife(histogram, len(lengths))
    for d in range(len(lengths)):
        jackknife.add(d, bins[document == d], values[document == d].astype(np.float32), label[document == d])
    means = np.stack([values[c == 1].mean(axis=0) - values[c == 0].mean(axis=0) for c in label.T])
    interval = jackknife.finish(np.full(means.shape, 0.5), means, means, ALPHA)
    return (interval.mean_difference_low > 0) | (interval.mean_difference_high < 0)


def test_it_finds_what_a_document_jackknife_misses():
    ours, theirs = [], []
    for repeat, lengths, values, label in worlds(8, 1500, 0.9, 3, 10, n_neuron=10, n_concept=1):
        values = values + 0.25 * label
        ours.append(shift(lengths, values, label, repeat).p)
        theirs.append(document_jackknife(lengths, values, label))
    assert share_called(ours) > 0.95
    assert np.mean(theirs) < 0.5
