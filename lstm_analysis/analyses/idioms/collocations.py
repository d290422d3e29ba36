"""Matched collocations: repeated n-grams that are no idiom, like an idiom in length, frequency and surprisal."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ngrams import N_PLACE, hash_at, repeated_ngrams
from .occurrences import Occurrences
from .text import Positions, Text, scramble

N_COLLOCATION = 199
"""Collocations matched to an idiom, so that the smallest p of a count is 1 / 200."""
_DECILES = np.arange(0.1, 0.95, 0.1)
Surprisal = NDArray[np.floating]


@dataclass(frozen=True)
class Matched:
    """What an idiom's collocations are matched to, and which they are.

    Parameters
    ----------
    length
        Words of most of the idiom's occurrences (of equally frequent lengths the smallest).
    occurrence
        Rows of up to `N_PLACE` idiomatic occurrences of that length.
    place
        Places of its collocations, as many of each as there are such occurrences, dims (phrase, place).
    distance
        Mean distance in deciles, of frequency plus of surprisal; NaN without collocations.
    """

    length: int
    occurrence: NDArray[np.int64]
    place: Positions
    distance: float


class Pool:
    """The repeated n-grams of one length by decile of frequency and of surprisal.

    The frequency of an n-gram is its count; deciles are those of all its occurrences, so that a tenth of the running
    text made of repeated n-grams lies in each. Surprisal is the mean over the words of its places.
    """

    def __init__(self, text: Text, length: int, free: NDArray[np.bool_], surprisal: Surprisal | None, seed: int):
        self._surprisal, self.length = surprisal, length
        ngrams = repeated_ngrams(text, length, free, seed)
        self._all = ngrams
        self._edges = _weighted_edges(ngrams.count)
        usable = np.flatnonzero(ngrams.place[:, 0] >= 0)
        usable = usable[np.argsort(scramble(ngrams.hash[usable].view(np.int64), seed), kind="stable")]
        mean = self._mean_surprisal(ngrams.place[usable])
        usable, mean = usable[~np.isnan(mean)], mean[~np.isnan(mean)]
        self._surprisal_edges = np.quantile(mean, _DECILES) if mean.size else np.zeros(len(_DECILES))
        self._place = ngrams.place[usable]
        self._n_place = (self._place >= 0).sum(axis=1)
        self._cell = self._cells(ngrams.count[usable], mean)
        self._cache: dict[tuple[int, int, int], tuple[Positions, float]] = {}

    def match(self, text: Text, start: Positions) -> tuple[Positions, float]:
        """Return places of the collocations nearest to a phrase that begins at the tokens, and their mean distance."""
        count = np.median(self._count(hash_at(text, start, self.length)))
        surprisal = self._mean_surprisal(start[np.newaxis])
        cell = self._cells(np.array([max(2.0, float(count))]), np.nan_to_num(surprisal, nan=np.inf))[0]
        key = (int(cell[0]), int(cell[1]), len(start))
        if key not in self._cache:
            self._cache[key] = self._nearest(*key)
        return self._cache[key]

    def _nearest(self, frequency: int, surprisal: int, n_place: int) -> tuple[Positions, float]:
        distance = abs(self._cell - (frequency, surprisal)).sum(axis=1)
        usable = np.flatnonzero(self._n_place >= n_place)
        chosen = usable[np.argsort(distance[usable], kind="stable")[:N_COLLOCATION]]
        mean = float(distance[chosen].mean()) if chosen.size else float("nan")
        return self._place[chosen, :n_place], mean

    def _cells(self, count: NDArray[np.number], surprisal: NDArray[np.floating]) -> NDArray[np.int64]:
        frequency = np.searchsorted(self._edges, count, side="left")
        if self._surprisal is None:
            return np.stack([frequency, np.zeros_like(frequency)], axis=1)
        return np.stack([frequency, np.searchsorted(self._surprisal_edges, surprisal, side="left")], axis=1)

    def _count(self, value: NDArray[np.uint64]) -> NDArray[np.int64]:
        known = self._all
        if known.hash.size == 0:
            return np.ones(value.shape, np.int64)
        at = np.minimum(np.searchsorted(known.hash, value), known.hash.size - 1)
        return np.where(known.hash[at] == value, known.count[at], 1)

    def _mean_surprisal(self, place: Positions) -> NDArray[np.floating]:
        """Return the mean over the words of all places, dims (phrase); NaN where none has a surprisal."""
        if self._surprisal is None:
            return np.zeros(len(place))
        total, n = np.zeros(len(place)), np.zeros(len(place), np.int64)
        for k in range(self.length):
            bits = np.where(place >= 0, self._surprisal[np.maximum(place, 0) + k], np.nan)
            total, n = total + np.nansum(bits, axis=1), n + (~np.isnan(bits)).sum(axis=1)
        return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _weighted_edges(count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the counts at the deciles of all occurrences of the n-grams."""
    if count.size == 0:
        return np.zeros(len(_DECILES), np.int64)
    ascending = np.sort(count)
    reached = np.cumsum(ascending) / ascending.sum()
    return ascending[np.searchsorted(reached, _DECILES)]


def match_collocations(
    text: Text, occurrences: Occurrences, surprisal: Surprisal | None, seed: int
) -> list[Matched | None]:
    """Return the matched collocations of each idiom; ``None`` for an idiom without idiomatic occurrence.

    A collocation is an n-gram inside a sentence that occurs at least twice, whose every token has a letter or a digit,
    at a place that overlaps no idiom's occurrence. An idiom gets the `N_COLLOCATION` nearest of its length: strictly
    those of its own deciles if there are so many, else the next ones too, the distance being told. Idioms of equal
    deciles share them, so that the states of few places are needed.
    """
    chosen = [_most_frequent_length(occurrences, i) for i in range(len(occurrences.names))]
    free = text.is_word()[text.form_id] & ~occurrences.covered(text.n_token)
    found: list[Matched | None] = [None] * len(chosen)
    for length, members in _by_length(chosen):
        pool = Pool(text, length, free, surprisal, seed)
        for i, rows in members:
            rng = np.random.default_rng([seed, 8, i])
            rows = np.sort(rng.permutation(rows)[:N_PLACE])
            found[i] = Matched(length, rows, *pool.match(text, occurrences.start[rows]))
    return found


def _most_frequent_length(occurrences: Occurrences, idiom: int) -> tuple[int, NDArray[np.int64]] | None:
    rows = occurrences.of_idiom(idiom, 1)
    if rows.size == 0:
        return None
    width = occurrences.stop[rows] - occurrences.start[rows]
    length = int(np.bincount(width).argmax())
    return length, rows[width == length]


def _by_length(
    chosen: list[tuple[int, NDArray[np.int64]] | None],
) -> Iterator[tuple[int, list[tuple[int, NDArray[np.int64]]]]]:
    for length in sorted({each[0] for each in chosen if each is not None}):
        yield length, [(i, each[1]) for i, each in enumerate(chosen) if each is not None and each[0] == length]
