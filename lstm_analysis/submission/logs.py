"""The log of a driver, read from its run's folder."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..errors import UserError
from .folder import log_file
from .state import LIVE, read_state

LOOK_SECONDS = 0.5


def check_log(run: Path) -> str | None:
    """Return what to say before the log of a run, ``None`` if it is that of its last driver.

    Raises
    ------
    UserError
        If there is none.
    """
    state = read_state(run)
    foreground = bool(state.status) and state.status.get("submission") is None
    where = f"{state.status.get('job')}, was started with `lstm-analysis run` or from Python, so its log went there"
    if not log_file(run).exists():
        raise UserError(f"{run} has no log: " + (f"{where}." if foreground else f"its driver is {state.state}."))
    return f"The last driver, {where}; this is the log of the submission before." if foreground else None


def last_lines(run: Path, n: int | None) -> tuple[list[str], int]:
    """Return the last lines of the log, all for ``None``, and where they end, in bytes.

    Of a bar that was drawn over and over the last state is kept.
    """
    with log_file(run).open("rb") as file:
        lines = deque((tidy(line) for line in file if line.endswith(b"\n")), maxlen=n)
        end = file.tell()
    return list(lines), end if not lines else _whole(run, end)


def _whole(run: Path, end: int) -> int:
    """Return where the last whole line ends."""
    with log_file(run).open("rb") as file:
        start = max(0, end - (1 << 20))
        file.seek(start)
        return start + file.read(end - start).rfind(b"\n") + 1


def follow(run: Path, at: int) -> Iterator[str]:
    """Yield the lines that a log gets from a place on, until its run has ended."""
    rest = b""
    while True:
        live = read_state(run).state in LIVE  # before the reading, so that nothing written before the end is missed
        with log_file(run).open("rb") as file:
            file.seek(at)
            found = file.read()
        at += len(found)
        *lines, rest = (rest + found).split(b"\n")
        yield from map(tidy, lines)
        if not live:
            if rest:
                yield tidy(rest)
            return
        time.sleep(LOOK_SECONDS)


def tidy(line: bytes) -> str:
    """Return a line as a terminal would show it in the end.

    >>> tidy(b"extract:  50%\\rextract: 100%\\n")
    'extract: 100%'
    """
    text = line.decode("utf-8", errors="replace").rstrip("\r\n")
    return text.rsplit("\r", 1)[-1]
