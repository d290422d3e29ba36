"""Units of extraction, and the plan for streams that begin anew at each document or sentence."""

from collections.abc import Callable
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True)
class Segment:
    """A run of tokens that is read in one go; the states of ``[start, stop)`` are kept.

    Parameters
    ----------
    read_from
        First token that is read.
    start, stop
        Tokens whose states are kept.
    lane
        Row of the carried states that it begins from, if ``carried``, and in which it leaves its own; ``None`` for a
        stream that nobody goes on with.
    carried
        Whether it begins from a carried state instead of zeros.
    """

    read_from: int
    start: int
    stop: int
    lane: int | None = None
    carried: bool = False


@dataclass(frozen=True)
class Shard:
    """A unit of extraction.

    Parameters
    ----------
    index
        Number of the shard.
    spans
        Its tokens, half-open positions on ``time`` in ascending order.
    read_from
        Where reading begins: before its first token if a stream that lies across the edge is read again.
    segments
        What is read, where the plan knows it; empty if that follows from the corpus' documents or sentences.
    after
        The shard whose end states it goes on from.
    group
        The group of lanes whose scouted states it begins from.
    n_lane
        Streams whose end states the next shard goes on from; 0 if none does.
    """

    index: int
    spans: tuple[Span, ...]
    read_from: int
    segments: tuple[Segment, ...] = ()
    after: int | None = None
    group: int | None = None
    n_lane: int = 0

    @property
    def n_token(self) -> int:
        """Tokens of the shard."""
        return sum(stop - start for start, stop in self.spans)


def tile(n_token: int, shard_tokens: int) -> list[Shard]:
    """Cut ``[0, n_token)`` into shards that need nothing but their own tokens."""
    starts = range(0, n_token, shard_tokens)
    return [Shard(i, ((a, min(a + shard_tokens, n_token)),), a) for i, a in enumerate(starts)]


def plan_shards(n_token: int, shard_tokens: int, stream_start: Callable[[int], int]) -> list[Shard]:
    """Cut ``[0, n_token)`` into shards, for streams that each begin anew.

    A shard depends on nothing but the corpus, unless a stream longer than a shard reaches into it: then it waits for
    its predecessor. Reading the part of a stream that lies before the edge again costs at most one shard's reading.

    Parameters
    ----------
    n_token
        Tokens of the corpus.
    shard_tokens
        Tokens of a shard.
    stream_start
        Position at which the stream (document or sentence) of a token begins.

    Returns
    -------
    The shards in order.
    """
    tiles = tile(n_token, shard_tokens)
    began = [stream_start(shard.read_from) for shard in tiles]
    continues = [shard.read_from - first > shard_tokens for shard, first in zip(tiles, began, strict=True)] + [False]
    return [
        Shard(
            shard.index,
            shard.spans,
            read_from=shard.read_from if continues[i] else began[i],
            after=i - 1 if continues[i] else None,
            n_lane=int(continues[i + 1]),
        )
        for i, shard in enumerate(tiles)
    ]
