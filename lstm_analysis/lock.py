"""The lock of a run: one program at a time writes it."""

import json
import os
import socket
import threading
import time
import warnings
from pathlib import Path

import psutil

from .errors import UserError

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 120.0


class RunLock:
    """Keeps two programs from writing one run: a lock file with owner and heartbeat.

    The lock is a courtesy; that a shard is a repeatable function is the guarantee.

    Raises
    ------
    UserError
        On entering, if another living program holds the lock.
    """

    def __init__(self, run: Path) -> None:
        self._file = run / "run.lock"
        self._stop = threading.Event()
        self._owner = {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}

    def __enter__(self) -> "RunLock":
        self._file.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            try:
                with self._file.open("x", encoding="utf-8") as file:
                    json.dump(self._owner, file)
                threading.Thread(target=self._beat, daemon=True).start()
                return self
            except FileExistsError:
                self._refuse_if_alive()
                self._file.unlink(missing_ok=True)
            except OSError:  # a lock that could not be written would keep the next program waiting
                self._file.unlink(missing_ok=True)
                raise
        raise UserError(f"Another program took {self._file} just now. Wait for it to finish.")

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._file.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            if self._file.exists():
                os.utime(self._file)

    def _refuse_if_alive(self) -> None:
        try:
            beat = self._file.stat().st_mtime
            owner = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except ValueError:  # its program is just writing it, or died at that
            owner = {}
        if owner.get("host") == self._owner["host"]:
            alive = _is_alive(owner["pid"], owner["started"])
        else:
            alive = time.time() - beat < STALE_SECONDS
        if alive:
            raise UserError(
                f"Another run is going on in {self._file.parent}: process {owner.get('pid')} on {owner.get('host')}. "
                f"Wait for it or stop it; if it is surely gone, remove {self._file}."
            )
        warnings.warn(f"took over the lock of a program that is gone (process {owner.get('pid')})", stacklevel=3)


def _is_alive(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and bool(abs(process.create_time() - started) < 1)
    except psutil.NoSuchProcess:
        return False
