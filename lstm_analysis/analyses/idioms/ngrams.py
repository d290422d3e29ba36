"""Repeated n-grams of a corpus by 64-bit hashes, counted in parts that fit in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics.splitmix import GOLDEN
from .text import Hashes, Positions, Text, scramble

N_PLACE = 8
"""Places that are kept of an n-gram."""
_TOKENS_AT_ONCE = 1 << 20
_HASHES_AT_ONCE = 1 << 23
_MULTIPLIER = np.uint64(GOLDEN)


@dataclass(frozen=True)
class NGrams:
    """The n-grams of one length that occur twice or more, ascending by hash.

    Parameters
    ----------
    hash, count
        Dims (phrase); the count is that of all occurrences inside a sentence.
    place
        First token of up to `N_PLACE` places that may serve as controls, seeded choice, -1 where there are fewer,
        dims (phrase, place).
    """

    hash: Hashes
    count: NDArray[np.int64]
    place: Positions


def hash_at(text: Text, start: Positions, length: int) -> Hashes:
    """Return the hash of the n-gram that begins at each token; the tokens must lie in the corpus."""
    value = np.zeros(start.shape, np.uint64)
    for k in range(length):
        value = value * _MULTIPLIER + text.form_hash[text.form_id[start + k]]
    return scramble(value)


def _hash_range(text: Text, first: int, last: int, length: int) -> Hashes:
    """Return `hash_at` for the tokens ``[first, last)``; of no use where the n-gram would pass the corpus' end."""
    value = np.zeros(last - first, np.uint64)
    for k in range(length):
        words = text.form_hash[text.form_id[first + k : last + k]]
        value *= _MULTIPLIER
        value[: len(words)] += words
    return scramble(value)


def starts_inside(text: Text, length: int, first: int, last: int) -> Positions:
    """Return the tokens of ``[first, last)`` at which an n-gram inside a sentence, end symbol excluded, begins."""
    room = text.length[first:last] - int(text.has_end) - text.position[first:last]
    return np.flatnonzero(room >= length) + first


def repeated_ngrams(text: Text, length: int, free: NDArray[np.bool_], seed: int) -> NGrams:
    """Return the n-grams of a length that occur twice or more, and places of each that are free.

    Memory: about 64 bytes a token of a part of the corpus' n-grams (at most some 8 million, cut by hash), a few
    bytes a token for the running count of tokens that are not free, and the result, 80 bytes an n-gram with a place.

    Parameters
    ----------
    length
        Words of the n-gram.
    free
        Whether a token may be part of a control, dims (time).
    seed
        Of the choice among more than `N_PLACE` places.
    """
    busy = np.concatenate([[0], np.cumsum(~free, dtype=np.int32)])
    n_part = 1 << max(0, (text.n_token // _HASHES_AT_ONCE).bit_length())
    parts = [_count(part, busy, length, seed) for part in _parts(text, length, n_part)]
    return NGrams(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _parts(text: Text, length: int, n_part: int) -> Iterator[tuple[Hashes, Positions]]:
    """Yield hash and first token of all n-grams, those of like leading bits of the hash together, ascending."""
    shift = np.uint64(64 - n_part.bit_length() + 1)
    for part in range(n_part):
        found = []
        for first in range(0, text.n_token, _TOKENS_AT_ONCE):
            last = min(first + _TOKENS_AT_ONCE, text.n_token)
            start = starts_inside(text, length, first, last)
            value = _hash_range(text, first, last, length)[start - first]
            here = value >> shift == part if n_part > 1 else np.ones(value.shape, bool)
            found.append((value[here], start[here]))
        yield np.concatenate([value for value, _ in found]), np.concatenate([start for _, start in found])


def _count(
    part: tuple[Hashes, Positions], busy: NDArray[np.int32], length: int, seed: int
) -> tuple[Hashes, NDArray[np.int64], Positions]:
    value, start = part
    order = np.argsort(value, kind="stable")
    value, start = value[order], start[order]
    edge = np.flatnonzero(np.concatenate([[True], value[1:] != value[:-1]])) if value.size else np.empty(0, np.int64)
    count = np.diff(np.concatenate([edge, [value.size]]))
    repeated = np.repeat(count >= 2, count) & (busy[start + length] == busy[start])
    phrase = np.repeat(np.cumsum(count >= 2) - 1, count)[repeated]
    places = _choose(phrase, start[repeated], int((count >= 2).sum()), seed)
    return value[edge[count >= 2]], count[count >= 2].astype(np.int64), places


def _choose(phrase: NDArray[np.int64], start: Positions, n_phrase: int, seed: int) -> Positions:
    """Return up to `N_PLACE` places of each phrase, dims (phrase, place), in the order of a seeded hash."""
    order = np.lexsort((scramble(start, seed), phrase))
    phrase, start = phrase[order], start[order]
    rank = np.arange(len(phrase)) - np.searchsorted(phrase, phrase)
    chosen = rank < N_PLACE
    place = np.full((n_phrase, N_PLACE), -1, np.int64)
    place[phrase[chosen], rank[chosen]] = start[chosen]
    return place
