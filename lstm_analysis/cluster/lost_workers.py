"""Workers that are gone for good: others are started in their place."""

import logging
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

CHECK_SECONDS = 30


class LostWorkers:
    """Keeps a cluster that was started from here at its size.

    A nanny starts a worker process again that was killed, but nobody starts a nanny or a batch job again, and a worker
    that is killed while it starts takes its nanny along.

    Parameters
    ----------
    client
        Of the cluster; one that somebody else has started is left alone.
    """

    def __init__(self, client: "Client") -> None:
        self._cluster = client.cluster
        self._checked = time.monotonic()
        self._missing: set[Hashable] = set()

    def replace(self) -> None:
        """Start the workers that are missing now and were at the check before; does nothing between two checks."""
        if time.monotonic() - self._checked < CHECK_SECONDS:
            return
        from distributed import SpecCluster

        self._checked, before, self._missing = time.monotonic(), self._missing, set()
        if not isinstance(self._cluster, SpecCluster):
            return
        self._missing = set(self._cluster.worker_spec) - set(self._cluster.workers)
        lost = self._missing & before
        if lost:
            log.warning("the cluster has lost %d of its workers; others are started", len(lost))
            SpecCluster.scale(self._cluster, len(self._cluster.worker_spec))  # the same number: what is missing starts
