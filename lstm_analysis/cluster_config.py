"""Cluster files: YAML read by the safe loader into a frozen dataclass, every key checked."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .conversion import convert
from .driver_config import DriverConfig
from .errors import UsageError
from .yaml_file import read_yaml

STARTING = ("module", "kwargs", "scale", "worker")
"""Keys of a cluster file that say how a cluster is started."""


@dataclass(frozen=True)
class Credentials:
    """Files by which one proves to a running scheduler who one is, as of `distributed.Security`."""

    tls_ca_file: str | None = None
    tls_client_cert: str | None = None
    tls_client_key: str | None = None
    require_encryption: bool = True


@dataclass(frozen=True)
class ClusterConfig:
    """A cluster file: the class to start with its arguments, or the address of a running scheduler.

    Parameters
    ----------
    module, class_, kwargs
        The class, and its arguments.
    address, scheduler_file
        The running scheduler instead.
    security
        Files for a running scheduler that encrypts (``tls://``).
    scale
        How many workers: arguments of the class's ``scale``, or ``adapt`` with those of its ``adapt``.
    worker
        ``threads`` and ``resources`` of each worker, said in the class's own words by `cluster.PLACES`.
    driver
        The driver's own job, where `submit` sends it to a queue.
    config
        Dask settings.
    folder
        Where the file lies: paths of files that it names count from there.
    """

    version: Literal[1] = 1
    module: str | None = None
    class_: str | None = field(default=None, metadata={"key": "class"})
    address: str | None = None
    scheduler_file: str | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    scale: dict[str, Any] = field(default_factory=dict)
    worker: dict[str, Any] = field(default_factory=dict)
    driver: DriverConfig | None = None
    security: Credentials | None = None
    config: dict[str, Any] = field(default_factory=dict)
    folder: Path = field(default=Path(), compare=False, metadata={"internal": True})

    @property
    def joins(self) -> bool:
        """Whether the scheduler runs already."""
        return self.class_ is None

    def resolve(self, path: str) -> str:
        """Return the path of a file that the cluster file names, as seen from the current folder."""
        return str(self.folder / Path(path).expanduser())


def load_cluster(path: str | Path) -> ClusterConfig:
    """Read a cluster file; errors as for `load_study`."""
    path = Path(path)
    cluster: ClusterConfig = convert(read_yaml(path), ClusterConfig, str(path), "")
    started = cluster.module is not None and cluster.class_ is not None
    if sum([started, cluster.address is not None, cluster.scheduler_file is not None]) != 1:
        raise UsageError(f"{path}: give either module and class, or address, or scheduler_file, and only one of them.")
    useless = [key for key in (STARTING if cluster.joins else ("security",)) if getattr(cluster, key)]
    if useless:
        other = "a scheduler that runs already" if cluster.joins else "a class: use kwargs.security"
        raise UsageError(f"{path}: {useless[0]} has no meaning for {other}. Remove the key.")
    return dataclasses.replace(cluster, folder=path.parent)
