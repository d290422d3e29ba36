"""``status.json``: how far a run is, written by its driver for whoever sees the folder."""

import logging
import os
import signal
import threading
import time
from asyncio import CancelledError
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..disk import explain_os_error, write_whole
from ..errors import STOP, Interrupted, UserError
from ..owner import this_process
from ..progress import Step
from .folder import cancel_file, now, own_token, read_json, save_json, status_file
from .rate import Rate

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

WRITE_SECONDS = 1.0
"""Between two writes of a step that goes on; its beginning and end are always written."""
HEARTBEAT_SECONDS = 5.0
CANCEL_SECONDS = 1.0
"""Between two looks for a request to stop."""
ANSWER_SECONDS = 2.0
"""How long the scheduler may take to say how many workers there are."""


class StatusWriter:
    """Writes how far a run is, from its beginning to its end, and listens to requests to stop it.

    It is a `progress.Listener`. A file that cannot be written never fails the run.

    Parameters
    ----------
    run
        Folder of the run.
    name
        What the study is called.
    """

    def __init__(self, run: Path, name: str) -> None:
        self._run, self._rate, self._lock, self._over = run, Rate(), threading.Lock(), threading.Event()
        self._client: Client | None = None
        self._step: Step | None = None
        self._written, self._warned, self._cancelled = 0.0, False, False
        owner = this_process()
        job = owner.get("job") or f"process:{owner['host']}:{owner['pid']}"
        self._content: dict[str, Any] = {
            "format": 1, "study": name, "state": "starting", "stage": None, "step": None, "tasks": None, "rate": None,
            "seconds_left": None, "workers": None, "dashboard": None, "host": owner["host"], "pid": owner["pid"],
            "process_started": owner["started"], "job": job, "submission": own_token(), "started": now(),
            "updated": None, "error": None, "exit_code": None,
        }  # fmt: skip
        self._begun, self._before = False, (b"", 0)
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "StatusWriter":
        if self._content["submission"] is None:  # a request from before this run was started
            with suppress(OSError):
                cancel_file(self._run).unlink(missing_ok=True)
        with suppress(OSError):
            self._before = status_file(self._run).read_bytes(), status_file(self._run).stat().st_mtime_ns
        self.write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._client = None
        with self._lock:
            self._content |= {"workers": None, "dashboard": None, "rate": None, "seconds_left": None}
            self._content |= how_it_ended(error, self._run)
        if self._begun or self._content["state"] != "failed":
            self.write()
        else:
            self._restore()
        if self._cancelled and not STOP.interrupts:  # a program that uses the library may go on with something else
            STOP.clear()

    def __call__(self, step: Step) -> None:
        """Take note of a step of the work."""
        begins = step is not self._step
        self._step = step
        if begins:
            self._rate = Rate()
        self._rate.add(time.monotonic(), step.done)
        if begins or step.finished or time.monotonic() - self._written >= WRITE_SECONDS:
            self.write()

    def begin(self) -> None:
        """Note that the folder is this run's: from here on a failure is one of the run."""
        self._begun = True

    def enter_stage(self, name: str) -> None:
        """Take note of a stage that begins, such as ``summary`` or ``twin/summary``."""
        self._begun = True
        with self._lock:
            self._step = None
            self._content |= {"state": "running", "stage": name}
        self.write()

    def watch(self, client: "Client | None") -> None:
        """Tell of the workers and the dashboard of a cluster, too."""
        self._client = client
        if client is not None:
            self._content["dashboard"] = client.dashboard_link
            self._count_workers()
        self.write()

    def write(self) -> None:
        """Write the file; a disk that is full or out of reach is said once and is no failure of the run."""
        with self._lock:
            self._written = time.monotonic()
            step, self._content["updated"] = self._step, now()
            self._content |= describe_step(step, self._rate) if step is not None else NO_STEP
            try:
                save_json(status_file(self._run), self._content)
            except OSError as error:
                if not self._warned:
                    log.warning("%s cannot be written (%s); the run goes on", status_file(self._run), error.strerror)
                self._warned = True

    def _restore(self) -> None:
        """Leave what was there before a run that was refused: what it says of the run in the folder is still true."""
        content, changed = self._before
        with suppress(OSError):
            status_file(self._run).unlink(missing_ok=True)
            if content:
                write_whole(status_file(self._run), content)
                os.utime(status_file(self._run), ns=(changed, changed))

    def _beat(self) -> None:
        while not self._over.is_set():
            if os.path.exists(cancel_file(self._run)):  # unlike Path.exists it never raises
                self._cancel()
            if time.monotonic() - self._written >= HEARTBEAT_SECONDS:
                self._count_workers()
                self.write()
            self._over.wait(CANCEL_SECONDS)

    def _cancel(self) -> None:
        if self._cancelled:
            return
        self._cancelled = True
        asked = read_json(cancel_file(self._run)) or {}
        reason = f"Cancelled by {asked.get('user', 'a request')} on {asked.get('host', 'another host')}"
        STOP.request(reason)
        if STOP.interrupts:
            os.kill(os.getpid(), signal.SIGTERM)

    def _count_workers(self) -> None:
        client = self._client
        if client is None or client.status != "running":
            return
        with suppress(Exception, CancelledError):  # that this is not known is no failure of the run
            self._content["workers"] = len(client.sync(client.scheduler.ncores, callback_timeout=ANSWER_SECONDS))


NO_STEP = {"step": None, "tasks": None, "rate": None, "seconds_left": None}


def describe_step(step: Step, rate: Rate) -> dict[str, Any]:
    """Return the part of ``status.json`` that is about the step."""
    speed, left = (None, None) if step.finished else (rate.per_second, rate.seconds_left(step.total))
    return {
        "step": {"name": step.name, "unit": step.unit, "done": step.done, "total": step.total},
        "tasks": {"done": step.n_task_done, "all": step.n_task, "failed": step.n_failed} if step.n_task else None,
        "rate": None if speed is None else round(speed, 2),
        "seconds_left": None if left is None else round(left, 1),
    }


def how_it_ended(error: BaseException | None, run: Path) -> dict[str, Any]:
    """Return the part of ``status.json`` that is about the end of a run."""
    if error is None:
        return {"state": "done", "error": None, "exit_code": 0}
    if isinstance(error, OSError) and error.errno is not None:
        error = explain_os_error(error, run)
    if isinstance(error, KeyboardInterrupt):
        error = Interrupted("Interrupted from the keyboard; run the same command to go on.")
    code = error.exit_code if isinstance(error, UserError) else 1
    message = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    if isinstance(error, Interrupted) and STOP.is_set():  # also where a lost connection was noticed first
        message = STOP.message
    stopped = "cancelled" if os.path.exists(cancel_file(run)) else "interrupted"
    return {"state": stopped if code == Interrupted("").exit_code else "failed", "error": message, "exit_code": code}
