"""What the plugins make of what happens on a scheduler and on its workers."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from watched_studies import message

from lstm_analysis.dashboard import plugin
from lstm_analysis.dashboard.counting import NAME, Counts
from lstm_analysis.dashboard.plugin import TOPIC, SchedulerWatch, WorkerCounts
from lstm_analysis.dashboard.shard_map import STATES
from lstm_analysis.dashboard.watched import Watched

ADDRESS = "tcp://10.0.0.1:4000"


@pytest.fixture
def scheduler() -> SimpleNamespace:
    metrics = {"memory": 5, NAME: {"tokens": 7, "failures": 1}}
    worker = SimpleNamespace(address=ADDRESS, name="one", metrics=metrics, memory_limit=10)
    nameless = SimpleNamespace(address="tcp://10.0.0.2:4000", name="tcp://10.0.0.2:4000", metrics={}, memory_limit=0)
    workers = {ADDRESS: worker, nameless.address: nameless}
    return SimpleNamespace(workers=workers, tasks={}, handlers={}, plugins={})


@pytest.fixture
def watch(scheduler: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SchedulerWatch:
    """Return the plugin in the middle of a step, without a dashboard."""
    monkeypatch.setattr(plugin, "close_pages", lambda scheduler, watched: None)
    found = SchedulerWatch("client-1", "tiny")
    found._scheduler, found.watched = scheduler, Watched(0.0, "tiny")
    found._sampling = SimpleNamespace(stop=lambda: None)
    found.watched.hear(message(), 0.0)
    scheduler.plugins[NAME] = found
    return found


def move(watch: SchedulerWatch, index: int, *states: str, **facts: Any) -> None:
    """Take a shard's task through states of the scheduler."""
    key = f"extract-{index}-a1b2c3"
    for state in states:
        watch._scheduler.tasks[key] = SimpleNamespace(processing_on=watch._scheduler.workers[ADDRESS], retries=2)
        watch.transition(key, "any", state, stimulus_id="s", **(facts if state in ("memory", "erred") else {}))


def state(watch: SchedulerWatch, index: int) -> str:
    assert watch.watched.shards is not None
    return STATES[watch.watched.shards.state[index]]


SPANS = [{"action": "compute", "start": 1.0, "stop": 3.5}, {"action": "transfer", "start": 0.0, "stop": 9.0}]
DONE = {"worker": ADDRESS, "startstops": SPANS}


def test_the_states_of_a_scheduler_become_those_of_shards(watch: SchedulerWatch) -> None:
    move(watch, 0, "waiting", "processing", "memory", "released", "forgotten", **DONE)
    move(watch, 1, "waiting", "queued", "processing")
    move(watch, 2, "waiting", "processing", "released", "waiting", "processing")
    move(
        watch,
        3,
        "waiting",
        "processing",
        "erred",
        "released",
        "forgotten",
        worker=ADDRESS,
        exception_text="ValueError()",
    )
    move(watch, 4, "waiting", "processing", "released", "forgotten")
    assert [state(watch, i) for i in range(6)] == ["done", "running", "retried", "failed", "waiting", "waiting"]
    shards = watch.watched.shards
    assert shards is not None
    assert (shards.seconds[0], shards.worker(0)) == (2.5, "one")
    assert watch.watched.n_retry == 1
    watch.transition("other-1-abc", "processing", "memory", stimulus_id="s")
    watch.transition(("x", 0), "processing", "memory", stimulus_id="s")


def test_failures_are_told_by_workers(watch: SchedulerWatch) -> None:
    move(watch, 1, "waiting", "processing")
    watch.log_event(TOPIC, {"key": "extract-1-a1b2c3", "error": "OSError('x')", "answered": False, "worker": ADDRESS})
    watch._scheduler.tasks["extract-1-a1b2c3"].retries = 0
    watch.log_event(TOPIC, {"key": "extract-1-a1b2c3", "error": "OSError('x')", "answered": False, "worker": ADDRESS})
    watch.log_event(TOPIC, {"key": "extract-2-a1b2c3", "error": "UserError('y')", "answered": True, "worker": ADDRESS})
    move(watch, 2, "waiting", "processing", "memory", **DONE)
    assert [one.outcome for one in watch.watched.failures] == ["tried again", "failed", "failed"]
    assert {one.worker for one in watch.watched.failures} == {"one"}
    assert state(watch, 2) == "failed"


