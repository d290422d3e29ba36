"""Lanes: they tile the corpus in whole rows on disk, and every token is read in its stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.inference.lanes import GROUPS, Lanes, equal_streams, one_chain, parallel_lanes
from lstm_analysis.inference.shards import Shard


def read_with_sums(shards: list[Shard], starts: dict[int, np.ndarray]) -> dict[int, int]:
    """Read shards with a model whose state is the sum of the tokens, 1 each; return the state after each token."""
    found: dict[int, int] = {}
    ends: dict[int, np.ndarray] = {}
    for shard in shards:
        before = None if shard.after is None and shard.group is None else starts.get(shard.group)
        before = ends[shard.after] if shard.after is not None else before
        end = np.zeros(shard.n_lane, int) if before is None else before.copy()
        for segment in shard.segments:
            state = before[segment.lane] if segment.carried else 0
            for time in range(segment.read_from, segment.stop):
                state += 1
                if time >= segment.start:
                    assert time not in found
                    found[time] = state
            if segment.lane is not None and shard.n_lane:
                end[segment.lane] = state
        ends[shard.index] = end
    return found


def check_rows(lanes: Lanes, shards: list[Shard]) -> None:
    """Check that the shards hold each token once, in whole rows on disk, in the order of their segments."""
    assert sorted(t for shard in shards for span in shard.spans for t in range(*span)) == list(range(lanes.n_token))
    for shard in shards:
        assert list(shard.spans) == sorted(shard.spans)
        assert all(a % lanes.rows == 0 and (b % lanes.rows == 0 or b == lanes.n_token) for a, b in shard.spans)
        kept = [t for segment in shard.segments for t in range(segment.start, segment.stop)]
        assert kept == [t for span in shard.spans for t in range(*span)]


@given(st.integers(1, 400), st.integers(1, 30), st.integers(1, 60))
def test_equal_streams_begin_where_a_training_would_begin_them(n_token: int, n_stream: int, shard_tokens: int) -> None:
    n_stream = min(n_stream, n_token)
    lanes = equal_streams(n_token, n_stream, shard_tokens)
    shards = lanes.shards()
    check_rows(lanes, shards)
    length = n_token // n_stream
    expected = {t: t - min(t // length, n_stream - 1) * length + 1 for t in range(n_token)}
    assert read_with_sums(shards, {}) == expected


@given(st.integers(1, 3000), st.integers(1, 40), st.integers(4, 200))
def test_lanes_of_one_stream_equal_one_pass(n_token: int, warm_up: int, shard_tokens: int) -> None:
    lanes = parallel_lanes(n_token, warm_up, shard_tokens)
    shards = lanes.shards()
    check_rows(lanes, shards)
    starts = {g: np.array([lanes.bounds(lane)[0] for lane in members]) for g, members in enumerate(lanes.groups())}
    assert read_with_sums(shards, starts) == {t: t + 1 for t in range(n_token)}
    assert all(shard.n_token <= max(shard_tokens, lanes.rows * lanes.group) for shard in shards)


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 100))
def test_one_chain_reads_in_sequence(n_token: int, rows: int, shard_tokens: int) -> None:
    lanes = one_chain(n_token, rows, shard_tokens)
    shards = lanes.shards()
    check_rows(lanes, shards)
    assert [shard.after for shard in shards] == [None, *range(len(shards) - 1)]
    assert read_with_sums(shards, {}) == {t: t + 1 for t in range(n_token)}


@pytest.mark.parametrize(
    ("n_token", "warm_up", "n_lane"),
    [
        (929_589, None, 1),
        (929_589, 3_072, 32),
        (929_589, 500_000, 1),
        (929_589, 18_000, 16),
        (100_000_000, 3_072, 1600),
    ],
)
def test_the_number_of_lanes_follows_from_corpus_and_memory(n_token: int, warm_up: int | None, n_lane: int) -> None:
    lanes = parallel_lanes(n_token, warm_up, 65_536)
    assert lanes.n_lane <= n_lane
    assert lanes.n_lane > n_lane * 0.8
    assert lanes.group * lanes.rows <= 65_536
    assert len(list(lanes.groups())) >= GROUPS or lanes.n_lane == 1
