"""Selectivity: scores of neurons for concepts, read off summaries or, exactly, off the states."""

from .measures import MEASURES, Measure, measure
from .rank_scores import RankScores, rank_scores
from .ranking import neuron_table, rank_neurons

__all__ = ["MEASURES", "Measure", "RankScores", "measure", "neuron_table", "rank_neurons", "rank_scores"]
