"""A driver is asked to stop, by whatever way reaches it."""

import getpass
import json
import os
import signal
import socket
import time

from ..owner import lives_here
from .batch import system_of
from .folder import cancel_file, now, submission_folder
from .state import LIVE, RunState, read_state

LOOK_SECONDS = 0.3


def cancel(state: RunState, seconds: float) -> RunState:
    """Ask a live run to stop and wait until it has, or the time is over.

    A file in its folder is the request that works from any machine; a job is cancelled in its queue too, and a process
    of this host gets SIGTERM.

    Parameters
    ----------
    state
        How the run stands.
    seconds
        How long to wait.

    Returns
    -------
    How it stands then.
    """
    submission_folder(state.run).mkdir(exist_ok=True)
    asked = {"user": _user(), "host": socket.gethostname(), "time": now()}
    cancel_file(state.run).write_text(json.dumps(asked) + "\n", encoding="utf-8")
    job = str(state.job)
    if system := system_of(job):
        system.cancel_job(job)
    else:
        _terminate(state)
    return _wait(state, seconds)


def _terminate(state: RunState) -> None:
    """Send SIGTERM to the driver if it is a process of this host, and the one that was written down."""
    driver = state.submission.get("driver") or {}
    if state.status:
        status = state.status
        driver = {"host": status["host"], "pid": status["pid"], "started": status["process_started"]}
    if driver and lives_here(driver):
        try:
            os.kill(driver["pid"], signal.SIGTERM)
        except (ProcessLookupError, PermissionError):  # just gone, or another user's: the file has to do
            return


def _wait(state: RunState, seconds: float) -> RunState:
    deadline = time.monotonic() + seconds
    while state.state in LIVE and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        state = read_state(state.run)
    return state


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return str(os.getuid())
