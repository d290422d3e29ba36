"""Selectivity: scores of neurons for concepts, read off summaries or, exactly, off the states."""

from .concept_choice import SourceConcepts, best_neurons, choose_concepts, leading_measure
from .measures import MEASURES, Measure, measure
from .presence import is_present
from .rank_scores import RankScores, rank_scores
from .rankable import RANKABLE, Rankable
from .ranking import neuron_table, position_scores, rank_neurons
from .type_scores import type_scores

__all__ = [
    "MEASURES", "RANKABLE", "Measure", "RankScores", "Rankable", "SourceConcepts", "best_neurons", "choose_concepts",
    "is_present", "leading_measure", "measure", "neuron_table", "position_scores", "rank_neurons", "rank_scores",
    "type_scores",
]  # fmt: skip
