"""The lock of a run: one program at a time writes it."""

import json
import os
import threading
import time
import uuid
import warnings
from pathlib import Path
from typing import Any

from .disk import write_whole
from .errors import STOP, UserError
from .owner import describe_owner, file_age, lives_here, this_process

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
PATIENCE_SECONDS = 10.0
"""How long a lock that is being written, or being taken over, is waited for."""

Owner = dict[str, Any]


class RunLock:
    """Keeps two programs from writing one run: a lock file with owner and heartbeat.

    A lock is stale if its process is gone, or, on another host, if its heart has not beaten for `STALE_SECONDS` by the
    clock of the file system. Who takes over the stale lock with token T first makes the claim ``run.lock.T``, which
    only one can, and then looks whether T is still there. The claim of a program that died at that is taken over in
    the same way. The lock is a courtesy; that a shard is a repeatable function is the guarantee.

    Parameters
    ----------
    run
        Folder of the run.

    Raises
    ------
    UserError
        On entering, if another living program holds the lock.
    """

    def __init__(self, run: Path) -> None:
        self._file = run / "run.lock"
        self._stop = threading.Event()
        self._owner = {**this_process(), "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "token": uuid.uuid4().hex[:12]}

    def __enter__(self) -> "RunLock":
        self._file.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._create(self._file):
            holder = read_owner(self._file)
            if holder is None:
                continue
            unread = "host" not in holder
            if unread and time.monotonic() < deadline and file_age(self._file) < PATIENCE_SECONDS:
                time.sleep(0.02)  # its program is just writing it
                continue
            if is_held(self._file, holder):
                raise UserError(refusal(self._file.parent, holder))
            if self._take_over(holder):
                break
            if time.monotonic() > deadline:
                raise UserError(f"Another program is taking over {self._file} just now. Wait for it to finish.")
            time.sleep(0.02)
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._is_mine():
            self._file.unlink(missing_ok=True)

    def _create(self, file: Path) -> bool:
        """Make a file with this owner, unless it is there."""
        try:
            with file.open("x", encoding="utf-8") as stream:
                json.dump(self._owner, stream)
        except FileExistsError:
            return False
        except OSError:  # a lock that could not be written would keep the next program waiting
            file.unlink(missing_ok=True)
            raise
        return True

    def _take_over(self, holder: Owner) -> bool:
        """Put this owner in the place of a dead one; false if another program is at it or has done it."""
        claims = [self._claim(holder)]
        while not self._create(claims[-1]):
            claimant = read_owner(claims[-1])
            if claimant is None or is_held(claims[-1], claimant):
                return False
            claims.append(self._claim(claimant))
        try:
            found = read_owner(self._file)
            if found is None or found["token"] != holder["token"]:
                return False
            write_whole(self._file, json.dumps(self._owner).encode())
            for claim in claims[:-1]:
                claim.unlink(missing_ok=True)
        finally:
            claims[-1].unlink(missing_ok=True)
        warnings.warn(
            f"took over the lock of a program that is gone (process {holder.get('pid')}) on {holder.get('host')}, "
            f"which had it since {holder.get('time', 'an unknown time')}",
            stacklevel=3,
        )
        return True

    def _claim(self, owner: Owner) -> Path:
        return self._file.with_name(f"{self._file.name}.{owner['token']}")

    def _is_mine(self) -> bool:
        found = read_owner(self._file)
        return found is not None and found["token"] == self._owner["token"]

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                self.beat()
            except OSError:  # the storage may come back
                continue

    def beat(self) -> None:
        """Show that the owner lives; stop the work if the lock went to another while this program stood still."""
        found = read_owner(self._file)
        if found is None:
            self._create(self._file)
        elif found["token"] == self._owner["token"]:
            os.utime(self._file)
        elif "host" in found:
            STOP.request(f"{describe_owner(found)} took over {self._file}, because this program had stood still")


def read_owner(file: Path) -> Owner | None:
    """Return who holds a lock, ``None`` if nobody does; of a lock that cannot be understood there is a token only."""
    try:
        changed = file.stat().st_mtime_ns
        owner = json.loads(file.read_text(encoding="utf-8"))
        return {"token": f"{owner['pid']}-{owner['started']}", **owner}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):  # its program is just writing it, or died at that
        return {"token": f"damaged-{changed}"}


def is_held(file: Path, owner: Owner) -> bool:
    """Whether the owner of a lock still lives, as far as can be seen from here."""
    alive = lives_here(owner)
    if alive is not None:
        return alive
    try:
        return file_age(file) < STALE_SECONDS
    except FileNotFoundError:
        return False


def refusal(run: Path, owner: Owner) -> str:
    """Return what to tell a second writer of a run."""
    since = f" since {owner['time']}" if "time" in owner else ""
    return (
        f"Another run is going on in {run}: {describe_owner(owner)}{since}. Wait for it or stop it (lstm-analysis "
        f"cancel {run}); if it is surely gone, remove {run / 'run.lock'}."
    )
