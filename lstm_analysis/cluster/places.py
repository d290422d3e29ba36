"""Places to run: a table of cluster classes, and how each is told what a cluster file says.

A new class is one line in `PLACES`. A class that is not in it works too, with its own arguments, unchecked.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psutil

from ..config import ClusterConfig
from ..errors import UsageError
from .arguments import At, Kwargs

LOCAL = ClusterConfig(module="distributed", class_="LocalCluster")
DASHBOARD = "127.0.0.1:8787"
LOOPBACK = {"host": "127.0.0.1", "dashboard_address": DASHBOARD}
"""A Dask scheduler runs whatever it is sent and asks for no password, so one on this machine listens to it alone."""
ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
DASK_TRIM = 65_536
MALLOC = {"MALLOC_TRIM_THRESHOLD_": 64 << 20, "MALLOC_MMAP_THRESHOLD_": 32 << 20}
"""What glibc's own rule comes to in a program with large arrays. Dask's default gives memory back after every array."""
ADAPT = ("minimum", "maximum", "minimum_cores", "maximum_cores", "minimum_memory", "maximum_memory", "interval",
         "wait_count", "target_duration")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """How a cluster class is spoken to.

    Parameters
    ----------
    kind
        What its workers are: ``processes`` here, ``hosts``, ``jobs``, ``pods``, what a ``gateway`` gives, or ``other``.
    extra
        Extra of this package that installs what it needs, if it does not come with Dask.
    needs
        Modules that the class imports only when it starts.
    defaults
        Function of the class and its arguments; gives arguments for those that the file leaves out.
    threads, resources
        Where it takes ``worker.threads`` and ``worker.resources``; ``None`` if it is told otherwise.
    scale, adapt
        Arguments of its ``scale`` and ``adapt``.
    one
        Part of a cluster file that makes a single worker.
    takes
        Dotted names of what takes the arguments that the class passes on.
    listens
        Arguments one of which must say where its scheduler listens; empty where the default is safe.
    manifest
        Argument that describes the workers by a file of its own.
    queue, test
        Commands that list the workers in the queue, and that test a job script without submitting it.
    """

    kind: str
    extra: str | None = None
    needs: tuple[str, ...] = ()
    defaults: Callable[[Any, Kwargs], Kwargs] = lambda cls, kwargs: {}
    threads: At | None = None
    resources: At | None = None
    scale: tuple[str, ...] = ("n", "cores", "memory")
    adapt: tuple[str, ...] = ADAPT
    one: Mapping[str, Any] = field(default_factory=lambda: {"scale": {"n": 1}})
    takes: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    manifest: str = ""
    queue: str = ""
    test: str = ""


def local_size(n_workers: int | None = None) -> dict[str, Any]:
    """Return the arguments of a LocalCluster that fits this machine: a process a core, one thread each."""
    if not n_workers:
        n_workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = int(psutil.virtual_memory().available * 0.9) // n_workers
    return {"n_workers": n_workers, "threads_per_worker": 1, "memory_limit": memory}


def _this_machine(cls: Any, kwargs: Kwargs) -> Kwargs:
    return {**local_size(kwargs.get("n_workers")), **(LOOPBACK if kwargs.get("processes", True) else {})}


def _over_ssh(cls: Any, kwargs: Kwargs) -> Kwargs:
    """A scheduler that a failed start left behind ends by itself after an idle hour."""
    return {"scheduler_options": {"dashboard_address": DASHBOARD, "idle_timeout": "1h"}}


def _in_a_queue(cls: Any, kwargs: Kwargs) -> Kwargs:
    """What the user's Dask configuration says of jobs holds where the file says nothing."""
    given = {name: of_jobs(cls, name) for name in ("interface", "cores", "worker-extra-args")}
    options = {"dashboard_address": DASHBOARD, **(of_jobs(cls, "scheduler-options") or {})}
    found = {name.replace("-", "_"): value for name, value in given.items() if value}
    return {**found, "scheduler_options": options}


def of_jobs(cls: Any, name: str) -> Any:
    """Return what the user's Dask configuration says of a class of dask-jobqueue."""
    import dask

    return dask.config.get(f"jobqueue.{cls.job_cls.default_config_name()}.{name}", None)


