"""A look at the workers of a cluster: the same versions, one folder, one thread, enough memory, one clock."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..disk import temporary_name
from ..versions import versions
from .places import DASK_TRIM
from .preflight import token_in
from .worker_fitness import PATIENCE, differing, read_patiently

if TYPE_CHECKING:
    from distributed import Client

SLOW_TRIM = 32 << 20
"""Below this the C library gives memory back so often that reading loses a fifth of its speed."""
CLOCK_SECONDS = 2.0
SHARED_DELAY_SECONDS = 1.0


@dataclass(frozen=True)
class Row:
    """One check: ``ok``, a ``note`` (it works, and could be better), or ``FAIL``.

    Parameters
    ----------
    name, verdict
        Of the check.
    found
        What was seen.
    advice
        What to do, if it is not ok.
    """

    name: str
    verdict: Literal["ok", "note", "FAIL"]
    found: str
    advice: str = ""


def describe_rows(rows: Iterable[Row]) -> str:
    """Return a line for each check, and below it what to do."""
    lines = []
    for row in rows:
        lines.append(f"{row.name:<10}{row.verdict:<6}{row.found}")
        lines += [f"{'':<16}-> {row.advice}"] if row.advice and row.verdict != "ok" else []
    return "\n".join(lines)


def check_workers(client: "Client", folder: Path, look_at_device: Callable[[], dict[str, Any]]) -> list[Row]:
    """Check the workers that there are.

    Parameters
    ----------
    client
        Of the cluster.
    folder
        Where runs lie.
    look_at_device
        Called on each worker; tells of its threads and device.
    """
    seen = client.run(look, on_error="return")
    lost = {address: str(answer) for address, answer in seen.items() if isinstance(answer, BaseException)}
    if lost:
        return [Row("workers", "FAIL", grouped(lost), "Install the same environment on all hosts.")]
    devices = client.run(look_at_device, on_error="return")
    hosts = {address: f"{found['host']}" for address, found in seen.items()}
    return [
        Row("workers", "ok", f"{len(seen)} on {', '.join(sorted(set(hosts.values())))}"),
        check_versions(client, {address: found["versions"] for address, found in seen.items()}),
        *check_storage(client, folder),
        check_threads({a: {**found, **_torch(devices[a])} for a, found in seen.items()}),
        check_device(devices),
        check_malloc({address: found["trim"] for address, found in seen.items()}),
        check_clock(client),
    ]


def look(dask_worker: Any) -> dict[str, Any]:
    """Return what a worker knows of itself; called on it."""
    return {
        "host": socket.gethostname(),
        "versions": versions(),
        "n_thread": dask_worker.state.nthreads,
        "memory": dask_worker.memory_manager.memory_limit,
        "trim": os.environ.get("MALLOC_TRIM_THRESHOLD_", ""),
    }


def grouped(found: Mapping[str, str]) -> str:
    """Return what was found on each worker, the same things once.

    >>> grouped({"tcp://a:1": "1 thread", "tcp://b:1": "1 thread"})
    '1 thread'
    >>> grouped({"tcp://a:1": "1 thread", "tcp://b:1": "4 threads"})
    '1 thread (tcp://a:1), 4 threads (tcp://b:1)'
    """
    where: dict[str, list[str]] = {}
    for address, text in found.items():
        where.setdefault(text, []).append(address)
    if len(where) == 1:
        return next(iter(where))
    return ", ".join(f"{text} ({', '.join(addresses[:3])})" for text, addresses in where.items())


def check_versions(client: "Client", of_workers: Mapping[str, Mapping[str, str]]) -> Row:
    """Compare the versions that make the numbers on driver, scheduler and workers."""
    mine = versions()
    try:
        others = {"scheduler": client.run_on_scheduler(versions), **of_workers}
    except ModuleNotFoundError as error:
        return Row("versions", "FAIL", f"the scheduler lacks {error.name}", "Install the same environment there.")
    other = {where: differing(mine, theirs) for where, theirs in others.items()}
    other = {where: text for where, text in other.items() if text}
    if other:
        shown = "; ".join(f"{where} has {text}" for where, text in other.items())
        return Row("versions", "FAIL", shown, "Install the same environment on all hosts.")
    shown = ", ".join(f"{name} {mine[name]}" for name in ("python", "torch", "dask", "zarr") if name in mine)
    return Row("versions", "ok", f"the same on driver, scheduler and workers: {shown}")


def check_storage(client: "Client", folder: Path) -> list[Row]:
    """Let the driver write and the workers read, then the other way round, and take the time."""
    advice = f"Give --output on storage that all hosts mount under the same path; {folder.resolve()} is not."
    with token_in(folder) as token:
        text = token.read_text(encoding="utf-8")
        read = client.run(read_timed, token, text, on_error="return")
        unread = {a: f"not seen within {PATIENCE:.0f} s" for a, delay in read.items() if not isinstance(delay, float)}
        if unread:
            return [Row("storage", "FAIL", f"what the driver wrote is {grouped(unread)}", advice)]
        written = client.run(write, token, on_error="return")
        wrong = {address: str(name) for address, name in written.items() if not isinstance(name, str)}
        if wrong:
            return [
                Row("storage", "FAIL", f"workers cannot write: {grouped(wrong)}", "Make the folder writable there.")
            ]
        files = [token.with_name(name) for name in written.values()]
        try:
            delay = asyncio.run(_all_seen(files))
        finally:
            for file in files:
                file.unlink(missing_ok=True)
    if delay is None:
        return [Row("storage", "FAIL", f"what workers write does not show here within {PATIENCE:.0f} s", advice)]
    slow = max(delay, *read.values())
    found = f"workers read after {max(read.values()):.2f} s, the driver after {delay:.2f} s"
    if slow > SHARED_DELAY_SECONDS:
        advice = "It works. Files show late on other hosts (attribute caching), so `status` lags behind by as much."
        return [Row("storage", "note", found, advice)]
    return [Row("storage", "ok", found)]


async def read_timed(token: Path, text: str) -> float | None:
    """Return the seconds until the driver's file shows on this worker, ``None`` if it does not."""
    began = time.monotonic()
    return time.monotonic() - began if await read_patiently(token, PATIENCE) == text else None


