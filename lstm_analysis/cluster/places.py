"""Places to run: what a cluster file names is started here."""

import importlib
import os
from typing import Any

import psutil

from ..config import ClusterConfig
from ..errors import UsageError, UserError
from .forking import METHOD, fork_workers

EXTRAS = {"dask_jobqueue": "dask-jobqueue", "dask_cuda": "dask-cuda", "dask_kubernetes": "dask-kubernetes"}
LOOPBACK = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:8787"}
"""A Dask scheduler runs whatever it is sent and asks for no password, so one on this machine listens to it alone."""
LOCAL = ClusterConfig(module="distributed", class_="LocalCluster")
ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
DASK_TRIM = 65_536
MALLOC = {"MALLOC_TRIM_THRESHOLD_": 64 << 20, "MALLOC_MMAP_THRESHOLD_": 32 << 20}
"""What glibc's own rule comes to in a program with large arrays. Dask's default gives memory back after every array."""


def start(config: ClusterConfig) -> Any:
    """Start the cluster of a cluster file and return it, an object of the class that it names."""
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
        if kwargs.get("processes", True) and METHOD not in config.config:
            fork_workers()
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
