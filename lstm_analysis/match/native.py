"""The places of a corpus where most of a set of neurons is on together, ranked by Jaccard's coefficient, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .agreement import Chosen, Conjunct, Positions, count_agreeing, mask_of_all
from .bits import Bits, Words
from .counting import Runs, count_tokens, runs_from

BATCH = 1024
"""Runs that are compared with all neurons before it is first asked whether there are enough matches."""
FIRST_TOKENS, MORE = 32, 8
"""Tokens a result whose runs are looked at first, and by how much more if they do not suffice."""
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
    universe
        Neurons that count in the union, as bits: dims (side, layer, word).
    phrase_length
        Tokens of a match; 0 for any.
    """

    conjuncts: Sequence[Conjunct]
    left: int
    right: int
    universe: Words
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
        start, stop, n_shared, n_union = (part[rows] for part in (self.start, self.stop, self.n_shared, self.n_union))
        return Matches(start, stop, n_shared, n_union, self.complete_above)


def overlapping(start: Positions, stop: Positions, span: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which runs, half-open, share a token with a span."""
    return (start < span[1]) & (stop > span[0])


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
            group[overlapping(start, stop, self.exempt)] = -1
        return group


def find_places(bits: Bits, pattern: Pattern, n_results: int, groups: Groups) -> Matches:
    """Return the best matches.

    A place is a run of tokens (see `runs_from`) at each of which so and so many of the pattern's neurons C are on. A
    are the neurons that are on at all its tokens and off in its flanks, J = \\|A and C\\| / \\|A or C\\|. Places are
    taken in the order (J, \\|A and C\\|, length, falling; start, rising), each unless it overlaps one taken before or
    is in the same group, until there are ``n_results``. The list does not depend on how the search is cut: J is at most
    the share of C that is on, so what was not looked at cannot come before what is returned.
    """
    chosen = Chosen(bits, pattern.conjuncts)
    at_least = np.cumsum(count_tokens(chosen)[::-1])[::-1]
    final, tokens = _level_with(at_least, MOST_RUNS, more=False), FIRST_TOKENS * n_results
    lowest = max(final, _level_with(at_least, tokens))
    while True:
        runs = _of_length(runs_from(chosen, lowest), pattern.phrase_length)
        n_shared = count_agreeing(chosen, mask_of_all(chosen), runs.start, runs.stop, pattern.left, pattern.right)
        found, needed = _best(bits, pattern, runs, n_shared, lowest, n_results, groups)
        if len(found.start) >= n_results or lowest == final:
            return found
        tokens *= MORE
        lowest = min(lowest - 1, max(final, needed, _level_with(at_least, tokens)))


def _level_with(at_least: NDArray[np.int64], tokens: int, more: bool = True) -> int:
    """Return the highest level from 1 on that so many tokens or more reach; or the lowest that no more of them do."""
    levels = np.arange(1, len(at_least))
    fits = levels[at_least[1:] >= tokens] if more else levels[at_least[1:] <= tokens]
    if more:
        return int(fits.max(initial=1))
    return int(fits.min(initial=len(levels)))


def _of_length(runs: Runs, length: int) -> Runs:
    if length <= 0:
        return runs
    fits = runs.stop - runs.start == length
    return Runs(runs.start[fits], runs.stop[fits], runs.level[fits])


def _best(
    bits: Bits,
    pattern: Pattern,
    runs: Runs,
    n_shared: NDArray[np.int64],
    lowest: int,
    n_results: int,
    groups: Groups,
) -> tuple[Matches, int]:
    """Return the best matches, as far as runs below ``lowest`` cannot come before them.

    And a level at which, if no better ones turn up meanwhile, there are enough.
    """
    n, done, batch = len(pattern.conjuncts), 0, BATCH
    order = np.flatnonzero(n_shared >= lowest)
    kind: type[np.signedinteger[Any]] = np.int16 if n < 1 << 15 else np.int64  # 16 bits are sorted by radix
    order = order[np.argsort(-n_shared[order].astype(kind), kind="stable")]
    n_union = np.ones(len(runs.start), np.int64)
    taken = order[:0]
    while done < len(order) and len(taken) < n_results:
        now = np.sort(order[done : done + batch])
        n_active = count_agreeing(bits, pattern.universe, runs.start[now], runs.stop[now], pattern.left, pattern.right)
        n_union[now] = n_active + n - n_shared[now]
        done, batch = done + len(now), 2 * batch
        most = int(n_shared[order[done]]) if done < len(order) else lowest - 1
        taken = order[_taken(_part(runs, n_shared, n_union, order[:done]), groups, n_results, most, n)]
    found = _part(runs, n_shared, n_union, taken)
    if len(taken) >= n_results:
        return found, 1
    any_ = order[_taken(_part(runs, n_shared, n_union, order), groups, n_results, 0, n)]
    needed = -(-n * int(n_shared[any_[-1]]) // int(n_union[any_[-1]])) if len(any_) >= n_results else 1
    return replace(found, complete_above=(lowest - 1) / n), needed


def _part(runs: Runs, n_shared: NDArray[np.int64], n_union: NDArray[np.int64], rows: NDArray[np.intp]) -> Matches:
    return Matches(runs.start[rows], runs.stop[rows], n_shared[rows], n_union[rows])


def _taken(found: Matches, groups: Groups, n_results: int, most: int, n: int) -> NDArray[np.intp]:
    """Return the first matches of those that nothing with at most ``most`` agreeing neurons can come before."""
    sure = np.flatnonzero(found.n_shared * n > most * found.n_union)
    one = found.take(sure)
    order = np.lexsort((one.start, one.start - one.stop, -one.n_shared, -one.jaccard))
    one = one.take(order)
    kept = _first_apart(one.start, one.stop, groups.of(one.start, one.stop), n_results)
    taken: NDArray[np.intp] = sure[order[kept]]
    return taken


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
