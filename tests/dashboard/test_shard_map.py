"""What has become of each shard, from the transitions of its task."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.dashboard.shard_map import STATES, ShardMap


def names(shards: ShardMap) -> list[str]:
    return [STATES[code] for code in shards.state]


def test_a_shard_goes_its_way() -> None:
    shards = ShardMap("extract", 4, [(3, 4)])
    assert names(shards) == ["waiting", "waiting", "waiting", "done before"]
    shards.again(0)  # its task comes to the scheduler
    shards.sent(0, "a")
    assert names(shards)[0] == "running"
    shards.finished(0, "b", 2.5)  # stolen by b
    assert (names(shards)[0], shards.worker(0), shards.seconds[0]) == ("done", "b", 2.5)
    assert shards.worker(1) is None
    assert shards.n_try_again == 0
    assert dict(zip(STATES, shards.counts, strict=True)) == {
        "waiting": 2, "running": 0, "retried": 0, "done before": 1, "done": 1, "failed": 0,
    }  # fmt: skip


def test_a_try_that_fails_and_a_result_that_is_lost_are_tried_again() -> None:
    shards = ShardMap("extract", 2)
    for index in (0, 1):
        shards.sent(index, "a")
    shards.again(0)
    shards.again(0)  # from released to no-worker to queued: still the same try
    assert names(shards) == ["retried", "running"]
    shards.sent(0, "b")
    assert names(shards)[0] == "retried"
    shards.again(0)
    shards.finished(0, "b", 1.0)
    shards.finished(1, "a", 1.0)
    shards.again(1)
    assert names(shards) == ["done", "retried"]
    assert shards.n_retry == {0: 2, 1: 1}
    assert shards.n_try_again == 3


def test_an_error_as_answer_is_a_failure_and_a_new_try_may_mend_it() -> None:
    shards = ShardMap("extract", 2)
    shards.sent(0, "a")
    shards.refuse(0)
    shards.finished(0, "a", 0.1)
    shards.failed(1)
    assert names(shards) == ["failed", "failed"]
    shards.sent(0, "b")
    shards.finished(0, "b", 0.1)
    assert names(shards) == ["done", "failed"]


def test_a_task_that_nobody_wants_any_more_waits() -> None:
    shards = ShardMap("extract", 3)
    shards.sent(0, "a")
    shards.sent(1, "a")
    shards.finished(1, "a", 1.0)
    for index in range(3):
        shards.dropped(index)  # the driver lets go of all of them
    assert names(shards) == ["waiting", "done", "waiting"]


def test_what_was_not_seen_is_done_when_all_is_over() -> None:
    shards = ShardMap("extract", 5, [(0, 2)])
    shards.sent(3, "a")
    shards.over()
    assert names(shards) == ["done before", "done before", "done", "done", "done"]
    assert sum(shards.counts) == 5


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("extract-12-a1b2c3", 12), ("extract-0-abcdef", 0), ("extract-20-a1b2c3", None), ("extract-1-3-a1b2c3", None),
        ("extracted-3-a1b2c3", None), ("extract-a1b2c3", None), ("extract--1-a1b2c3", None), ("extract-²-a1b2c3", None),
        (("extract-1", 0), None), (b"extract-1-a", None),
    ],
)  # fmt: skip
def test_only_the_keys_of_the_step_are_shards(key: object, index: int | None) -> None:
    assert ShardMap("extract", 20).index(key) == index


def test_a_name_with_a_dash_is_a_step_too() -> None:
    assert ShardMap("merge-1", 9).index("merge-1-3-a1b2c3") == 3


ACTIONS = st.sampled_from(["sent", "again", "finished", "failed", "dropped", "refuse"])


@given(st.lists(st.tuples(ACTIONS, st.integers(0, 6), st.sampled_from("ab")), max_size=60))
def test_counts_are_those_of_the_states_whatever_happens(events: list[tuple[str, int, str]]) -> None:
    shards = ShardMap("extract", 7, [(5, 9)])
    for action, index, worker in events:
        arguments = {"sent": (worker,), "finished": (worker, 1.0)}.get(action, ())
        getattr(shards, action)(index, *arguments)
    assert shards.counts == [list(shards.state).count(code) for code in range(len(STATES))]
    runs = shards.runs()
    assert [name for name, n in runs for _ in range(n)] == names(shards)
    assert all(one[0] != other[0] for one, other in pairwise(runs))


def test_a_map_takes_a_few_bytes_a_shard_and_more_workers_than_can_be_told_apart_do_no_harm() -> None:
    shards = ShardMap("extract", 100_000)
    assert len(shards.state) == 100_000
    assert shards.seconds.itemsize + shards._worker.itemsize + 1 <= 8
    for number in range(70_000):
        shards.sent(number, f"w{number}")
    assert len(shards.workers) == 0xFFFF
    assert shards.worker(5) == "w5"
    assert shards.worker(69_999) == shards.workers[-1]
