"""A cluster of fixed size keeps its size: a job that is lost is asked for again."""

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger("lstm_analysis")

SECONDS = 5.0
"""Between two looks."""


def replace_lost(cluster: Any, again: Callable[[], None], seconds: float | None = None) -> None:
    """Ask a cluster again for the workers that it lost, as long as it lives.

    A worker is lost once `distributed.deploy.lost-worker-timeout` (15 s) has passed since the scheduler saw it last. A
    job whose submission failed counts as lost at once.

    Parameters
    ----------
    cluster
        With ``worker_spec``, what it should have, and ``workers``, what it started; its event loop does the looking.
    again
        Tells the cluster once more how many workers it should have.
    seconds
        Between two looks.
    """
    from distributed.core import Status
    from tornado.ioloop import PeriodicCallback

    seen: set[Any] = set()

    def look() -> None:
        for name in [name for name, worker in cluster.workers.items() if worker.status == Status.created]:
            del cluster.workers[name]  # its submission failed
            seen.add(name)
        lost = (set(cluster.worker_spec) - set(cluster.workers)) & seen
        seen.clear()
        seen.update(cluster.workers)
        if lost:
            log.warning("%d of %d workers lost or not submitted; asking again", len(lost), len(cluster.worker_spec))
            again()

    def begin() -> None:
        if cluster.status == Status.running:
            callback = PeriodicCallback(look, 1000 * (SECONDS if seconds is None else seconds))
            cluster.periodic_callbacks["replace-lost-workers"] = callback  # stopped when the cluster is closed
            callback.start()

    cluster.loop.add_callback(begin)
