"""How neurons follow graded variables: curves, shares of variance, correlations, and which neurons are called."""

from .conclusion import conclude_tuning
from .graded_sums import GradedSums
from .measures import measure_tuning
from .shares import graded_shares, grades_of_rows

__all__ = ["GradedSums", "conclude_tuning", "graded_shares", "grades_of_rows", "measure_tuning"]
