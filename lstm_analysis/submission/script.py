"""The script that runs a driver: as a job of a batch system, or as a process of this machine."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..config import ClusterConfig
from ..driver_config import DriverConfig
from ..errors import UsageError
from ..owner import JOB
from .batch import BatchSystem, JobRequest
from .folder import TOKEN, cancel_file, log_file, submission_folder

JOB_BEGINS = "driver: begins as"
JOB_ENDS = "driver: ends with exit code"
"""First words of the lines of the log in which a driver begins and ends."""
WAIT = (
    "driver=$!",
    "stopped=",
    "trap 'stopped=1; again=1; kill -TERM \"$driver\" 2>/dev/null' TERM USR2",
    "code=1",
    "while :; do  # a signal ends the waiting, not the driver",
    "    again=",
    '    wait "$driver"',
    "    found=$?",
    '    [ "$found" = 127 ] || code=$found',
    '    [ -n "$again" ] || break',
    "done",
)


def job_request(run: Path, name: str, cluster: ClusterConfig, system: BatchSystem) -> JobRequest:
    """Return what the driver's job asks for: its own keys, then the workers' arguments, then Dask's settings.

    Raises
    ------
    UsageError
        If the memory is none.
    """
    import dask.config
    from dask.utils import parse_bytes

    driver = cluster.driver or DriverConfig()

    def given(own: str | None, *keys: str) -> str | None:
        settings = [dask.config.get(f"jobqueue.{system.name}.{key}", None) for key in keys]
        found = next((value for value in [own, *map(cluster.kwargs.get, keys), *settings] if value), None)
        return None if found is None else str(found)

    try:
        memory = parse_bytes(driver.memory)
    except ValueError:
        raise UsageError(f"The cluster file's driver.memory is {driver.memory!r}; write it as 4GB or 512MB.") from None
    return JobRequest(
        f"lstm-analysis-{name}", submission_folder(run) / "job.out", driver.cores, memory,
        given(driver.walltime, "walltime"), given(driver.queue, "queue"),
        given(driver.account, "account", "project"), driver.directives,
    )  # fmt: skip


def driver_script(
    run: Path, name: str, command: Sequence[str], token: str, cluster: ClusterConfig, system: BatchSystem | None
) -> str:
    """Return the text of a driver's script.

    Parameters
    ----------
    run
        Folder of the run, absolute.
    name
        What the study is called.
    command
        Arguments of the program.
    token
        Of the submission.
    cluster
        The cluster file.
    system
        Where it is a job; ``None`` for a process.
    """
    driver = cluster.driver or DriverConfig()
    prologue = cluster.kwargs.get("job_script_prologue", ()) if driver.prologue is None else driver.prologue
    header = [] if system is None else [*system.header(job_request(run, name, cluster, system)), ""]
    job = "process:$(uname -n):$$" if system is None else f"{system.name}:${system.id_variable}"
    lines = [
        "#!/bin/sh",
        *header,
        f"cd {shlex.quote(os.getcwd())} || exit 1",
        f"exec </dev/null >>{shlex.quote(str(log_file(run)))} 2>&1",
        f"cancel={shlex.quote(str(cancel_file(run)))}",
        f"export {TOKEN}={token}",
        f'export {JOB}="{job}"',
        *(str(line) for line in prologue if system is not None),
        f'echo "{JOB_BEGINS} ${JOB}, $(date)"',
        f"{shlex.join([str(cluster.kwargs.get('python') or sys.executable), *command])} &",
        *WAIT,
        f'echo "{JOB_ENDS} $code, $(date)"',
        *(system.after if system is not None else ()),
        'exit "$code"',
        "",
    ]
    return "\n".join(lines)
