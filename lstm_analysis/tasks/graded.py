"""The values of graded variables: columns of numbers of the corpus, and what is derived from its other columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ..schema import MISSING
from .job import Job

WIDER = 64
"""Tokens by which a span is widened at first to hold its outermost words whole."""
Read = Callable[[int, int], NDArray[np.integer]]


def graded_columns(job: Job, *spans: tuple[int, int]) -> dict[str, NDArray[np.int64]]:
    """Return the values of the study's graded variables at the tokens of some spans, dims (time); -1 for none.

    Parameters
    ----------
    job
        Says which run and which variables.
    spans
        Half-open, on ``time``.
    """
    if not job.graded:
        return {}
    corpus = zarr.open_group(job.run / "corpus.zarr", mode="r")
    return {name: np.concatenate([_column(corpus, name, *span) for span in spans]) for name in job.graded}


def _column(corpus: Any, name: str, start: int, stop: int) -> NDArray[np.int64]:
    if not name.startswith("word_"):
        return np.asarray(corpus[name][start:stop], np.int64)

    def word(a: int, b: int) -> NDArray[np.integer]:
        return np.asarray(corpus["word"][a:b])

    first, end = _whole_words(word, start, stop, corpus["word"].shape[0])
    blank = np.array([str(token).isspace() for token in corpus["token_name"][:]])
    place, length = places_in_words(word(first, end), blank[corpus["token_id"][first:end]])
    return (place if name == "word_position" else length)[start - first : stop - first]


def places_in_words(word: NDArray[np.integer], blank: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the place of each token in its word, and the tokens of its word; white space has none and counts none.

    Parameters
    ----------
    word
        Word of each token, dims (time), never falling; whole words.
    blank
        Whether the token is white space, dims (time): the blanks before a word are its, too.

    Examples
    --------
    >>> place, length = places_in_words(np.array([4, 4, 5, 5, 5, 6]), np.array([0, 0, 1, 0, 0, 1], bool))
    >>> place.tolist(), length.tolist()
    ([0, 1, -1, 0, 1, -1], [2, 2, -1, 2, 2, -1])
    """
    if not len(word):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.flatnonzero(np.diff(word, prepend=word[0] - 1))
    of = np.cumsum(np.diff(word, prepend=word[0]) != 0)
    before = np.append(0, np.cumsum(~blank))
    length = np.diff(before[np.append(starts, len(word))])
    return np.where(blank, MISSING, before[:-1] - before[starts][of]), np.where(blank, MISSING, length[of])


def _whole_words(word: Read, start: int, stop: int, n_token: int) -> tuple[int, int]:
    """Return the span widened to the first and last token of its outermost words."""
    if start >= stop:
        return start, stop
    (first,), (last,) = word(start, start + 1), word(stop - 1, stop)
    reach, low, high = WIDER, start, stop
    while low > 0:
        others = np.flatnonzero(word(max(0, low - reach), low) != first)
        if len(others):
            low = max(0, low - reach) + int(others[-1]) + 1
            break
        low, reach = max(0, low - reach), 2 * reach
    reach = WIDER
    while high < n_token:
        others = np.flatnonzero(word(high, high + reach) != last)
        if len(others):
            high += int(others[0])
            break
        high, reach = min(n_token, high + reach), 2 * reach
    return low, high
