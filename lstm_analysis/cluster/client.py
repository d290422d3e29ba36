"""A Dask client of the cluster that a cluster file describes."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import ClusterConfig, load_cluster
from ..errors import UserError, raise_if_stopped
from .batch_queue import describe_queue, not_submitted
from .defaults import set_defaults
from .places import DASK_TRIM, ENVIRONMENT, LOCAL, MALLOC, place_of
from .preflight import preflight
from .start import arguments, find_class, start
from .tls import credentials, refuse_misfit

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

START_SECONDS = 120
"""For a cluster that is started, or a scheduler file that is not there yet."""
JOIN_SECONDS = 30
"""For a running scheduler whose address is given."""
CLOSE_SECONDS = 5
FIRST_WORD_SECONDS = 20
"""Without a worker, until this is said."""


@contextmanager
def open_client(cluster: str | Path | None = None, folder: Path | None = None) -> Iterator["Client"]:
    """Start (or join) the cluster of a cluster file, give a client, and close what was started.

    Parameters
    ----------
    cluster
        Path of the file; by default this machine.
    folder
        Folder that all workers must see, see `preflight`; ``None`` if there is none.

    Raises
    ------
    UserError
        If the cluster does not start, or a worker is not fit for the work.
    """
    config = LOCAL if cluster is None else load_cluster(cluster)
    with client_of(config, cluster) as client, preflight(client, folder) if folder else nullcontext():
        yield client


@contextmanager
def client_of(config: ClusterConfig, cluster: str | Path | None) -> Iterator["Client"]:
    """Give a client of a cluster that has a worker, unless it starts them by need, and close what was started."""
    from distributed.utils import silence_logging_cmgr

    client = _connect(config, cluster)
    started = client.cluster
    try:
        if started is not None and not _starts_by_need(config):
            wait_for_worker(client)
        if started is not None:
            client.run(_leave_interrupts_to_the_driver)
        yield client
    finally:
        with silence_logging_cmgr(logging.CRITICAL):  # a slow exit or a lost scheduler is no news any more
            client.close()
            if started is not None:
                with suppress(AssertionError):  # dask-jobqueue's answer to a job that could not be submitted
                    started.close()


def _leave_interrupts_to_the_driver() -> None:
    """Keep a worker that shares the driver's terminal from answering Ctrl-C with tracebacks and warnings of its own."""
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
    if threading.current_thread() is threading.main_thread():  # not so where the workers are threads of the driver
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _starts_by_need(config: ClusterConfig) -> bool:
    """Whether no worker is started before there is work for it, or none at all from here."""
    adapt = config.scale.get("adapt")
    if adapt is None:
        return config.kwargs.get("n_workers") == 0 and not config.scale
    return not any(value for key, value in adapt.items() if key.startswith("minimum"))


def wait_for_worker(client: "Client") -> None:
    """Wait for the first worker, however long, and say now and then what it is waiting for.

    Raises
    ------
    UserError
        If no job could be submitted.
    Interrupted
        If the program is to stop.
    """
    began, word = time.monotonic(), FIRST_WORD_SECONDS
    while not client.nthreads():
        raise_if_stopped()
        if client.cluster is not None and not_submitted(client.cluster):
            raise UserError(
                "No job could be submitted to the queue; its answer is in the log above. `lstm-analysis cluster FILE "
                "--print` shows the job script: submit it by hand to try it."
            )
        waited = time.monotonic() - began
        if waited >= word:
            word *= 2
            queue = describe_queue(client.cluster) if client.cluster is not None else ""
            log.info("waiting for the first worker for %.0f s (stop with Ctrl-C). %s", waited, queue)
        time.sleep(0.1 if waited < 5 else 1.0)


def check_file(cluster: str | Path | None) -> None:
    """Refuse a cluster file that cannot be right, before anything is done for it; nothing is started.

    Raises
    ------
    UserError
        If it has unknown keys or arguments, or its package is missing.
    """
    config = LOCAL if cluster is None else load_cluster(cluster)
    if config.joins:
        credentials(config)
    else:
        arguments(config, find_class(config))


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
    return _connect(LOCAL if cluster is None else load_cluster(cluster), cluster)


def _connect(config: ClusterConfig, cluster: str | Path | None) -> "Client":
    import dask

    if dask.config.get(f"{ENVIRONMENT}.MALLOC_TRIM_THRESHOLD_", DASK_TRIM) == DASK_TRIM:
        dask.config.set({ENVIRONMENT: {**dask.config.get(ENVIRONMENT, {}), **MALLOC}})
    set_defaults()
    dask.config.set(config.config)
    return _join(config) if config.joins else _start(config, f"The cluster of {cluster or 'this machine'}")


def _client(*arguments: Any, **options: Any) -> "Client":
    """Return a client; one that does not connect is closed at once, for later it would get in the way of the next."""
    from distributed import Client

    client: Client = object.__new__(Client)
    try:
        client.__init__(*arguments, **options)  # so that there is a handle on it, whatever happens
    except BaseException:
        with suppress(Exception):
            client.close(timeout=CLOSE_SECONDS)
        raise
    return client


def _join(config: ClusterConfig) -> "Client":
    security = credentials(config)
    refuse_misfit(config)
    try:
        if config.scheduler_file is not None:
            file = config.resolve(config.scheduler_file)
            return _client(scheduler_file=file, security=security, timeout=START_SECONDS)
        return _client(config.address, security=security, timeout=JOIN_SECONDS)
    except (OSError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UserError(
            f"The scheduler of the cluster file ({config.address or config.scheduler_file}) did not answer: {reason}. "
            "Is it running, and its port reachable from here? One that listens on 127.0.0.1 is reached by `ssh -L "
            "PORT:localhost:PORT HOST`."
        ) from error


def _start(config: ClusterConfig, name: str) -> "Client":
    started: Any = None
    try:
        started = start(config)
        return _client(started, timeout=START_SECONDS)
    except UserError:
        raise
    except Exception as error:  # classes of other packages raise whatever they like
        if started is not None:
            started.close()
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UserError(
            f"{name} did not start: {reason}. Check module, class and kwargs of the cluster file.{_left_behind(config)}"
        ) from error


def _left_behind(config: ClusterConfig) -> str:
    hosts = config.kwargs.get("hosts") or []
    if place_of(config).kind != "hosts" or not hosts:
        return ""
    return (
        f" Its scheduler may still run on {hosts[0]}: it ends by itself after an hour (idle_timeout), or look with "
        f"`ssh {hosts[0]} pgrep -fa dask_spec`."
    )
