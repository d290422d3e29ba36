"""The plan: shards tile the corpus, and every stream is read from its start or handed over."""

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.inference.shards import plan_shards


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(1, 25))
def test_plan_tiles_the_corpus_and_reads_every_stream_from_its_start(lengths: list[int], shard_tokens: int) -> None:
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    n_token = sum(lengths)

    def stream_start(time: int) -> int:
        return starts[bisect_right(starts, time) - 1]

    shards = plan_shards(n_token, shard_tokens, stream_start)
    assert [t for shard in shards for t in range(*shard.spans[0])] == list(range(n_token))
    assert [shard.index for shard in shards] == list(range(len(shards)))
    for shard, following in zip(shards, [*shards[1:], None], strict=True):
        (start, _), *_ = shard.spans
        began = stream_start(start)
        assert start - shard.read_from <= shard_tokens
        assert shard.after == (shard.index - 1 if start - began > shard_tokens else None)
        assert shard.read_from == (began if shard.after is None else start)
        assert shard.n_lane == (following is not None and following.after is not None)


def test_a_plan_without_long_streams_has_no_chain() -> None:
    shards = plan_shards(100, 10, lambda time: time - time % 7)
    assert not any(shard.after is not None or shard.n_lane for shard in shards)


def test_one_endless_stream_is_a_chain() -> None:
    shards = plan_shards(100, 10, lambda time: 0)
    assert [shard.after for shard in shards] == [None, None, *range(1, 9)]
    assert shards[1].read_from == 0