def test_workers_that_die_are_told_and_those_that_are_let_go_are_not(watch: SchedulerWatch) -> None:
    watch.sample()
    gone = {"action": "remove-worker", "worker": ADDRESS, "processing-tasks": {"extract-1-a"}, "expected": False}
    watch.log_event("all", gone)
    watch.log_event("all", gone | {"expected": True})
    watch.log_event("all", {"action": "add-worker", "worker": ADDRESS})
    watch.log_event("stealing", (1, 2))
    assert watch.watched.n_lost_worker == 1
    assert "extract-1-a" in watch.watched.failures[-1].error
    move(watch, 5, "processing", "erred", worker=ADDRESS, exception=b"pickled", cause="extract-5-a1b2c3")
    assert watch.watched.n_failure == 1 + watch.watched.n_killed == 2  # one try had failed before
    assert "died each time" in watch.watched.failures[-1].error
    assert watch.watched.failures[-1].worker == "one"


def test_counts_come_with_heartbeats(watch: SchedulerWatch) -> None:
    watch.sample()
    workers = watch.watched.workers
    assert [(one.name, one.memory, one.limit) for one in workers.values()] == [("one", 5, 10), ("10.0.0.2:4000", 0, 0)]
    assert watch.watched.counts()["tokens"] == 7


def test_a_step_that_is_told_late_knows_the_tasks_that_came_before(watch: SchedulerWatch) -> None:
    worker = watch._scheduler.workers[ADDRESS]
    tasks = {"stream-3-abc": worker, "stream-4-abc": None, "other-1-abc": worker}
    watch._scheduler.tasks = {key: SimpleNamespace(processing_on=on) for key, on in tasks.items()}
    asyncio.run(watch.hear(message(2, 2, name="stream")))
    assert [state(watch, i) for i in (3, 4)] == ["running", "waiting"]


def test_it_ends_with_its_driver_and_leaves_nothing_behind(watch: SchedulerWatch) -> None:
    scheduler = watch._scheduler
    other = object()
    scheduler.handlers |= {"lstm_step": watch.hear, "lstm_close": watch.finish, "other": other}
    watch.remove_client(scheduler, "client-2")
    assert scheduler.plugins
    watch.remove_client(scheduler, "client-1")
    assert scheduler.plugins == {}
    assert scheduler.handlers == {"other": other}
    assert watch.watched.ending == "its driver is gone"
    watch.stop("over")
    assert watch.watched.ending == "its driver is gone"


def test_a_worker_tells_of_tries_that_fail_and_of_answers_that_are_errors() -> None:
    tasks = {
        "a": SimpleNamespace(exception_text="OSError('full')", type=None),
        "b": SimpleNamespace(exception_text=None, type=ValueError),
        "c": SimpleNamespace(exception_text=None, type=dict),
    }
    told: list[Any] = []
    worker = SimpleNamespace(
        metrics={}, state=SimpleNamespace(tasks=tasks), data={"b": ValueError("x" * 5000)},
        log_event=lambda topic, msg: told.append((topic, msg)), lstm_counts=None,
    )  # fmt: skip
    counts = WorkerCounts()
    counts.setup(worker)
    for key, finish in (("a", "error"), ("b", "memory"), ("c", "memory"), ("a", "released")):
        counts.transition(key, "executing", finish)
    counts.transition("a", "ready", "error")
    assert [(topic, one["key"], one["answered"]) for topic, one in told] == [(TOPIC, "a", False), (TOPIC, "b", True)]
    assert max(len(one["error"]) for _, one in told) == 2000
    assert isinstance(worker.lstm_counts, Counts)
    assert worker.metrics[NAME](worker)["failures"] == 2
    counts.teardown(worker)
    assert worker.metrics == {}
    assert worker.lstm_counts is None
