"""Lanes that meet in h while saturated cells do not yet: their true c follows from the forget gates in between.

A cell far beyond saturation shows in h by its sign alone, so h forgets where reading began long before c does. Once
all lanes are read, what is left of each lane's wrong start at its end is known exactly, hence the true c at the start
of the next; the stored c is corrected by it. That h was not touched is checked at every token.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import tasks
from ..cluster import work
from ..errors import UserError
from ..inference.forgetting import allowed, differing
from ..inference.lanes import Lanes
from ..inference.shards import Shard
from ..store import commit_path
from ..tasks import Receipt
from ..tasks.carried import State
from .reading import NotForgotten, Reading
from .work import explain, log

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settled:
    """What settling found.

    Parameters
    ----------
    n_cell
        Wrong starts of a cell in a lane.
    effect
        By how much h may be wrong because of them, at most.
    n_again
        Lanes or shards that have to be read again before anything is settled.
    """

    n_cell: int = 0
    effect: float = 0.0
    n_again: int = 0


def settle(reading: Reading, receipts: dict[int, Receipt], starts: State, ends: State) -> Settled:
    """Correct the c of lanes that began with another one than the lane before ended with.

    Parameters
    ----------
    reading
        Whose lanes all meet, saturated cells aside.
    receipts
        Of all shards; those that change are replaced.
    starts, ends
        States that each lane began from and ended with, dims (lane, part, layer, neuron).

    Raises
    ------
    NotForgotten
        If a cell keeps a wrong start over the whole corpus.
    """
    pairs = np.argwhere(differing(starts[1:], ends[:-1], reading.job.tolerance)[:, 1].any(axis=0))
    if not len(pairs):
        return Settled()
    begin, last = (states[:, 1, pairs[:, 0], pairs[:, 1]].astype(np.float64) for states in (starts, ends))
    true = _true_starts(reading, pairs, begin, last)
    error = begin - true
    error[np.abs(error) <= allowed(true, reading.job.tolerance)] = 0
    found = _follow(reading, pairs, begin, error, correct=False)
    effect = np.concatenate([group["effect"] for group in found])
    wrong = ~(effect <= reading.job.tolerance)
    n_wrong, again = int(wrong.sum()), []
    if n_wrong:
        better = np.concatenate([starts[:1], ends[:-1]])
        better[:, 1, pairs[:, 0], pairs[:, 1]] = true
        log.info(
            "settle: in %d of %d lanes the wrong start of a cell shows in h, by up to %.1e; they are read again",
            n_wrong,
            len(effect),
            effect.max(),
        )
        reading.begin_anew(np.where(wrong[:, None, None, None], better, starts), wrong)
        again = [index for index, receipt in receipts.items() if receipt.get("settled")]  # by a run that was stopped
    elif "cell" in reading.job.states:
        for group in _follow(reading, pairs, begin, error, correct=True):
            receipts |= group["commits"]
            again += group["damaged"]
    for index in again:
        commit_path(reading.state.run, index).unlink(missing_ok=True)
        receipts.pop(index, None)
    return Settled(int((error != 0).sum()), float(effect.max()), n_wrong or len(again))


def _follow(reading: Reading, pairs: NDArray[np.int64], begin: Array, error: Array, correct: bool) -> list[Any]:
    """Follow the wrong starts through all lanes, and correct the stored c if asked to."""
    members = [slice(lanes.start, lanes.stop) for lanes in _scouted(reading).groups()]
    return _by_group(
        reading,
        "settle" if correct else "follow",
        tasks.settle_lanes,
        lambda g: (pairs, begin[members[g]], error[members[g]], correct),
    )


def _true_starts(reading: Reading, pairs: NDArray[np.int64], begin: Array, last: Array) -> Array:
    """Return the c that each lane should have begun from, dims (lane, pair)."""
    lanes = _scouted(reading)
    retained = np.concatenate(_by_group(reading, "retain", tasks.retained_by_lanes, lambda _: (pairs,)))
    length = np.diff([lanes.bounds(lane) for lane in range(lanes.n_lane)])
    true = begin.copy()
    for lane in range(1, lanes.n_lane):
        true[lane] = last[lane - 1] - retained[lane - 1] * (begin[lane - 1] - true[lane - 1])
    wrong = np.abs(begin - true) > allowed(true, reading.job.tolerance)
    if (wrong & (retained >= np.exp(-length / lanes.n_token))).any():
        raise NotForgotten
    return true


def _by_group(
    reading: Reading, name: str, task: Callable[..., Any], arguments: Callable[[int], tuple[Any, ...]]
) -> list[Any]:
    """Do a task for each group of lanes and return what it gives, in the order of the groups."""
    queue: deque[tuple[Any, ...]] = deque()
    for g, members in enumerate(_scouted(reading).groups()):
        shards = shards_of_group(reading, members)
        queue.append((g, shards, reading.job, *arguments(g)))
    found: dict[int, Any] = {}
    with reading.state.progress(name, len(queue), unit="groups") as bar:
        for (g, *_), outcome in work(reading.state.client, name, task, queue, copies=False):
            if isinstance(outcome, BaseException):
                raise UserError(
                    f"Settling the lanes failed: {explain(outcome, reading.state.run)}. Run the same command again."
                ) from outcome
            found[g] = outcome
            bar.update()
    return [found[g] for g in sorted(found)]


def shards_of_group(reading: Reading, members: range) -> list[Shard]:
    """Return the shards of a group of lanes, in the order of reading."""
    lanes = _scouted(reading)
    first, stop = lanes.bounds(members[0])[0], lanes.bounds(members[-1])[1]
    return [shard for shard in reading.shards if first <= shard.spans[0][0] < stop]


def _scouted(reading: Reading) -> Lanes:
    assert reading.lanes is not None
    return reading.lanes
