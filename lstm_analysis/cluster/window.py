"""A sliding window of tasks over a cluster."""

import logging
import statistics
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted, UserError, raise_if_stopped
from .stragglers import idle_workers, stop_losers, workers_without

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger("lstm_analysis")

RETRIES = 2
WINDOW_PER_THREAD = 3
LOOK_SECONDS = 1.0
"""Between two looks at how many workers there are: a question to the scheduler, which not every task is to wait for."""
PATIENCE_SECONDS = 30
SLOW_FACTOR = 3
SLOW_SECONDS = 10
"""A task that runs so many times longer than the others, and at least so long, is also given to an idle worker."""
MOST_COPIES = 2
FETCH_SECONDS = 30
"""For a result to come; each further try of the task gets four times as long."""
KNOWN_SECONDS = 1000
"""Tasks whose duration is kept."""
LOST = "The Dask scheduler is gone. What was finished is kept; run the same command to go on."

_SILENT = object()

Task = tuple[Any, ...]
Outcome = tuple[Task, Any]


def work(
    client: "Client | None", name: str, function: Callable[..., Any], queue: deque[Task], copies: bool = True
) -> Iterator[Outcome]:
    """Do the tasks of a queue, a few at a time, and yield each task's arguments with its result or its exception.

    The caller may add to the queue while it goes. Results are handed over and let go, so neither the scheduler nor
    the workers hold more than the window, however long the queue. A task whose workers died is tried once more alone,
    for it may have shared them with the one that killed them. At the end of the queue a task that takes much longer
    than the others is also given to an idle worker, and the first to finish counts.

    Parameters
    ----------
    client
        A Dask client; ``None`` works in this process, one task after the other.
    name
        What the tasks are called on the dashboard.
    function
        Called on a worker with a task's arguments.
    queue
        Arguments of the tasks, the first one an index or a tuple of them.
    copies
        Whether two workers may do the same task at the same time.

    Raises
    ------
    Interrupted
        If the scheduler is lost.
    """
    if client is None:
        while queue:
            task = queue.popleft()
            yield task, _attempt(function, task)
        return
    window = _Window(client, name, function, copies)
    try:
        yield from window.outcomes(queue)
        stop_losers(client, window.losers)
    finally:
        window.release()


def _attempt(function: Callable[..., Any], task: Task) -> Any:
    try:
        return function(*task)
    except Exception as error:  # a task's failure is a result; the caller decides
        return error


@dataclass(frozen=True)
class _Answer:
    """What a task gave, and the seconds it took."""

    value: Any
    seconds: float


def _answer(function: Callable[..., Any], *task: Any) -> _Answer:
    """Do a task on a worker; what the user must mend comes back as a value, for to try it again would not help."""
    began = time.monotonic()
    try:
        value = function(*task)
    except UserError as error:
        value = error
    return _Answer(value, time.monotonic() - began)


@dataclass
class _Flight:
    """A task on its way, with its executions that have not ended."""

    task: Task
    alone: bool
    futures: "list[Future]" = field(default_factory=list)
    n_copy: int = -1
    newest: float = 0.0


