"""Simulated corpora: neurons that drift on their own (AR(1)), labels that come in bursts, documents that differ."""

import numpy as np
from scipy import signal


def document_lengths(rng, n_document, length):
    return rng.integers(length // 2, length * 3 // 2 + 1, n_document)


def drifting_neurons(rng, document_length, rho, n_neuron, document_sd=1.0):
    """AR(1) of variance 1 within each document, around a level of its own in each."""
    parts = []
    for length in document_length:
        noise = rng.normal(size=(length, n_neuron)) * np.sqrt(1 - rho**2)
        noise[0] /= np.sqrt(1 - rho**2)
        level = document_sd * rng.normal(size=n_neuron)
        parts.append(signal.lfilter([1.0], [1.0, -rho], noise, axis=0) + level)
    return np.concatenate(parts)


def bursty_labels(rng, document_length, run, n_concept, share=0.1, document_sd=1.0):
    """Runs of targets, ``run`` tokens long on average, more frequent in some documents than in others."""
    logit = np.log(share / (1 - share)) + document_sd * rng.normal(size=(len(document_length), n_concept))
    labels = []
    for d, length in enumerate(document_length):
        part = np.empty((length, n_concept), dtype=np.int8)
        for k, q in enumerate(1 / (1 + np.exp(-logit[d]))):
            part[:, k] = _runs(rng, length, run, q)
        labels.append(part)
    return np.concatenate(labels)


def _runs(rng, length, run, share):
    """A two-state chain: geometric runs, ``share`` of the tokens targets."""
    means = np.maximum([run * (1 - share) / share, run], 1.0)
    state, found = int(rng.random() < share), []
    while sum(map(len, found)) < length:
        found.append(np.full(rng.geometric(1 / means[state]), state, dtype=np.int8))
        state = 1 - state
    return np.concatenate(found)[:length]


def group_sizes(label):
    """Tokens of baseline and target, dims (concept, group)."""
    return np.stack([(label == 0).sum(axis=0), (label == 1).sum(axis=0)], axis=1)
