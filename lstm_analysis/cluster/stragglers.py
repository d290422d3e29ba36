"""Workers with nothing to do, for tasks that hang elsewhere; and the end of executions that came second."""

import logging
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ..errors import Interrupted

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger("lstm_analysis")

SILENT_SECONDS = 10
"""A worker that was not heard of for so long gets no copy of a task, though it seems to be idle."""
STOP_SECONDS = 10


def idle_workers(client: "Client", keys: Collection[str]) -> list[str]:
    """Return the addresses of workers that answer and do nothing, those on other hosts than the tasks' first.

    Parameters
    ----------
    client
        Of the cluster.
    keys
        Of the tasks that hang.
    """
    try:
        tasks, known = client.processing(), client.scheduler_info(n_workers=-1)["workers"]
    except OSError:  # the scheduler is gone; whoever waits for it finds out
        return []
    newest = max((worker["last_seen"] for worker in known.values()), default=0)
    hanging = {known[address]["host"] for address, has in tasks.items() if address in known and set(keys) & set(has)}
    idle = [
        address
        for address, worker in known.items()
        if not tasks.get(address)
        and newest - worker["last_seen"] < SILENT_SECONDS
        and worker.get("status", "running") == "running"
    ]
    return sorted(idle, key=lambda address: known[address]["host"] in hanging)


def workers_without(client: "Client", future: "Future") -> list[str]:
    """Return the addresses of the workers that do not have the result of a task."""
    try:
        holders = client.who_has([future]).get(future.key, ())
        return [address for address in client.nthreads() if address not in holders]
    except OSError:  # the scheduler is gone; whoever waits for it finds out
        return []


def stop_losers(client: "Client", losers: "Sequence[Future]") -> None:
    """Stop the executions that go on although another one of their task has finished.

    What hangs would block its worker for the tasks to come, and could write what later steps have replaced. So the
    worker is started anew, if it has a nanny that does so and no other task.

    Parameters
    ----------
    client
        Of the cluster.
    losers
        The executions; they are let go.
    """
    left = {future.key for future in losers if not future.done()}
    try:
        holders = [address for address, has in client.processing().items() if has and left.issuperset(has)]
        for future in losers:
            future.release()
        if not holders:
            return
        _wait_until_forgotten(client, left)
        known = client.scheduler_info(n_workers=-1)["workers"]
        stopped = [address for address in holders if known.get(address, {}).get("nanny")]
        if stopped:
            log.info("%s hangs and is started anew", " and ".join(stopped))
            client.restart_workers(stopped, timeout=STOP_SECONDS, raise_for_error=False)
    except (OSError, KeyError, ValueError) as error:  # a worker left meanwhile, or the scheduler is gone
        if client.status != "running":
            raise Interrupted(f"The cluster is gone ({error}); run the same command to go on.") from None


def _wait_until_forgotten(client: "Client", keys: Collection[str]) -> None:
    """Wait until the scheduler has let go of tasks, else it would give them to another worker."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and any(set(keys) & set(has) for has in client.processing().values()):
        time.sleep(0.05)
