"""A sliding window of tasks over a cluster."""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted, UserError, raise_if_stopped

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

RETRIES = 2
WINDOW_PER_THREAD = 3
PATIENCE_SECONDS = 30
LOST = "The Dask scheduler is gone. What was finished is kept; run the same command to go on."

Outcome = tuple[tuple[Any, ...], Any]


def work(
    client: "Client | None", name: str, function: Callable[..., Any], queue: deque[tuple[Any, ...]]
) -> Iterator[Outcome]:
    """Do the tasks of a queue, a few at a time, and yield each task's arguments with its result or its exception.

    The caller may add to the queue while it goes. Results are handed over and let go, so neither the scheduler nor
    the workers hold more than the window, however long the queue.

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
    yield from _window(client, name, function, queue)


def _attempt(function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    try:
        return function(*task)
    except Exception as error:  # a task's failure is a result; the caller decides
        return error


def _answer(function: Callable[..., Any], *task: Any) -> Any:
    """Do a task on a worker; what the user must mend comes back as a value, for to try it again would not help."""
    try:
        return function(*task)
    except UserError as error:
        return error


def _window(
    client: "Client", name: str, function: Callable[..., Any], queue: deque[tuple[Any, ...]]
) -> Iterator[Outcome]:
    token = uuid.uuid4().hex[:6]
    running: dict[str, tuple[Any, tuple[Any, ...]]] = {}
    finished: SimpleQueue[Any] = SimpleQueue()
    try:
        while queue or running:
            size = WINDOW_PER_THREAD * max(1, _n_thread(client))
            while queue and len(running) < size:
                task = queue.popleft()
                label = "-".join(map(str, task[0] if isinstance(task[0], tuple) else task[:1]))
                key = f"{name}-{label}-{token}"
                future = client.submit(_answer, function, *task, key=key, retries=RETRIES, pure=False)
                running[future.key] = future, task
                future.add_done_callback(finished.put)
            future = _next(client, finished)
            outcome = _outcome(future)
            _, task = running.pop(future.key)
            future.release()
            yield task, outcome
    finally:
        for future, _ in running.values():
            future.release()


def _n_thread(client: "Client") -> int:
    try:
        return sum(client.nthreads().values())
    except OSError:
        raise Interrupted(LOST) from None


def _next(client: "Client", finished: "SimpleQueue[Any]") -> Any:
    """Return the next finished future; a lost scheduler can leave futures that never finish, so the client is asked."""
    waited = 0
    while True:
        raise_if_stopped()
        try:
            return finished.get(timeout=1)
        except Empty:
            if client.status != "running":
                raise Interrupted(LOST) from None
            waited += 1
            if waited % PATIENCE_SECONDS == 0 and not _n_thread(client):
                log.warning("the cluster has no workers now; waiting for the first (stop with Ctrl-C, nothing is lost)")


def _outcome(future: Any) -> Any:
    try:
        return future.result()
    except Exception as error:
        if future.status != "error":  # cancelled: with the scheduler all its futures are gone
            raise Interrupted(LOST) from None
        return error