def write(token: Path) -> str:
    """Write a file beside the driver's and return its name."""
    name = temporary_name(token).name
    token.with_name(name).write_text(socket.gethostname(), encoding="utf-8")
    return name


async def _all_seen(files: Iterable[Path]) -> float | None:
    began = time.monotonic()
    for file in files:
        if await read_patiently(file, PATIENCE) is None:
            return None
    return time.monotonic() - began


def _torch(device: Any) -> Mapping[str, Any]:
    return device if isinstance(device, Mapping) else {"torch_threads": "unknown", "omp_threads": "unknown"}


def check_threads(found: Mapping[str, Mapping[str, Any]]) -> Row:
    """One thread a worker, for Dask and for the arithmetic."""
    text = {
        address: f"{one['n_thread']} of Dask, {one['torch_threads']} of torch, OMP_NUM_THREADS={one['omp_threads']}"
        for address, one in found.items()
    }
    fits = all((one["n_thread"], one["torch_threads"], one["omp_threads"]) == (1, 1, "1") for one in found.values())
    advice = "Start workers with --nthreads 1 under a nanny, or set OMP_NUM_THREADS=1 in their environment."
    return Row("threads", "ok" if fits else "FAIL", grouped(text), advice)


def check_device(devices: Mapping[str, Any]) -> Row:
    """Name the device."""
    broken = {address: str(found) for address, found in devices.items() if isinstance(found, BaseException)}
    if broken:
        return Row("device", "FAIL", grouped(broken), "torch cannot be used there; install it anew.")
    text = {
        address: f"{found['device']}" + (f", {found['device_bytes'] / 1e9:,.1f} GB" if found["cuda"] else "")
        for address, found in devices.items()
    }
    return Row("device", "ok", grouped(text))


def check_malloc(trim: Mapping[str, str]) -> Row:
    """Whether the C library keeps memory for the next array."""
    slow = [value for value in trim.values() if value and int(value) < SLOW_TRIM]
    text = {address: f"MALLOC_TRIM_THRESHOLD_={value or 'not set'}" for address, value in trim.items()}
    advice = (
        "Reading is a fifth slower. Put MALLOC_TRIM_THRESHOLD_=67108864 and MALLOC_MMAP_THRESHOLD_=33554432 into the "
        f"workers' environment (Dask's default is {DASK_TRIM})."
    )
    return Row("malloc", "note" if slow else "ok", grouped(text), advice)


def check_clock(client: "Client") -> Row:
    """Compare the clocks, as far as a message to and fro tells them apart."""
    before = time.time()
    theirs = client.run(time.time)
    after = time.time()
    apart = {address: max(before - t, t - after, 0.0) for address, t in theirs.items()}
    worst = max(apart.values(), default=0.0)
    advice = "Let the hosts keep time (NTP): the age of a run's lock and its times of shards are compared across hosts."
    return Row("clock", "note" if worst > CLOCK_SECONDS else "ok", f"{worst:.2f} s apart at least", advice)


def check_memory(client: "Client", needed: int | None) -> Row:
    """Hold the memory of workers against what a study needs.

    Parameters
    ----------
    client
        Of the cluster.
    needed
        Bytes a worker; ``None`` if no study is given.
    """
    limits = {address: found["memory"] or 0 for address, found in client.run(look).items()}
    text = grouped({a: f"{limit / 1e9:,.2f} GB a worker" if limit else "no limit" for a, limit in limits.items()})
    if needed is None:
        return Row("memory", "ok", text)
    found = f"{text}; the study needs {needed / 1e9:,.2f} GB at most"
    short = any(0 < limit < needed for limit in limits.values())
    advice = "Ask for more memory, or for fewer workers on a host; a smaller inference.shard_tokens needs less."
    return Row("memory", "FAIL" if short else "ok", found, advice)
