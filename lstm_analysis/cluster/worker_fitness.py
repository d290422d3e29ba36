"""What a worker must have to be fit for a study, looked at on the worker itself."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..disk import FULL, temporary_name
from ..versions import versions

FIT = ("python", "lstm-analysis", "numpy", "torch", "zarr", "dask", "distributed", "numba")
"""What must be the same everywhere: other versions of these give other numbers, or do not understand each other."""
PATIENCE = 20.0
"""Seconds that a file may take to show on another host: network file systems keep what they saw for some time."""


@dataclass(frozen=True)
class Expected:
    """What the driver has put down for its workers.

    Parameters
    ----------
    token
        File in the folder of the run.
    text
        What is in it.
    versions
        Those of the driver.
    """

    token: Path
    text: str
    versions: Mapping[str, str] = field(default_factory=versions)


async def unfit(expected: Expected, patience: float = PATIENCE) -> str:
    """Return what keeps this worker from the work, in a sentence; empty if nothing does."""
    other = differing(expected.versions, versions())
    if other:
        return f"has other versions than the driver: {other}"
    return await unshared(expected, patience)


def differing(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Return the versions that differ, written for a person; builds of one version are alike.

    >>> differing({"torch": "2.5.1+cpu", "zarr": "3.1.0"}, {"torch": "2.5.1+cu124", "zarr": "3.0.8"})
    'zarr 3.0.8 instead of 3.1.0'
    >>> differing({"python": "3.11.2"}, {"python": "3.11.9"})
    ''
    """
    found = []
    for name in FIT:
        before, after = (_plain(name, where.get(name, "none")) for where in (mine, theirs))
        if before != after:
            found.append(f"{name} {after} instead of {before}")
    return ", ".join(found)


def _plain(name: str, version: str) -> str:
    return ".".join(version.split(".")[:2]) if name == "python" else version.partition("+")[0]


async def unshared(expected: Expected, patience: float = PATIENCE) -> str:
    """Return why the folder of the token is not the driver's, or cannot be written; empty if it can be worked in."""
    folder, host = expected.token.parent, socket.gethostname()
    if await read_patiently(expected.token, patience) != expected.text:
        return (
            f"does not see what the driver writes to {folder} (on the host {host}): the folder of the run must lie on "
            "storage that all hosts share, under the same path"
        )
    mine = temporary_name(expected.token)
    try:
        mine.write_text(host, encoding="utf-8")
        mine.unlink()
    except OSError as error:
        mine.unlink(missing_ok=True)
        if error.errno in FULL:
            return ""  # a full disk is told by the work itself, which knows what to do about it
        return f"cannot write to {folder} (on the host {host}): {error.strerror or error}"
    return ""


async def read_patiently(file: Path, patience: float) -> str | None:
    """Return the text of a file as soon as it is there, ``None`` if it does not show in time."""
    began, pause = time.monotonic(), 0.02
    while True:
        try:
            os.listdir(file.parent)  # has a network file system ask again
            return file.read_text(encoding="utf-8")
        except OSError:
            if time.monotonic() - began > patience:
                return None
        await asyncio.sleep(pause)
        pause = min(2 * pause, 1.0)
