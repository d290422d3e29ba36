"""What the scheduler knows of a study: its steps as the driver tells them, its shards, its workers, its failures."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .counting import UNITS
from .rates import WINDOW_SECONDS, Rates, grown
from .shard_map import ShardMap

MAX_STEPS = 64
MAX_FAILURES = 100
MAX_TEXT = 600
"""Characters of an error that are kept."""
PACE_SECONDS = 300.0
"""How far back the pace of a step is taken, to say when it ends."""
COUNTS = (*UNITS, "failures")
STEP_FIELDS = ("number", "message", "name", "unit", "total", "done", "began_with", "n_task", "n_task_done", "n_failed",
               "finished")  # fmt: skip
"""What a driver tells of a step, and ``done_before``, half-open ranges, when it begins."""


@dataclass
class StepNow:
    """A step of the study as its driver told it last; see `progress.Step`. Times are those of the scheduler."""

    number: int
    message: int
    name: str
    unit: str
    total: int | None
    done: int
    began_with: int
    n_task: int
    n_task_done: int
    n_failed: int
    finished: bool
    began: float
    ended: float | None = None
    pace: deque[tuple[float, int]] = field(default_factory=deque)

    def rate(self, now: float) -> float:
        """Return how much is done a second."""
        start, done = self.pace[0]
        return (self.done - done) / (now - start) if now > start else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return when the step will be over if it goes on as in the last minutes, ``None`` if nobody can know."""
        rate = self.rate(now)
        if self.finished or self.total is None or rate <= 0:
            return None
        return max(0.0, (self.total - self.done) / rate)


@dataclass
class WorkerNow:
    """A worker as it reported last: bytes of memory, its bound (0 for none), and its counts."""

    name: str
    memory: int
    limit: int
    counts: Mapping[str, float]


@dataclass(frozen=True)
class Failure:
    """Something that went wrong: when (seconds since 1970), with what, where, why, and what became of it."""

    time: float
    what: str
    worker: str
    error: str
    outcome: str


class Watched:
    """What the scheduler knows of a study, in bounded memory.

    Parameters
    ----------
    now
        The time in seconds.
    study
        What it is called.
    """

    def __init__(self, now: float, study: str = "") -> None:
        self.study, self.began = study, now
        self.ending = ""
        """How it ended, empty while it runs."""
        self.steps: deque[StepNow] = deque(maxlen=MAX_STEPS)
        self.shards: ShardMap | None = None
        self.rates = Rates(now)
        self.rates_of = ""
        """Name of the step that the rates belong to."""
        self.workers: dict[str, WorkerNow] = {}
        self.failures: deque[Failure] = deque(maxlen=MAX_FAILURES)
        self.n_lost_worker = 0
        self.n_killed = 0
        """Tasks that were given up because their workers died."""
        self._n_retry = 0
        self._counts: dict[str, float] = dict.fromkeys(COUNTS, 0)

    @property
    def step(self) -> StepNow | None:
        """The step that goes on, or the last one."""
        return next(
            (step for step in reversed(self.steps) if not step.finished), self.steps[-1] if self.steps else None
        )

    @property
    def n_retry(self) -> int:
        """How often a shard was tried again."""
        return self._n_retry + (self.shards.n_try_again if self.shards is not None else 0)

    def counts(self) -> dict[str, float]:
        """Return the sums over all workers, those that have left included."""
        return dict(self._counts)

    @property
    def n_failure(self) -> int:
        """How many tries failed."""
        return int(self._counts["failures"]) + self.n_killed

    @property
    def mean_surprisal(self) -> float:
        """Bits a token, over what the workers have read; NaN if nothing."""
        n = self._counts["predicted"]
        return self._counts["surprisal"] / n if n else float("nan")

    def hear(self, message: Mapping[str, Any], now: float) -> None:
        """Take note of what the driver tells about a step."""
        step = next((step for step in self.steps if step.number == message["number"]), None)
        if step is None:
            step = self._begin(message, now)
        elif message["message"] <= step.message:  # a newer one has overtaken it
            return
        for name in ("message", "total", "done", "n_task", "n_task_done", "n_failed", "finished"):
            setattr(step, name, message[name])
        step.pace.append((now, step.done))
        while len(step.pace) > 2 and step.pace[1][0] < now - PACE_SECONDS:
            step.pace.popleft()
        if step.finished and step.ended is None:
            step.ended = now
            shards = self.shards
            whole = step.n_task_done >= step.n_task and not step.n_failed
            if shards is not None and shards.name == step.name and len(shards) == step.n_task and whole:
                shards.over()

    def _begin(self, message: Mapping[str, Any], now: float) -> StepNow:
        step = StepNow(**{name: message[name] for name in STEP_FIELDS}, began=now)
        step.pace.append((now, step.began_with))
        self.steps.append(step)
        if step.n_task:
            self._n_retry = self.n_retry
            self.shards = ShardMap(step.name, step.n_task, message["done_before"])
            if step.unit == "tokens":
                self.rates, self.rates_of = Rates(now), step.name
        return step

    def sample(self, now: float, workers: Mapping[str, WorkerNow], window: float = WINDOW_SECONDS) -> None:
        """Take note of what the workers, by address, reported last."""
        for address, worker in workers.items():
            before = self.workers[address].counts if address in self.workers else {}
            for name in COUNTS:
                self._counts[name] += grown(before.get(name, 0), worker.counts.get(name, 0))
        self.workers = dict(workers)
        if not self.ending:
            names = {worker.name: worker.counts.get("tokens", 0) for worker in workers.values()}
            self.rates.sample(now, names, window)

    def rate_now(self, now: float) -> float:
        """Return the present rate in the unit of the step; counted by the workers if it is tokens and they do."""
        step = self.step
        if step is None or step.finished:
            return 0.0
        counted = sum(self.rates.now().values()) if step.unit == "tokens" else 0.0
        return counted or step.rate(now)

    def fail(self, what: str, worker: str, error: str, outcome: str, at: float | None = None) -> None:
        """Take note of something that went wrong."""
        text = error if len(error) <= MAX_TEXT else f"{error[: MAX_TEXT - 1]}…"
        self.failures.append(Failure(time.time() if at is None else at, what, worker, text, outcome))
