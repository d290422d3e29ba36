"""Where the work is done: a Dask cluster from a cluster file, and a sliding window of tasks over it."""

import importlib
import logging
import os
import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil

from .config import ClusterConfig, load_cluster
from .errors import Interrupted, UsageError, UserError, raise_if_stopped

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

RETRIES = 2
WINDOW_PER_THREAD = 3
START_SECONDS = 120
PATIENCE_SECONDS = 30
LOST = "The Dask scheduler is gone. What was finished is kept; run the same command to go on."
EXTRAS = {"dask_jobqueue": "dask-jobqueue", "dask_cuda": "dask-cuda", "dask_kubernetes": "dask-kubernetes"}
LOOPBACK = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:8787"}
"""A Dask scheduler runs whatever it is sent and asks for no password, so one on this machine listens to it alone."""
LOCAL = ClusterConfig(module="distributed", class_="LocalCluster")
ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
DASK_TRIM = 65_536
MALLOC = {"MALLOC_TRIM_THRESHOLD_": 64 << 20, "MALLOC_MMAP_THRESHOLD_": 32 << 20}
"""What glibc's own rule comes to in a program with large arrays. Dask's default gives memory back after every array."""

Outcome = tuple[tuple[Any, ...], Any]


@contextmanager
def open_client(cluster: str | Path | None = None) -> Iterator["Client"]:
    """Start (or join) the cluster of a cluster file, give a client, and close what was started."""
    from distributed.utils import silence_logging_cmgr

    client = connect(cluster)
    started = client.cluster
    log.info("dashboard: %s", client.dashboard_link)
    if started is not None:
        client.run(_leave_interrupts_to_the_driver)
    try:
        yield client
    finally:
        with silence_logging_cmgr(logging.CRITICAL):  # a slow exit or a lost scheduler is no news any more
            client.close()
            if started is not None:
                started.close()


def _leave_interrupts_to_the_driver() -> None:
    """Keep a worker that shares the driver's terminal from answering Ctrl-C with a traceback of its own."""
    if threading.current_thread() is threading.main_thread():  # not so where the workers are threads of the driver
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def connect(cluster: str | Path | None = None) -> "Client":
    """Return a Dask client of the cluster that a cluster file describes.

    Parameters
    ----------
    cluster
        Path of the file; by default one worker process with one thread for each core of this machine.

    Raises
    ------
    UserError
        If the cluster's package is missing, its class does not exist, or it does not start.
    """
    import dask
    from distributed import Client

    found = LOCAL if cluster is None else load_cluster(cluster)
    if dask.config.get(f"{ENVIRONMENT}.MALLOC_TRIM_THRESHOLD_", DASK_TRIM) == DASK_TRIM:
        dask.config.set({ENVIRONMENT: {**dask.config.get(ENVIRONMENT, {}), **MALLOC}})
    dask.config.set(found.config)
    try:
        if found.address is not None:
            return Client(found.address, timeout=START_SECONDS)
        if found.scheduler_file is not None:
            return Client(scheduler_file=found.scheduler_file, timeout=START_SECONDS)
        return Client(_start(found))
    except (OSError, TimeoutError) as error:
        raise UserError(f"The cluster of {cluster or 'this machine'} did not answer: {error}. Is it running?") from None
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"The cluster of {cluster or 'this machine'} did not start: {reason}. Check module, class and kwargs of "
            "the cluster file."
        ) from None


def _start(config: ClusterConfig) -> Any:
    assert config.module is not None
    assert config.class_ is not None
    try:
        module = importlib.import_module(config.module)
    except ImportError:
        package = EXTRAS.get(config.module.split(".")[0], config.module)
        raise UserError(
            f"The cluster needs the module {config.module}; install it with `pip install {package}`."
        ) from None
    if not hasattr(module, config.class_):
        raise UsageError(f"The module {config.module} has no cluster class {config.class_!r}; check the cluster file.")
    kwargs = dict(config.kwargs)
    if config.class_ == "LocalCluster":
        loopback = LOOPBACK if kwargs.get("processes", True) else {}
        kwargs = {**local_size(kwargs.get("n_workers")), **loopback, **kwargs}
    names = {"threads": "threads_per_worker", "resources": "resources"} if config.class_ == "LocalCluster" else {}
    for key, value in config.worker.items():
        if key not in names:
            raise UsageError(f"The cluster file's key worker.{key} has no meaning for {config.class_}; use kwargs.")
        kwargs[names[key]] = value
    cluster = getattr(module, config.class_)(**kwargs)
    for how, value in config.scale.items():
        if how == "adapt":
            cluster.adapt(**value)
        else:
            cluster.scale(**{how: value})
    return cluster


def local_size(n_workers: int | None = None) -> dict[str, Any]:
    """Return the arguments of a LocalCluster that fits this machine: a process a core, one thread each."""
    if not n_workers:
        n_workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = int(psutil.virtual_memory().available * 0.9) // n_workers
    return {"n_workers": n_workers, "threads_per_worker": 1, "memory_limit": memory}


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
