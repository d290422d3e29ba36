"""A Dask client of the cluster that a cluster file describes."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import load_cluster
from ..errors import UserError
from .places import DASK_TRIM, ENVIRONMENT, LOCAL, MALLOC, start

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

START_SECONDS = 120


@contextmanager
def open_client(cluster: str | Path | None = None) -> Iterator["Client"]:
    """Start (or join) the cluster of a cluster file, give a client, and close what was started."""
    from distributed.utils import silence_logging_cmgr

    client = connect(cluster)
    started = client.cluster
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
        return Client(start(found))
    except (OSError, TimeoutError) as error:
        raise UserError(f"The cluster of {cluster or 'this machine'} did not answer: {error}. Is it running?") from None
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"The cluster of {cluster or 'this machine'} did not start: {reason}. Check module, class and kwargs of "
            "the cluster file."
        ) from None
