"""Who runs a run: a process on a host, told from another one with the same number by its start."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from .disk import temporary_name

JOB = "LSTM_ANALYSIS_JOB"
"""Environment variable with the id of the job that a driver is."""


@cache
def _identity(pid: int) -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": pid, "started": psutil.Process(pid).create_time()}


def this_process() -> dict[str, Any]:
    """Return host, process id and start of this process, and its job, if it is one of a batch system."""
    job = os.environ.get(JOB)
    return {**_identity(os.getpid()), **({"job": job} if job else {})}


def lives_here(owner: Mapping[str, Any]) -> bool | None:
    """Return whether a process of this host lives; ``None`` for one of another host, which cannot be seen from here."""
    if owner.get("host") != socket.gethostname():
        return None
    try:
        process = psutil.Process(owner["pid"])
        return process.status() != psutil.STATUS_ZOMBIE and bool(abs(process.create_time() - owner["started"]) < 1)
    except psutil.NoSuchProcess:
        return False


def file_age(file: Path) -> float:
    """Return the seconds since a file was last changed, by the clock of its file system.

    Hosts' clocks differ; a file that is made beside it now tells the time of the one that counts. Where none can be
    made, the clock of this host has to do.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    probe = temporary_name(file)
    now = time.time()
    with suppress(OSError):
        try:
            probe.touch(exist_ok=False)
            now = probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)
    return now - file.stat().st_mtime


def describe_owner(owner: Mapping[str, Any]) -> str:
    """Return an owner as a person would say it.

    >>> describe_owner({"host": "n1", "pid": 12, "started": 0, "job": "slurm:7"})
    'process 12 on n1 (slurm:7)'
    """
    if "host" not in owner:
        return "a program that did not write who it is"
    job = str(owner.get("job", "process:"))
    job = "" if job.startswith("process:") else f" ({job})"
    return f"process {owner.get('pid')} on {owner.get('host')}{job}"
