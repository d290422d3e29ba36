"""The places of a corpus where most of a set of neurons is on together, ranked by Jaccard's coefficient, exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .agreement import Conjunct, all_conjuncts, count_agreeing
from .bits import Bits
from .counting import Positions, Runs, level_counts, runs_from

BATCH = 256
"""Runs that are compared with all neurons before it is asked whether there are enough matches."""
FIRST_RUNS, MORE = 16, 8
"""Runs a result that are looked at first, and by how much more if they do not suffice."""
MOST_RUNS = 1 << 24
"""Runs that are held in memory, 24 bytes each."""


@dataclass(frozen=True)
class Pattern:
    """What is looked for.

    Parameters
    ----------
    conjuncts
        The selected neurons, each with the side on which it is on.
    left, right
        Tokens beside a match at which they are off.
    layer
        Whose neurons count in the union; ``None`` for all layers.
    phrase_length
        Tokens of a match; 0 for any.
    """

    conjuncts: Sequence[Conjunct]
    left: int
    right: int
    layer: int | None = None
    phrase_length: int = 0


@dataclass(frozen=True)
class Matches:
    """Places, best first, dims (match): half-open, selected neurons that agree there, and neurons in either set.

    ``complete_above``: of the places with a larger Jaccard coefficient none is missing, but for those that overlap a
    listed one, share its group, or rank behind the last of as many as were asked for.
    """

    start: Positions
    stop: Positions
    n_shared: NDArray[np.int64]
    n_union: NDArray[np.int64]
    complete_above: float = 0.0

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Share of the neurons in either set that are in both."""
        return self.n_shared / np.maximum(self.n_union, 1)

    def take(self, rows: NDArray[np.intp]) -> "Matches":
        """Return some of them."""
        parts = (self.start[rows], self.stop[rows], self.n_shared[rows], self.n_union[rows])
        return Matches(*parts, self.complete_above)


@dataclass(frozen=True)
class Groups:
    """What may give one match only: documents, say.

    Parameters
    ----------
    start
        First token of each, ascending; ``None``: matches are not grouped.
    exempt
        A span whose matches are in no group: the query itself.
    """

    start: Positions | None = None
    exempt: tuple[int, int] | None = None

    def of(self, start: Positions, stop: Positions) -> Positions:
        """Return the group of each run, that of its first token; -1 for one that is in none."""
        if self.start is None:
            return np.full(len(start), -1, np.int64)
        group = np.searchsorted(self.start, start, side="right").astype(np.int64) - 1
        if self.exempt is not None:
            group[(start < self.exempt[1]) & (stop > self.exempt[0])] = -1
        return group


def find_places(bits: Bits, pattern: Pattern, n_results: int, groups: Groups) -> Matches:
    """Return the best matches.

    A place is a run of tokens (see `runs_from`) at each of which so and so many of the pattern's neurons C are on. A
    are the neurons that are on at all its tokens and off in its flanks, J = \\|A and C\\| / \\|A or C\\|. Places are
    taken in the order (J, \\|A and C\\|, length, falling; start, rising), each unless it overlaps one taken before or
    is in the same group, until there are ``n_results``. The list does not depend on how the search is cut: J is at most
    the share of C that is on, so what was not looked at cannot come before what is returned.
    """
    columns = [bits.words(*one) for one in pattern.conjuncts]
    number = level_counts(columns, bits.n_time)
    for lowest in _levels(number, n_results):
        runs = _of_length(runs_from(columns, bits.n_time, lowest), pattern.phrase_length)
        found = _best(bits, pattern, runs, lowest, n_results, groups)
        if len(found.start) >= n_results:
            break
    return found


def _levels(number: NDArray[np.int64], n_results: int) -> Iterator[int]:
    """Yield falling lowest levels: each lets some times more runs in, down to 1 or what memory has room for."""
    at_least = np.cumsum(number[::-1])[::-1]
    possible = [level for level in range(1, len(number)) if at_least[level] <= MOST_RUNS] or [len(number) - 1]
    wanted, before = FIRST_RUNS * n_results, len(number)
    while before > possible[0]:
        enough = [level for level in possible if level < before and at_least[level] >= wanted]
        before = max(enough, default=possible[0])
        wanted *= MORE
        yield before


def _of_length(runs: Runs, length: int) -> Runs:
    if length <= 0:
        return runs
    fits = runs.stop - runs.start == length
    return Runs(runs.start[fits], runs.stop[fits], runs.level[fits])


def _best(bits: Bits, pattern: Pattern, runs: Runs, lowest: int, n_results: int, groups: Groups) -> Matches:
    """Return the best matches among runs, as far as those of lower levels cannot come before them."""
    n, sides = len(pattern.conjuncts), (pattern.left, pattern.right)
    n_shared = count_agreeing(bits, pattern.conjuncts, runs.start, runs.stop, *sides)
    order = np.lexsort((runs.start, -n_shared))
    order = order[n_shared[order] >= lowest]
    everything, done = all_conjuncts(bits, pattern.layer), 0
    found = Matches(*(np.empty(0, np.int64) for _ in range(4)))
    while done < len(order):
        batch = np.sort(order[done : done + BATCH])
        start, stop = runs.start[batch], runs.stop[batch]
        union = count_agreeing(bits, everything, start, stop, *sides) + n - n_shared[batch]
        found = _joined(found, Matches(start, stop, n_shared[batch], union))
        done += len(batch)
        most = int(n_shared[order[done]]) if done < len(order) else lowest - 1
        taken = _taken(found, groups, n_results, most, n)
        if len(taken) == n_results:
            return found.take(taken)
    taken = _taken(found, groups, n_results, lowest - 1, n)
    complete = Matches(found.start, found.stop, found.n_shared, found.n_union, (lowest - 1) / n if n else 0.0)
    return complete.take(taken)


def _joined(one: Matches, other: Matches) -> Matches:
    names = ("start", "stop", "n_shared", "n_union")
    return Matches(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in names))


def _taken(found: Matches, groups: Groups, n_results: int, most: int, n: int) -> NDArray[np.intp]:
    """Return the first matches of those that nothing with at most ``most`` agreeing neurons can come before."""
    sure = np.flatnonzero(found.n_shared * n > most * found.n_union)
    one = found.take(sure)
    order = np.lexsort((one.start, one.start - one.stop, -one.n_shared, -one.jaccard))
    one = one.take(order)
    kept = _first_apart(one.start, one.stop, groups.of(one.start, one.stop), n_results)
    return sure[order[kept]]


@compiled
def _first_apart(start: Positions, stop: Positions, group: Positions, most: int) -> NDArray[np.int64]:
    """Return the first runs that overlap none before them and whose group, if any, is new."""
    kept = np.empty(min(most, len(start)), np.int64)
    n = 0
    for i in range(len(start)):
        if n == len(kept):
            break
        apart = True
        for k in range(n):
            j = kept[k]
            if (start[i] < stop[j] and stop[i] > start[j]) or (group[i] >= 0 and group[i] == group[j]):
                apart = False
                break
        if apart:
            kept[n] = i
            n += 1
    return kept[:n]