class _Window:
    """The tasks on their way."""

    def __init__(self, client: "Client", name: str, function: Callable[..., Any], copies: bool) -> None:
        self.client, self.name, self.function, self.copies = client, name, function, copies
        self.flights: dict[str, _Flight] = {}
        self.losers: list[Future] = []
        self._finished: SimpleQueue[Future] = SimpleQueue()
        self._seconds: deque[float] = deque(maxlen=KNOWN_SECONDS)
        self._idle_since: float | None = None
        self._size, self._sized = 0, -LOOK_SECONDS

    def outcomes(self, queue: deque[Task]) -> Iterator[Outcome]:
        """Yield each task with its outcome, until the queue is empty."""
        suspects: deque[Task] = deque()
        while queue or self.flights or suspects:
            self._fill(queue)
            if not self.flights:
                self._submit(_Flight(suspects.popleft(), alone=True))
            flight, outcome = self._next(tail=not queue)
            if _killed(outcome) and not flight.alone:
                suspects.append(flight.task)
            else:
                yield flight.task, outcome

    def release(self) -> None:
        """Let go of all that is still running."""
        for future in [*self.losers, *(future for flight in self.flights.values() for future in flight.futures)]:
            future.release()

    def _fill(self, queue: deque[Task]) -> None:
        now = time.monotonic()
        if now - self._sized >= LOOK_SECONDS:
            self._size, self._sized = WINDOW_PER_THREAD * max(1, _n_thread(self.client)), now
        if not any(flight.alone for flight in self.flights.values()):
            while queue and len(self.flights) < self._size:
                self._submit(_Flight(queue.popleft(), alone=False))

    def _submit(self, flight: _Flight, workers: Sequence[str] | None = None) -> None:
        index = flight.task[0]
        label = "-".join(map(str, index if isinstance(index, tuple) else [index]))
        key = f"{self.name}-{label}-{uuid.uuid4().hex[:6]}"
        where = {"workers": workers, "allow_other_workers": True} if workers else {}
        future = self.client.submit(_answer, self.function, *flight.task, key=key, retries=RETRIES, pure=False, **where)
        flight.futures.append(future)
        flight.n_copy, flight.newest = flight.n_copy + 1, time.monotonic()
        self.flights[future.key] = flight
        future.add_done_callback(self._finished.put)

    def _next(self, tail: bool) -> tuple[_Flight, Any]:
        """Return the next task that ended; a lost scheduler can leave futures that never do, so the client is asked."""
        waited = 0
        while True:
            raise_if_stopped()
            try:
                ended = self._take(self._finished.get(timeout=1))
            except Empty:
                if self.client.status != "running":
                    raise Interrupted(LOST) from None
                waited += 1
                if waited % PATIENCE_SECONDS == 0 and not _n_thread(self.client):
                    log.warning(
                        "the cluster has no workers now; waiting for the first (stop with Ctrl-C, nothing is lost)"
                    )
                self._copy_late(tail)
                continue
            if ended is not None:
                return ended

    def _take(self, future: "Future") -> tuple[_Flight, Any] | None:
        """Return the task that an execution has ended, unless another one of it ended before or goes on."""
        flight = self.flights.get(future.key)
        if flight is None:
            return None
        outcome = _outcome(future, FETCH_SECONDS * 4 ** max(0, flight.n_copy))
        others = workers_without(self.client, future) if outcome is _SILENT else []
        del self.flights[future.key]
        flight.futures.remove(future)
        future.release()
        if outcome is _SILENT:
            log.info("%s: the worker that has the result of task %s does not answer", self.name, flight.task[0])
            self._submit(flight, others)
            return None
        if isinstance(outcome, _Answer):
            self._seconds.append(outcome.seconds)
            self.losers += flight.futures
            for loser in flight.futures:
                del self.flights[loser.key]
            return flight, outcome.value
        return None if flight.futures else (flight, outcome)

    def _copy_late(self, tail: bool) -> None:
        """Give the tasks that take much longer than the others to idle workers as well."""
        if not (tail and self.copies and self._seconds):
            self._idle_since = None
            return
        idle, now = idle_workers(self.client, self.flights), time.monotonic()
        self._idle_since = (self._idle_since or now) if idle else None
        if self._idle_since is None:
            return
        limit = max(SLOW_SECONDS, SLOW_FACTOR * statistics.median(self._seconds))
        flights = {id(flight): flight for flight in self.flights.values() if flight.n_copy < MOST_COPIES}
        late = [flight for flight in flights.values() if now - max(flight.newest, self._idle_since) > limit]
        for flight, worker in zip(late, idle, strict=False):
            log.info("%s: task %s takes long; %s does it too", self.name, flight.task[0], worker)
            self._submit(flight, [worker])


def _killed(outcome: Any) -> bool:
    return type(outcome).__name__ == "KilledWorker"


def _n_thread(client: "Client") -> int:
    try:
        return sum(client.nthreads().values())
    except OSError:
        raise Interrupted(LOST) from None


def _outcome(future: "Future", seconds: float) -> Any:
    """Return what a task gave or the error that it ended with.

    `_SILENT` stands for a result that does not come: a worker may fall silent before it hands over what it has done.
    """
    try:
        return future.result(timeout=seconds)
    except Interrupted:  # of the driver itself: no task raises it
        raise
    except Exception as error:
        if future.status == "error":
            return error
        if isinstance(error, TimeoutError) and future.client.status == "running":
            return _SILENT
        raise Interrupted(LOST) from None  # cancelled: with the scheduler all its futures are gone
