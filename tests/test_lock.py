"""One program at a time writes a run."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lstm_analysis.errors import UserError
from lstm_analysis.lock import STALE_SECONDS, RunLock


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(UserError, match=rf"process {os.getpid()} on"):
        RunLock(tmp_path).__enter__()
    assert not (tmp_path / "run.lock").exists()


def test_a_lock_that_cannot_be_written_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="No space left"):
        RunLock(tmp_path).__enter__()
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_dead_program_is_taken_over(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    owner = {"host": socket.gethostname(), "pid": int(dead.stdout), "started": 0}
    (tmp_path / "run.lock").write_text(json.dumps(owner))
    with pytest.warns(UserWarning, match="took over the lock"), RunLock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()


def test_the_lock_of_another_host_counts_while_its_heart_beats(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    lock.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 0}))
    with pytest.raises(UserError, match="process 1 on elsewhere"):
        RunLock(tmp_path).__enter__()
    old = time.time() - 2 * STALE_SECONDS
    os.utime(lock, (old, old))
    with pytest.warns(UserWarning, match="took over the lock"), RunLock(tmp_path):
        pass
