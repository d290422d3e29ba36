"""Sparse probes: how much of a concept a few neurons hold, against the best single one and against random labels.

`probe_words` chooses neurons and fits a classifier on some words and scores it on others; `empty_probe` is what is said
of a concept that cannot be probed.
"""

from .probe import MOST_CHOSEN, N_CONTROL, N_NEURON, empty_probe, probe_words

__all__ = ["MOST_CHOSEN", "N_CONTROL", "N_NEURON", "empty_probe", "probe_words"]
