"""Slurm."""

import shutil
import subprocess

from .system import COMMAND_SECONDS, BatchSystem, JobRequest

NOTICE_SECONDS = 120
"""How long before the end of its time a driver is told to stop."""


def header(job: JobRequest) -> list[str]:
    """Return the directives of a driver's script."""
    lines = [
        f"--job-name={job.name}",
        f'--output="{str(job.output).replace("%", "%%")}"',
        "--open-mode=append",
        *([f"--partition={job.queue}"] if job.queue else []),
        *([f"--account={job.account}"] if job.account else []),
        "--ntasks=1",
        f"--cpus-per-task={job.cores}",
        f"--mem={job.megabytes}M",
        *([f"--time={job.walltime}"] if job.walltime else []),
        f"--signal=B:TERM@{NOTICE_SECONDS}",
        "--requeue",
        *job.directives,
    ]
    return [f"#SBATCH {line}" for line in lines]


AFTER = (
    "# Out of time, and not cancelled: the same job goes on in the queue.",
    'if [ "$code" = 75 ] && [ -n "$stopped" ] && [ ! -e "$cancel" ] &&',
    '   [ "$(squeue --noheader --jobs "$SLURM_JOB_ID" --format %T)" = RUNNING ]; then',
    '    scontrol requeue "$SLURM_JOB_ID"',
    "fi",
)

SLURM = BatchSystem(
    "slurm", ("sbatch", "--parsable"), "scancel", r"^(\d+)", "SLURM_JOB_ID", header,
    test=("sbatch", "--test-only"), after=AFTER,
)  # fmt: skip


def queue_state(job: str) -> tuple[str, str] | None:
    """Return state and reason of a job in the queue, such as ``("PENDING", "Resources")``.

    Parameters
    ----------
    job
        Its id, such as ``slurm:1234``.

    Returns
    -------
    Empty texts for a job that is not in the queue; ``None`` where the queue cannot be asked.
    """
    if shutil.which("squeue") is None:
        return None
    number = job.partition(":")[2]
    command = ["squeue", "--noheader", "--jobs", number, "--format", "%T|%r"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode and "Invalid job id" not in done.stderr:
        return None
    state, _, reason = done.stdout.strip().partition("|")
    return state, reason
