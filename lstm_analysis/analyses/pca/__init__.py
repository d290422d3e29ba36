"""Principal components of the states, and whether sets of words or phrases are told apart in their space.

`principal_components` makes the basis from the covariance over the whole corpus, never from the sets that are looked
at; `project` gives the scores of word or phrase vectors; `separate_words`, `separate_pairs` and `separate_idioms` ask
whether a linear classifier tells sets apart at words, or idioms, that it was not trained on; `word_points` and
`occurrence_points` are what a scatter plot shows.
"""

from .basis import N_COMPONENT, principal_components, project
from .points import occurrence_points, word_points
from .separability import N_DIMENSION, empty_separability, separate_idioms, separate_pairs, separate_words

__all__ = [
    "N_COMPONENT", "N_DIMENSION", "empty_separability", "occurrence_points", "principal_components", "project",
    "separate_idioms", "separate_pairs", "separate_words", "word_points",
]  # fmt: skip
