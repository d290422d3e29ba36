"""The plugins: what the scheduler takes note of while a study runs, and what its workers report."""

import logging
import time
from typing import TYPE_CHECKING, Any

from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin
from distributed.scheduler import heartbeat_interval
from tornado.ioloop import PeriodicCallback

from .counting import NAME, Counts
from .rates import WINDOW_SECONDS
from .scheduler_pages import close_pages, open_pages
from .shard_map import ShardMap
from .watched import Watched, WorkerNow

if TYPE_CHECKING:
    from distributed import Scheduler, Worker

log = logging.getLogger("lstm_analysis")

SAMPLE_MILLISECONDS = 1000
TOPIC = "lstm-failure"
MAX_LOOK = 100_000
"""A scheduler with more tasks than this is not looked through for those that came before their step was told."""


class WorkerCounts(WorkerPlugin):  # type: ignore[misc]
    """Counts what a worker's tasks do, and tells the scheduler of those that fail."""

    name = NAME

    def setup(self, worker: "Worker") -> None:
        """Count from zero; the counts go with each heartbeat."""
        self._worker, counts = worker, Counts()
        worker.lstm_counts = counts
        worker.metrics[NAME] = lambda _: counts.read()

    def teardown(self, worker: "Worker") -> None:
        """Count no more."""
        worker.metrics.pop(NAME, None)
        worker.lstm_counts = None

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        """Tell of a task that fails, or that answers with an error instead of a result."""
        if finish == "error" and start in ("executing", "long-running"):
            self._tell(key, self._worker.state.tasks[key].exception_text or "", answered=False)
        elif finish == "memory" and start in ("executing", "long-running"):
            kind = self._worker.state.tasks[key].type
            if kind is not None and issubclass(kind, BaseException):
                self._tell(key, repr(self._worker.data[key]), answered=True)

    def _tell(self, key: Any, error: str, answered: bool) -> None:
        self._worker.lstm_counts.add("failures", 1)
        self._worker.log_event(TOPIC, {"key": str(key), "error": error[:2000], "answered": answered})


class SchedulerWatch(SchedulerPlugin):  # type: ignore[misc]
    """Takes note of a study on the scheduler and shows it on the dashboard.

    Parameters
    ----------
    client
        Id of the driver's client: when it is gone, the study is over.
    study
        What the study is called.
    """

    name = NAME

    def __init__(self, client: str, study: str) -> None:
        self._client, self._study = client, study

    async def start(self, scheduler: "Scheduler") -> None:
        """Put the page on the dashboard, or the study on the page that an earlier one left there."""
        self._scheduler = scheduler
        before = scheduler.plugins.get(NAME)
        if isinstance(before, SchedulerWatch):
            before.stop("another study has taken its place")
        self.watched = Watched(time.monotonic(), self._study)
        open_pages(scheduler, self.watched)
        scheduler.handlers |= {"lstm_step": self.hear, "lstm_close": self.finish}
        self._sampling = PeriodicCallback(self.sample, SAMPLE_MILLISECONDS)
        self._sampling.start()

    async def hear(self, message: dict[str, Any]) -> None:
        """Take note of what the driver tells about a step."""
        before = self.watched.shards
        self.watched.hear(message, time.monotonic())
        shards = self.watched.shards
        if shards is not None and shards is not before and len(self._scheduler.tasks) <= MAX_LOOK:
            for key, task in self._scheduler.tasks.items():
                index = shards.index(key)
                if index is not None and task.processing_on is not None:
                    shards.sent(index, _name(task.processing_on))

    def sample(self) -> None:
        """Take note of what the workers have reported."""
        workers = self._scheduler.workers
        found = {
            address: WorkerNow(
                _name(state), int(state.metrics.get("memory", 0)), state.memory_limit, state.metrics.get(NAME) or {}
            )
            for address, state in workers.items()
        }
        window = max(WINDOW_SECONDS, 3 * heartbeat_interval(len(workers)))
        self.watched.sample(time.monotonic(), found, window)

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        """Take note of what becomes of a shard."""
        shards = self.watched.shards
        index = None if shards is None else shards.index(key)
        if shards is not None and index is not None:
            self._note(shards, index, key, finish, kwargs)
        if finish == "erred" and "exception_text" not in kwargs:  # no try has failed: its workers have died
            self.watched.n_killed += 1
            error = "its workers died each time, most likely out of memory"
            self.watched.fail(str(key), self._name_of(kwargs.get("worker")), error, "failed")

    def _note(self, shards: ShardMap, index: int, key: Any, finish: str, facts: dict[str, Any]) -> None:
        if finish == "processing":
            shards.sent(index, _name(self._scheduler.tasks[key].processing_on))
        elif finish == "memory":
            shards.finished(index, self._name_of(facts.get("worker")), _seconds(facts.get("startstops")))
        elif finish == "erred":
            shards.failed(index)
        elif finish == "forgotten":
            shards.dropped(index)
        elif finish != "released":
            shards.again(index)

    def log_event(self, topic: Any, msg: Any) -> None:
        """Take note of a task that failed, and of a worker that was lost."""
        if topic == TOPIC:
            self._failed(msg)
        elif topic == "all" and msg.get("action") == "remove-worker" and not msg.get("expected"):
            self.watched.n_lost_worker += 1
            tasks = ", ".join(sorted(map(str, msg.get("processing-tasks", ()))))
            error = f"it did not answer any more or died; at work on {tasks}" if tasks else "it died or is cut off"
            self.watched.fail("worker lost", self._name_of(msg["worker"]), error, "its tasks go to others")

    def _failed(self, msg: dict[str, Any]) -> None:
        key, shards = msg["key"], self.watched.shards
        task = self._scheduler.tasks.get(key)
        again = not msg["answered"] and task is not None and task.retries > 0
        index = None if shards is None else shards.index(key)
        if msg["answered"] and shards is not None and index is not None:
            shards.refuse(index)
        self.watched.fail(key, self._name_of(msg["worker"]), msg["error"], "tried again" if again else "failed")

    def remove_client(self, scheduler: "Scheduler", client: str) -> None:
        """End with the driver, however it ends."""
        if client == self._client:
            self.stop("its driver is gone")

    async def finish(self) -> None:
        """End at the driver's wish: nothing is counted any more, the page shows how it ended."""
        self.stop("over")
        await self._scheduler.unregister_worker_plugin(None, NAME)

    async def close(self) -> None:
        """End with the scheduler."""
        self.stop("its scheduler is gone")

    def stop(self, ending: str) -> None:
        """Take note of nothing any more, and take the plugin off the scheduler."""
        if self.watched.ending:
            return
        self.sample()
        self.watched.ending = ending
        self._sampling.stop()
        close_pages(self._scheduler, self.watched)
        for name, handler in (("lstm_step", self.hear), ("lstm_close", self.finish)):
            if self._scheduler.handlers.get(name) == handler:
                del self._scheduler.handlers[name]
        if self._scheduler.plugins.get(NAME) is self:
            del self._scheduler.plugins[NAME]

    def _name_of(self, address: str | None) -> str:
        known = self._scheduler.workers.get(address)
        if known is not None:
            return _name(known)
        before = self.watched.workers.get(address or "")
        return before.name if before is not None else str(address or "")


def _name(worker: Any) -> str:
    """Return what a worker is called: its name where that says something, else its address."""
    return worker.address.split("://")[-1] if worker.name == worker.address else str(worker.name)


def _seconds(startstops: Any) -> float:
    """Return how long a task computed."""
    spans = [span for span in startstops or () if span["action"] == "compute"]
    return float(sum(span["stop"] - span["start"] for span in spans))
