"""Selectivity: scores of neurons for concepts, read off summaries or, exactly, off the states."""

from .measures import MEASURES, Measure, measure
from .presence import is_present
from .rank_scores import RankScores, rank_scores
from .ranking import neuron_table, rank_neurons

__all__ = [
    "MEASURES", "Measure", "RankScores", "is_present", "measure", "neuron_table", "rank_neurons", "rank_scores",
]  # fmt: skip
