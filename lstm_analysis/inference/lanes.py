"""The plan for streams that run through many shards: lanes, read side by side a stretch at a time.

A corpus that is one stream, or a few, is cut into *lanes*, equal contiguous parts. A shard is the same stretch of every
lane of a group; it goes on from the end states of the shard before it, and the groups are independent of each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import UserError
from .shards import Segment, Shard

GROUPS = 4
MAX_LANES = 64
CHEAP_SCOUTING = 0.05
HALF_SPEED_LANES = 1
"""Streams side by side at which a worker reads half as fast as it can."""
IDLE = 2
"""How many times longer one chain may take for all it costs: it leaves every worker but one idle."""


@dataclass(frozen=True)
class Lanes:
    """How a corpus is cut into lanes.

    Parameters
    ----------
    n_token
        Tokens of the corpus.
    n_lane
        Number of lanes.
    length
        Tokens of a lane; the last one holds what is left.
    group
        Lanes side by side.
    rows
        Tokens of a lane in a shard on disk.
    stretch
        Tokens of a lane in a shard, a multiple of ``rows``.
    scouted
        Whether a lane goes on from the one before it, from a state that was scouted; else it begins from zeros.
    """

    n_token: int
    n_lane: int
    length: int
    group: int
    rows: int
    stretch: int
    scouted: bool

    def bounds(self, lane: int) -> tuple[int, int]:
        """Return the first token of a lane and the one after its last."""
        start = lane * self.length
        return start, self.n_token if lane == self.n_lane - 1 else start + self.length

    def groups(self) -> Iterator[range]:
        """Yield the lanes of each group."""
        for first in range(0, self.n_lane, self.group):
            yield range(first, min(first + self.group, self.n_lane))

    def shards(self) -> list[Shard]:
        """Return the shards, group by group, each group in the order of reading."""
        found: list[Shard] = []
        for g, lanes in enumerate(self.groups()):
            n_stretch = max(-(-(stop - start) // self.stretch) for start, stop in map(self._owned, lanes))
            for j in range(n_stretch):
                found.append(self._shard(len(found), g, lanes, j, last=j == n_stretch - 1))
        return found

    def _owned(self, lane: int) -> tuple[int, int]:
        """Return the tokens that a lane's shards keep: rows on disk belong to the lane that holds the first of them."""
        start, stop = self.bounds(lane)
        return -(-start // self.rows) * self.rows, min(-(-stop // self.rows) * self.rows, self.n_token)

    def _shard(self, index: int, group: int, lanes: range, j: int, last: bool) -> Shard:
        segments: list[Segment] = []
        spans = []
        for lane in lanes:
            first, end = self._owned(lane)
            start, stop = first + j * self.stretch, min(first + (j + 1) * self.stretch, end)
            if start < stop:
                spans.append((start, stop))
                segments += self._segments(lane, lane - lanes[0], start, stop, first_stretch=j == 0)
        scouted = self.scouted and j == 0 and lanes[-1] > 0
        return Shard(
            index,
            tuple(spans),
            min(segment.read_from for segment in segments),
            tuple(segments),
            after=None if j == 0 else index - 1,
            group=group if scouted else None,
            n_lane=0 if last and not self.scouted else len(lanes),
        )

    def _segments(self, lane: int, place: int, start: int, stop: int, first_stretch: bool) -> Iterator[Segment]:
        """Yield what is read for the rows of a lane: the lane itself, and the heads of later lanes in its last rows."""
        begin, end = self.bounds(lane)
        carried = not first_stretch or (self.scouted and lane > 0)
        yield Segment(begin if first_stretch else start, start, min(stop, end), place, carried)
        while end < stop:
            lane += 1
            begin, end = self.bounds(lane)
            yield Segment(begin, begin, min(stop, end))


def equal_streams(n_token: int, n_stream: int, shard_tokens: int) -> Lanes:
    """Return the lanes of ``carry: streams``: the layout of a training with ``n_stream`` parallel streams.

    Each stream has ``n_token // n_stream`` tokens; the last one also has the tokens that a training would leave out.

    Raises
    ------
    UserError
        If there are more streams than tokens.
    """
    if n_stream > n_token:
        raise UserError(f"inference.streams is {n_stream}, but the corpus has {n_token} tokens only; give fewer.")
    group = min(MAX_LANES, -(-n_stream // GROUPS))
    rows = max(1, shard_tokens // group)
    return Lanes(n_token, n_stream, n_token // n_stream, group, rows, rows, scouted=False)


def one_chain(n_token: int, rows: int, shard_tokens: int) -> Lanes:
    """Return one lane for the whole corpus: every shard waits for the one before it."""
    stretch = max(1, shard_tokens // rows) * rows
    return Lanes(n_token, 1, n_token, 1, rows, stretch, scouted=True)


def parallel_lanes(n_token: int, warm_up: int | None, shard_tokens: int) -> Lanes:
    """Return the lanes by which one stream over the corpus is read soonest.

    More lanes multiply faster, but each has to be scouted for ``warm_up`` tokens before its start. A long corpus gets
    more lanes than one worker wants, in groups for many workers, as long as scouting is 5 % of the reading at most.

    Parameters
    ----------
    n_token
        Tokens of the corpus.
    warm_up
        Tokens after which the model's state no longer depends on where reading began; ``None`` if it always does.
    shard_tokens
        Tokens of a shard.

    Returns
    -------
    The lanes; one, if parallel reading does not pay.
    """
    best, n_lane = one_chain(n_token, shard_tokens, shard_tokens), GROUPS
    lowest = IDLE * _cost(n_token, 1, 1, 0)
    while warm_up is not None and n_lane * warm_up <= n_token and n_lane <= GROUPS * shard_tokens:
        group = min(MAX_LANES, n_lane // GROUPS)
        cost = _cost(n_token, n_lane, group, warm_up)
        if cost < lowest:
            lowest, best = cost, _scouted(n_token, n_lane, group, shard_tokens)
        n_lane *= 2
    if warm_up is not None and best.group == MAX_LANES:
        many = int(CHEAP_SCOUTING * n_token / warm_up) // MAX_LANES * MAX_LANES
        best = _scouted(n_token, max(many, best.n_lane), MAX_LANES, shard_tokens)
    return best


def _cost(n_token: int, n_lane: int, group: int, warm_up: int) -> float:
    """Return tokens to read over the share of the top speed at which a worker reads them."""
    return (n_token + (n_lane - 1) * warm_up) * (1 + HALF_SPEED_LANES / group)


def _scouted(n_token: int, n_lane: int, group: int, shard_tokens: int) -> Lanes:
    rows = shard_tokens // group
    length = -(-n_token // (n_lane * rows)) * rows
    return Lanes(n_token, -(-n_token // length), length, group, rows, rows, scouted=True)
