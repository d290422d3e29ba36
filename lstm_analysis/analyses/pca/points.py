"""What a scatter plot of words or occurrences shows: some of the points, chosen without looking at their scores."""

import zlib
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...statistics.word_sets import WordSet

N_SHOWN = 40
"""Words of a concept that are shown, the most frequent ones, and as many matched words, at random."""
MOST_SETS = 50
_SCORE = ("space", "point", "component")


def word_points(
    score: NDArray[np.float64],
    sets: Sequence[WordSet],
    table_type_id: NDArray[np.integer],
    n_token: NDArray[np.integer],
    types: Sequence[str],
    seed: int,
) -> xr.Dataset:
    """Return the scores of words of concepts and of words that they are held against.

    Parameters
    ----------
    score
        Of all words of the table, dims (space, table_type, component).
    sets
        One for each concept; of those that are told apart the first 50 are shown.
    table_type_id, n_token
        Surface form and tokens of each word of the table, dims (table_type).
    types
        Surface forms of the corpus.
    seed
        Of the matched words that are shown.

    Returns
    -------
    ``word_score`` (space, point, component); ``point_concept``, ``point_type``, ``point_n_token`` and
    ``point_member`` (point), 1 for a word of the concept, 0 for a matched one.
    """
    shown = [(k, words) for k, words in enumerate(sets) if not words.reason][:MOST_SETS]
    rows, concept, member = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int8)]
    for k, words in shown:
        inside = np.flatnonzero(words.matching.member)
        outside = np.flatnonzero((words.matching.stratum >= 0) & ~words.matching.member)
        frequent = inside[np.argsort(-n_token[inside], kind="stable")][:N_SHOWN]
        rng = np.random.default_rng([seed, zlib.crc32(words.name.encode())])
        others = np.sort(rng.permutation(outside)[:N_SHOWN])
        rows += [frequent, others]
        concept.append(np.full(len(frequent) + len(others), k))
        member.append(np.repeat(np.array([1, 0], np.int8), [len(frequent), len(others)]))
    row = np.concatenate(rows)
    return xr.Dataset(
        {
            "word_score": (_SCORE, score[:, row]),
            "point_concept": ("point", np.concatenate(concept)),
            "point_type": ("point", np.array([str(types[i]) for i in table_type_id[row]], dtype=object)),
            "point_n_token": ("point", n_token[row]),
            "point_member": ("point", np.concatenate(member)),
        }
    )


def occurrence_points(
    score: NDArray[np.float64], time: NDArray[np.integer], idiom: NDArray[np.integer], value: NDArray[np.integer]
) -> xr.Dataset:
    """Return the scores of occurrences of idioms at their last word.

    Parameters
    ----------
    score
        Dims (space, occurrence, component).
    time, idiom, value
        Last token, idiom and whether it is used idiomatically (1) or literally (0), dims (occurrence).

    Returns
    -------
    ``occurrence_score`` (space, occurrence, component) and the columns ``occurrence_time, occurrence_idiom,
    occurrence_value`` (occurrence).
    """
    columns = {"occurrence_time": time, "occurrence_idiom": idiom.astype(np.int64), "occurrence_value": value}
    found = {name: ("occurrence", values) for name, values in columns.items()}
    return xr.Dataset({"occurrence_score": (("space", "occurrence", "component"), score), **found})
