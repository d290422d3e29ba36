"""The log of a driver, read from its run's folder."""

import codecs
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import UserError
from .folder import log_file
from .script import JOB_ENDS
from .state import LIVE, read_state

LOOK_SECONDS = 0.5
STILL_SECONDS = 10.0
LINE_BYTES = 1000
"""Enough for the line in which a driver ends."""


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


def last_lines(run: Path, n: int | None, *, whole: bool = False) -> tuple[list[str], int]:
    """Return the last lines of the log, and where they end, in bytes.

    Parameters
    ----------
    run
        Folder of the run.
    n
        How many; ``None`` for all.
    whole
        Leave out a last line that has no end yet.
    """
    lines: deque[bytes] = deque(maxlen=n)
    end = 0
    with log_file(run).open("rb") as file:
        for line in file:
            if whole and not line.endswith(b"\n"):
                break
            lines.append(line)
            end += len(line)
    return [tidy(line.decode("utf-8", "replace")) for line in lines], end


def follow(run: Path, at: int) -> Iterator[str]:
    """Yield what a log gets from a place on, in pieces as they come, until its driver has ended.

    A driver says last with which exit code it ends. Where it cannot, as after a kill, its run has ended and the log has
    been still for `STILL_SECONDS`.
    """
    decode, tail, changed = codecs.getincrementaldecoder("utf-8")("replace").decode, last_end(run, at), time.monotonic()
    while True:
        live = read_state(run).state in LIVE  # before the reading, so that nothing written before the end is missed
        with log_file(run).open("rb") as file:
            file.seek(at)
            found = file.read()
        at += len(found)
        yield decode(found)
        tail = (tail + found)[-LINE_BYTES:]
        changed = time.monotonic() if found or live else changed
        ended = tail.rstrip(b"\n").rpartition(b"\n")[2].startswith(JOB_ENDS.encode())
        if not live and (ended or time.monotonic() - changed > STILL_SECONDS):
            return
        time.sleep(LOOK_SECONDS)


def last_end(run: Path, at: int) -> bytes:
    """Return the end of a log before a place."""
    with log_file(run).open("rb") as file:
        file.seek(max(0, at - LINE_BYTES))
        return file.read(min(at, LINE_BYTES))


def whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text that comes in pieces, each as a terminal would show it in the end.

    >>> list(whole_lines(["a\\nex", "tract:  50%\\rextract: 100%", "\\nb"]))
    ['a', 'extract: 100%', 'b']
    """
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield from map(tidy, lines)
    if rest:
        yield tidy(rest)


def tidy(line: str) -> str:
    """Return a line as a terminal would show it in the end.

    >>> tidy("extract:  50%\\rextract: 100%\\n")
    'extract: 100%'
    """
    return line.rstrip("\r\n").rsplit("\r", 1)[-1]
