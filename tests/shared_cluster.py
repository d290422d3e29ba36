"""A cluster that several tests use: to start one takes longer than most of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import psutil
import yaml
from distributed import Client
from driver import LOOPBACK, SHARED, marked, wait_until

from lstm_analysis.cluster import open_client


@dataclass(frozen=True)
class Shared:
    """A cluster that several tests use, and the file by which a run joins it."""

    client: Client
    joined: Path

    def wait_for_workers(self, n_workers: int) -> None:
        """Wait until it has so many workers again."""
        wait_until(lambda: len(self.client.nthreads()) == n_workers, f"{n_workers} workers")


@contextmanager
def shared_cluster(
    folder: Path, n_workers: int, memory: str, config: dict[str, Any], scale: dict[str, Any] | None = None
) -> Iterator[Shared]:
    """Start a cluster for the tests of a module; fail if its processes stay when it is closed."""
    kwargs = {"n_workers": n_workers, "memory_limit": memory, "dashboard_address": f"{LOOPBACK}:0"}
    file, joined = folder / "shared.yaml", folder / "joined.yaml"
    content = {"module": "distributed", "class": "LocalCluster", "kwargs": kwargs, "config": config}
    file.write_text(yaml.safe_dump(content | ({"scale": scale} if scale else {})))
    before = {process.pid for process in marked("")}
    with dask.config.set(config), open_client(file) as client:  # what a run sets is left behind, here it is taken back
        joined.write_text(yaml.safe_dump({"address": client.scheduler.address}))
        SHARED.append(client.scheduler.address)
        try:
            yield Shared(client, joined)
        finally:
            SHARED.remove(client.scheduler.address)
    left = [process for process in marked("") if process.pid not in before]
    assert not psutil.wait_procs(left, timeout=20)[1]
