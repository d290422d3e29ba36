"""Batch queues: the command to submit by, a test of the job script, and what the queue says of those waiting."""

import shlex
import shutil
import subprocess
import tempfile
from typing import Any

from ..errors import UserError
from .places import PLACES

SECONDS = 60
"""A queue that does not answer within this time is not asked again."""


def require_submit_command(cls: Any) -> None:
    """Refuse a class of dask-jobqueue whose command is not there: it would start no job and raise no error.

    Raises
    ------
    UserError
        Naming the command.
    """
    command = shlex.split(cls.job_cls.submit_command)[0]
    if shutil.which(command) is None:
        raise UserError(
            f"{cls.__name__} submits jobs by `{command}`, which is not on this machine's PATH. Run on a host that may "
            "submit to the queue, load the queue's software module, or use another cluster file."
        )


def test_job(script: str, command: str) -> None:
    """Let the queue test a job script without submitting it: a refusal while scaling would only be logged.

    Raises
    ------
    UserError
        With the queue's own words.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(script)
        file.flush()
        code, words = _ask(f"{command} {shlex.quote(file.name)}")
    if code:
        raise UserError(
            f"The queue refuses the cluster file's jobs (`{command}`): {words or f'exit code {code}'}. Change "
            "kwargs in the cluster file; `lstm-analysis cluster FILE --print` shows the job script."
        )


def describe_queue(cluster: Any) -> str:
    """Return what the queue says of a cluster's workers; empty where there is none to ask, or it does not answer."""
    place = PLACES.get(type(cluster).__name__)
    if place is None or not place.queue:
        return ""
    jobs = [str(worker.job_id) for worker in getattr(cluster, "workers", {}).values() if getattr(worker, "job_id", "")]
    if "{jobs}" in place.queue and not jobs:
        return ""
    separator = "," if place.queue.startswith("squeue") else " "
    command = place.queue.format(jobs=separator.join(jobs), name=shlex.quote(str(cluster.name)))
    _, words = _ask(command)
    return f"`{shlex.split(command)[0]}` says: {words}" if words else ""


def not_submitted(cluster: Any) -> bool:
    """Whether the cluster asked for jobs and none of them could be submitted."""
    workers = list(getattr(cluster, "workers", {}).values())
    return bool(workers) and all(getattr(worker, "job_id", "no job") is None for worker in workers)


def _ask(command: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it says in one line."""
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False, timeout=SECONDS)
    except FileNotFoundError:
        return 127, ""
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, "; ".join(" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines())