def _processes(kwargs: Kwargs, threads: int) -> int:
    """Return how many processes a job has, so that each has so many threads."""
    cores = kwargs.get("cores")
    if not isinstance(cores, int) or cores % threads:
        raise UsageError(
            f"The cluster file asks for jobs of {cores} cores and workers of {threads} threads. Give kwargs.cores, a "
            "multiple of worker.threads: each job then has a worker process for each so many cores."
        )
    return cores // threads


def as_flag(resources: Mapping[str, float]) -> str:
    """Return resources as a worker's command line takes them.

    >>> as_flag({"GPU": 1, "FAST": 2})
    'GPU=1,FAST=2'
    """
    return ",".join(f"{name}={amount}" for name, amount in resources.items())


def _job_resources(kwargs: Kwargs, resources: Mapping[str, float]) -> list[str]:
    return [*(kwargs.get("worker_extra_args") or []), "--resources", as_flag(resources)]


def _pod_command(flag: str) -> Callable[[Kwargs, Any], list[str]]:
    def add(kwargs: Kwargs, value: Any) -> list[str]:
        command = kwargs.get("worker_command") or "dask-worker"
        words = command.split() if isinstance(command, str) else list(command)
        return [*words, flag, as_flag(value) if isinstance(value, Mapping) else str(value)]

    return add


HERE = Place(
    "processes",
    threads=At("threads_per_worker"),
    resources=At("resources"),
    defaults=_this_machine,
    one={"kwargs": {"n_workers": 1}, "scale": {}},
    takes=("distributed.Nanny", "distributed.Worker"),
)
JOBS = Place(
    "jobs",
    extra="jobqueue",
    threads=At("processes", _processes),
    resources=At("worker_extra_args", _job_resources),
    defaults=_in_a_queue,
    scale=("n", "jobs", "cores", "memory"),
    adapt=("minimum_jobs", "maximum_jobs", *ADAPT),
    one={"scale": {"jobs": 1}},
    listens=("interface", "scheduler_options.interface", "scheduler_options.host"),
)
PLACES = {
    "LocalCluster": HERE,
    "LocalCUDACluster": replace(
        HERE,
        extra="cuda",
        defaults=lambda cls, kwargs: {**LOOPBACK, "threads_per_worker": 1},
    ),
    "SSHCluster": Place(
        "hosts",
        extra="ssh",
        needs=("asyncssh",),
        threads=At("worker_options.nthreads"),
        resources=At("worker_options.resources"),
        defaults=_over_ssh,
        scale=(),
        takes=("distributed.SpecCluster",),
        listens=("scheduler_options.interface", "scheduler_options.host"),
    ),
    "SLURMCluster": replace(JOBS, queue="squeue -h -o '%i %T %r' -j {jobs}", test="sbatch --test-only"),
    "PBSCluster": replace(JOBS, queue="qstat {jobs}"),
    "LSFCluster": replace(JOBS, queue="bjobs {jobs}"),
    "SGECluster": replace(JOBS, queue="qstat"),
    "OARCluster": JOBS,
    "MoabCluster": JOBS,
    "HTCondorCluster": JOBS,
    "KubeCluster": Place(
        "pods",
        extra="kubernetes",
        threads=At("worker_command", _pod_command("--nthreads")),
        resources=At("worker_command", _pod_command("--resources")),
        scale=("n", "worker_group"),
        adapt=("minimum", "maximum"),
        manifest="custom_cluster_spec",
        queue="kubectl get pods -l dask.org/cluster-name={name}",
    ),
    "GatewayCluster": Place("gateway", extra="gateway", scale=("n",), adapt=("minimum", "maximum", "active")),
}
OTHER = Place("other")
"""A class of the user's own."""
EXTRAS = {"dask_cuda": "cuda", "dask_jobqueue": "jobqueue", "dask_kubernetes": "kubernetes", "dask_gateway": "gateway"}
"""Module to the extra that installs it, for a class that is not in the table."""


def place_of(config: ClusterConfig) -> Place:
    """Return the place of a cluster file that names a class."""
    return PLACES.get(config.class_ or "", OTHER)
