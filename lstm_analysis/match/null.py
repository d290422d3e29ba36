"""How well random spans of a corpus are matched: what the matches of a span are to be compared with."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .agreement import agreeing, count_agreeing
from .bits import Bits
from .native import Groups, Matches, Pattern, find_places, overlapping

TRIES = 20
"""Random spans a draw of which those are taken that select as many neurons as the query."""


def draw_spans(
    bits: Bits, pattern: Pattern, span: tuple[int, int], draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first tokens of random spans as long as a span, and how many neurons each selects.

    ``TRIES * draws`` places that do not overlap the span are drawn, all alike; of them those are kept whose number of
    selected neurons is nearest to the pattern's, of equally near ones the first drawn.
    """
    length = span[1] - span[0]
    before = max(0, span[0] - length + 1)
    n_place = before + max(0, bits.n_time - length + 1 - span[1])
    if n_place == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = rng.choice(n_place, size=min(n_place, TRIES * draws), replace=False)
    start = np.where(place < before, place, place - before + span[1])
    number = count_agreeing(bits, pattern.universe, start, start + length, pattern.left, pattern.right)
    usable = np.flatnonzero(number > 0)
    nearest = usable[np.argsort(np.abs(number[usable] - len(pattern.conjuncts)), kind="stable")[:draws]]
    return start[nearest], number[nearest]


def null_jaccard(
    bits: Bits, pattern: Pattern, start: NDArray[np.int64], length: int, n_results: int, groups: Groups
) -> NDArray[np.float64]:
    """Return the Jaccard coefficients of the matches of random spans, best first, dims (draw, match); 0 past the last.

    Each span is looked for as the query is, with the neurons that it selects itself; what overlaps it is left out.
    """
    found = np.zeros((len(start), n_results))
    for draw, (span, matches) in enumerate(_searched(bits, pattern, start, length, n_results, groups)):
        others = matches.jaccard[~overlapping(matches.start, matches.stop, span)][:n_results]
        found[draw, : len(others)] = others
    return found


def _searched(
    bits: Bits, pattern: Pattern, start: NDArray[np.int64], length: int, n_results: int, groups: Groups
) -> Iterator[tuple[tuple[int, int], Matches]]:
    for first in start.tolist():
        span = (first, first + length)
        selected = agreeing(bits, pattern.universe, *span, pattern.left, pattern.right)
        own = replace(pattern, conjuncts=selected)
        yield span, find_places(bits, own, n_results + 1, replace(groups, exempt=span))


def p_values(jaccard: NDArray[np.float64], null: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (b + 1) / (R + 1), dims (match): b of R random spans have a match of that rank which is as good.

    >>> p_values(np.array([0.5, 0.2]), np.array([[0.6, 0.1], [0.3, 0.3], [0.2, 0.0]])).tolist()
    [0.5, 0.5]
    """
    n_match = len(jaccard)
    as_good = (null[:, :n_match] >= jaccard - 1e-12).sum(axis=0)
    p: NDArray[np.float64] = (as_good + 1) / (len(null) + 1)
    return p
