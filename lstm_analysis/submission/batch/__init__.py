"""Batch systems on which a driver is itself a job, one file each."""

from .lsf import LSF
from .pbs import PBS
from .sge import SGE
from .slurm import SLURM, queue_state
from .system import BatchSystem, JobRequest

__all__ = ["SYSTEMS", "BatchSystem", "JobRequest", "queue_state", "system_of"]

SYSTEMS: dict[str, BatchSystem] = {"SLURMCluster": SLURM, "PBSCluster": PBS, "LSFCluster": LSF, "SGECluster": SGE}
"""By the class of the cluster file whose workers are jobs of the system."""


def system_of(job: str) -> BatchSystem | None:
    """Return the batch system of an id such as ``slurm:1234``; ``None`` for a process.

    >>> system_of("slurm:1234").cancel
    'scancel'
    >>> system_of("process:n1:77") is None
    True
    """
    kind = job.partition(":")[0]
    return next((system for system in SYSTEMS.values() if system.name == kind), None)
