"""The plan: which tokens a shard holds, and from where its first stream has to be read."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """A unit of extraction: the tokens ``[start, stop)``.

    Parameters
    ----------
    index
        Number of the shard.
    start, stop
        Its tokens, positions on ``time``.
    read_from
        Where reading begins: before ``start`` if the stream that lies across the edge began less than a shard earlier.
    continues
        That stream began earlier still: reading goes on from the predecessor's end state.
    hands_over
        The successor needs this shard's end state.
    """

    index: int
    start: int
    stop: int
    read_from: int
    continues: bool = False
    hands_over: bool = False

    @property
    def n_token(self) -> int:
        """Tokens of the shard."""
        return self.stop - self.start


def plan_shards(n_token: int, shard_tokens: int, stream_start: Callable[[int], int]) -> list[Shard]:
    """Cut ``[0, n_token)`` into shards.

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
    plan: list[tuple[int, int, int, bool]] = []
    for start in range(0, n_token, shard_tokens):
        began = stream_start(start)
        continues = start - began > shard_tokens
        plan.append((start, min(start + shard_tokens, n_token), start if continues else began, continues))
    following = [continues for *_, continues in plan[1:]] + [False]
    return [
        Shard(i, start, stop, read_from, continues, hands_over)
        for i, ((start, stop, read_from, continues), hands_over) in enumerate(zip(plan, following, strict=True))
    ]
