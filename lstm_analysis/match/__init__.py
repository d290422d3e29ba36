"""Where a corpus drives the same neurons as a chosen span, and what a single neuron does there."""

from .find import find_matches
from .selection import count_by_threshold, select_neurons

__all__ = ["count_by_threshold", "find_matches", "select_neurons"]
