"""The tokens at which the loss is looked at: random targets of each concept, each with a matched control.

Each token has a random key that depends on the seed and its place alone, and a sample are the tokens with the smallest
keys: it is the same for any cutting of the corpus into pieces, and concepts share tokens where they can.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...statistics.splitmix import FACTORS, GOLDEN, mix_bits

N_POOL = 4096
"""Baseline tokens of a concept among which a control of like frequency is looked for."""


class Piece(NamedTuple):
    """Some tokens: the first one's place, their labels (time, concept) and their types (time)."""

    start: int
    label: NDArray[np.int8]
    type_id: NDArray[np.int32]


@dataclass(frozen=True)
class Tokens:
    """What is looked at.

    Parameters
    ----------
    target, control
        Places of the targets of each concept and of their controls; a control is -1 where there is none.
    same_type
        Whether a control is the same word as its target.
    everywhere
        Places of random tokens of the corpus.
    """

    target: tuple[NDArray[np.int64], ...]
    control: tuple[NDArray[np.int64], ...]
    same_type: tuple[NDArray[np.bool_], ...]
    everywhere: NDArray[np.int64]


def choose_tokens(
    pieces: Callable[[], Iterable[Piece]],
    type_n_token: NDArray[np.int64],
    concepts: Sequence[int],
    n: int,
    n_everywhere: int,
    seed: int,
) -> Tokens:
    """Return which tokens to look at.

    A target's control is a random baseline token of the concept: of the same type if there is one that no other target
    has, else the one whose type is nearest in log frequency, of `N_POOL` random ones.

    Parameters
    ----------
    pieces
        Gives the corpus piece by piece; called twice.
    type_n_token
        Tokens of each type, dims (type).
    concepts
        Places along ``concept`` of the concepts that are looked at.
    n
        Most targets of a concept.
    n_everywhere
        Random tokens of the corpus.
    seed
        Of the draw.
    """
    everywhere, targets = _Smallest(n_everywhere), [_Smallest(n) for _ in concepts]
    pools = [_Smallest(N_POOL) for _ in concepts]
    for piece in pieces():
        drawn = _ordered(piece, seed)
        everywhere.add(drawn, np.arange(len(drawn.key)))
        for i, concept in enumerate(concepts):
            targets[i].add(drawn, np.flatnonzero(drawn.label[:, concept] == 1))
            pools[i].add(drawn, np.flatnonzero(drawn.label[:, concept] == 0))
    alike = [_ByType(target.found.type_id) for target in targets]
    for piece in pieces():
        drawn = _ordered(piece, seed)
        for i, concept in enumerate(concepts):
            alike[i].add(drawn, np.flatnonzero(drawn.label[:, concept] == 0))
    frequency = np.log(np.maximum(type_n_token, 1))
    pairs = [_match(t.found, a, p.found, frequency) for t, a, p in zip(targets, alike, pools, strict=True)]
    return Tokens(
        tuple(target.found.time for target in targets),
        tuple(control for control, _ in pairs),
        tuple(same for _, same in pairs),
        np.sort(everywhere.found.time),
    )


class _Drawn(NamedTuple):
    """Tokens by ascending key."""

    key: NDArray[np.uint64]
    time: NDArray[np.int64]
    type_id: NDArray[np.int32]
    label: NDArray[np.int8]


class _Kept(NamedTuple):
    """Tokens that may be taken."""

    key: NDArray[np.uint64]
    time: NDArray[np.int64]
    type_id: NDArray[np.int32]

    def take(self, order: NDArray[np.integer]) -> "_Kept":
        """Return some of them."""
        return _Kept(self.key[order], self.time[order], self.type_id[order])


class _Smallest:
    """The ``n`` tokens with the smallest keys."""

    def __init__(self, n: int) -> None:
        self._n, self.found = n, _none()

    def add(self, drawn: _Drawn, rows: NDArray[np.int64]) -> None:
        """Consider some rows, in ascending order of keys."""
        both = _together(self.found, drawn, rows[: self._n])
        order = np.argsort(both.key, kind="stable")[: self._n]
        self.found = both.take(order)


class _ByType:
    """Of each type the tokens with the smallest keys, as many as targets have the type."""

    def __init__(self, type_id: NDArray[np.int32]) -> None:
        types, counts = np.unique(type_id, return_counts=True)
        self._types, self._wanted, self.found = types, counts, _none()

    def add(self, drawn: _Drawn, rows: NDArray[np.int64]) -> None:
        """Consider some rows."""
        if not len(self._types):
            return
        place = np.searchsorted(self._types, drawn.type_id[rows]).clip(max=len(self._types) - 1)
        both = _together(self.found, drawn, rows[self._types[place] == drawn.type_id[rows]])
        order = np.lexsort((both.key, both.type_id))
        ordered = both.type_id[order]
        first = np.searchsorted(ordered, ordered, side="left")
        wanted = self._wanted[np.searchsorted(self._types, ordered)]
        order = order[np.arange(len(order)) - first < wanted]
        self.found = both.take(order)


def _match(
    target: _Kept, alike: _ByType, pool: _Kept, frequency: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a control for each target, -1 for none, and whether it is of the same type."""
    control, same = np.full(len(target.time), -1, np.int64), np.zeros(len(target.time), bool)
    for type_id in np.unique(target.type_id):
        rows, found = np.flatnonzero(target.type_id == type_id), alike.found.time[alike.found.type_id == type_id]
        rows = rows[: len(found)]
        control[rows], same[rows] = found[: len(rows)], True
    free, distance_of = ~np.isin(pool.time, control), frequency[pool.type_id]
    for row in np.flatnonzero(~same):
        if free.any():
            distance = np.where(free, np.abs(distance_of - frequency[target.type_id[row]]), np.inf)
            nearest = int(distance.argmin())  # of equal ones that with the smallest key
            control[row], free[nearest] = pool.time[nearest], False
    return control, same


def token_keys(time: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return a random number for each token."""
    return mix_bits(time.astype(np.uint64) * np.uint64(GOLDEN) + np.uint64((seed + 1) * FACTORS[0] % 2**64))


def _ordered(piece: Piece, seed: int) -> _Drawn:
    time = np.arange(piece.start, piece.start + len(piece.type_id))
    key = token_keys(time, seed)
    order = np.argsort(key)
    return _Drawn(key[order], time[order], piece.type_id[order], np.asfortranarray(piece.label[order]))


def _none() -> _Kept:
    return _Kept(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int32))


def _together(kept: _Kept, drawn: _Drawn, rows: NDArray[np.integer]) -> _Kept:
    return _Kept(
        np.concatenate([kept.key, drawn.key[rows]]),
        np.concatenate([kept.time, drawn.time[rows]]),
        np.concatenate([kept.type_id, drawn.type_id[rows]]),
    )
