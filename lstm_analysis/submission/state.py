"""How a run stands, judged from its folder alone."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..owner import file_age, lives_here
from .batch import queue_state
from .folder import cancel_file, read_json, status_file, submission_file

LIVE = ("queued", "starting", "running")
"""States of a run that goes on, or will."""
RESUMABLE = ("interrupted", "cancelled", "killed")
"""States of a run that the same command goes on with."""
STALE_SECONDS = 120.0
"""A driver on another host whose heart has not beaten for so long is gone; it beats every 5 s."""
AGAIN = "submit it again, or run the same command, to go on"


@dataclass(frozen=True)
class RunState:
    """How a run stands.

    Parameters
    ----------
    run
        Its folder.
    state
        ``queued, starting, running, done, failed, interrupted, cancelled`` or ``killed``.
    status, submission
        What ``status.json`` and ``submission.json`` say; empty where there is none, or it is of another time.
    note
        How it is known, or what it waits for.
    age
        Seconds since the driver's heart last beat, by the file system's clock; ``None`` for one that is not alive.
    """

    run: Path
    state: str
    status: dict[str, Any] = field(default_factory=dict)
    submission: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    age: float | None = None

    @property
    def exit_code(self) -> int:
        """What ``lstm-analysis status`` returns: 0 runs or is done, 1 failed, 3 some shards failed, 75 can go on."""
        if self.state in RESUMABLE:
            return 75
        if self.state == "failed":
            return 3 if self.status.get("exit_code") == 3 else 1
        return 0

    @property
    def job(self) -> str | None:
        """The id of its driver."""
        return self.status.get("job") or self.submission.get("id")


def read_state(run: Path) -> RunState:
    """Judge how a run stands.

    Parameters
    ----------
    run
        Its folder, on whatever host.

    Raises
    ------
    UsageError
        If nothing there says that a run was started.
    """
    status, submission = read_json(status_file(run)), read_json(submission_file(run))
    if status is None and submission is None:
        what = "has no status.json" if (run / "run.json").exists() else "is not a run"
        raise UsageError(f"{run} {what}: nothing was run or submitted there. Check the path of the run's folder.")
    ours = submission is not None and status is not None and status.get("submission") == submission["token"]
    if submission is not None and not ours and (status is None or _is_newer(submission_file(run), status_file(run))):
        return _not_begun(run, submission)
    assert status is not None
    submission = submission if ours and submission is not None else {}
    if status["state"] in LIVE:
        return _going_on(run, status, submission)
    if status["state"] in RESUMABLE and submission:
        return _maybe_requeued(run, RunState(run, status["state"], status, submission))
    return RunState(run, status["state"], status, submission)


def _going_on(run: Path, status: dict[str, Any], submission: dict[str, Any]) -> RunState:
    age = file_age(status_file(run))
    owner = {"host": status["host"], "pid": status["pid"], "started": status["process_started"]}
    alive = lives_here(owner)
    if alive or (alive is None and age < STALE_SECONDS):
        return RunState(run, status["state"], status, submission, age=age)
    gone = "its process is gone" if alive is False else f"its heart has not beaten for {age:.0f} s"
    return _maybe_requeued(run, RunState(run, "killed", status, submission, f"{gone}; {AGAIN}"))


def _maybe_requeued(run: Path, found: RunState) -> RunState:
    """Return a run that has stopped as one that waits, if its job is in the queue again."""
    job = _in_queue(found.submission)
    if job is None or not job[0] or _is_ending(job[0]) or found.state == "cancelled":
        return found
    if job[0] == "RUNNING":  # of a job that hangs no more is known than that its heart has stopped
        return found if found.state == "killed" else replace(found, state="starting", note=_said(job))
    return replace(found, state="queued", note=f"again, after it was stopped: {_said(job)}")


def _not_begun(run: Path, submission: dict[str, Any]) -> RunState:
    """Judge a submission whose driver has not written its status."""
    driver, job = submission.get("driver"), _in_queue(submission)
    if job is not None and job[0] and not _is_ending(job[0]):
        return RunState(run, "starting" if job[0] == "RUNNING" else "queued", {}, submission, _said(job))
    if cancel_file(run).exists() and not (driver and lives_here(driver)):
        return RunState(run, "cancelled", {}, submission, "before it began")
    if driver is None and job is None:
        return RunState(run, "queued", {}, submission, "its queue cannot be asked from here")
    alive = lives_here(driver) if driver else False
    if alive or (alive is None and file_age(submission_file(run)) < STALE_SECONDS):
        return RunState(run, "starting", {}, submission)
    return RunState(run, "failed", {}, submission, "its driver ended before the run began; its log says why")


def _in_queue(submission: dict[str, Any]) -> tuple[str, str] | None:
    job = str(submission.get("id", ""))
    return queue_state(job) if job.startswith("slurm:") else None


def _is_ending(state: str) -> bool:
    return state in ("COMPLETING", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


def _said(job: tuple[str, str]) -> str:
    state, reason = job
    return f"Slurm says {state}" + (f" ({reason})" if reason not in ("", "None") else "")


def _is_newer(file: Path, other: Path) -> bool:
    return file.stat().st_mtime_ns > other.stat().st_mtime_ns
