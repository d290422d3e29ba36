"""The program and its clusters as processes: started, watched, waited for."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import yaml

SCRIPTS = Path(sys.executable).parent
SECONDS = 120
"""Nothing is waited for longer."""
MARK = "LSTM_ANALYSIS_TEST_RUN"
"""Environment variable by which the processes of a test are found, whoever their parent is by then."""
LOOPBACK = "127.0.0.1"
SHORT_PROGRAM = Path(__file__).with_name("short_program.py")


SHARED: list[str] = []
"""Addresses of schedulers whose workers outlive a test."""


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes that a test started, whoever their parent is now.

    The server that workers of this process are forked from lives as long as pytest, as does the resource tracker. What
    is forked from it has the environment of the server, so it is known by its parent.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            forked, parent = "multiprocessing.forkserver" in " ".join(process.cmdline()), process.ppid()
            server = forked and parent == os.getpid()
            tracker = "resource_tracker" in " ".join(process.cmdline())
            mine = process.environ().get(MARK) == mark
            if forked and not server and psutil.Process(parent).ppid() == os.getpid():
                mine = not SHARED
            if process.pid != os.getpid() and not tracker and not server and mine:
                found.append(process)
    return found


def local(folder: Path, n_workers: int) -> Path:
    """Write the cluster file of a few workers on this machine."""
    file = folder / f"local-{n_workers}.yaml"
    kwargs = {"n_workers": n_workers, "dashboard_address": f"{LOOPBACK}:0"}
    file.write_text(yaml.safe_dump({"module": "distributed", "class": "LocalCluster", "kwargs": kwargs}))
    return file


def commits(run: Path) -> dict[int, int]:
    """Return the time at which each shard was committed."""
    return {int(file.stem): file.stat().st_mtime_ns for file in (run / "commits").glob("[0-9]*.json")}


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Wait for something to happen, but not for ever."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {SECONDS} s")
        time.sleep(0.003)


@contextmanager
def worker_killed(run: Path, after: int) -> Iterator[list[int]]:
    """Kill the worker that commits a shard when so many are done, by SIGKILL; give its id and the commits by then."""
    found: list[int] = []

    def kill() -> None:
        wait_until(lambda: len(commits(run)) >= after, f"{after} commits")
        newest = max((run / "commits").glob("[0-9]*.json"), key=lambda file: file.stat().st_mtime_ns)
        found.append(json.loads(newest.read_text())["process"])
        assert found[0] != os.getpid()
        os.kill(found[0], signal.SIGKILL)
        found.append(len(commits(run)))

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield found
    finally:
        killer.join(SECONDS)


def committers(run: Path) -> set[int]:
    """Return the ids of the processes that committed shards."""
    return {json.loads(file.read_text())["process"] for file in (run / "commits").glob("[0-9]*.json")}


class Driver:
    """The program itself in a process group of its own; without ``report`` it writes a short one."""

    def __init__(self, study: Path, run: Path, cluster: Path, report: bool = False, log: Path | None = None) -> None:
        self.run, self.log = run, log or run.with_name(f"{run.name}-{uuid.uuid4().hex[:6]}.log")
        files = [str(study), "--output", str(run), "--cluster", str(cluster)]
        program = ["-m", "lstm_analysis.cli"] if report else [str(SHORT_PROGRAM)]
        command = [sys.executable, *program, "run", *files]
        with self.log.open("w") as stderr:
            self.process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True, stdin=subprocess.DEVNULL
            )

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop it for a while; its workers go on with what they have, and it keeps its lock."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def wait_for_commits(self, n: int) -> None:
        """Wait until it has committed so many shards."""
        wait_until(lambda: len(commits(self.run)) >= n or self.process.poll() is not None, f"{n} commits")
        assert self.process.poll() is None, self.error

    def finish(self, seconds: float = SECONDS) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(seconds)

    @property
    def error(self) -> str:
        """What it wrote to stderr, without the progress bars."""
        lines = self.log.read_text().replace("\r", "\n").splitlines()
        return "\n".join(line for line in lines if line and not re.match(r"[a-z0-9-]+: .*[?s]\]", line))

    @property
    def traceback(self) -> list[str]:
        """Frames of the program in tracebacks on stderr; what workers log while they are stopped is theirs."""
        return re.findall(r'File ".*lstm_analysis/.*', self.error)

    @property
    def message(self) -> str:
        """Its last paragraph."""
        return self.error.splitlines()[-1]


@contextmanager
def external_cluster(folder: Path, n_workers: int = 2, n_threads: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Start a scheduler and workers as on a cluster, give the scheduler's process."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    options = ["--scheduler-file", str(file)]
    dask = [sys.executable, str(SCRIPTS / "dask")]
    scheduler = ["scheduler", "--host", LOOPBACK, "--port", "0", "--dashboard-address", f"{LOOPBACK}:0"]
    size = ["--nworkers", str(n_workers), "--nthreads", str(n_threads)]
    worker = ["worker", *size, "--no-dashboard", "--local-directory", str(folder)]
    with (folder / "dask.log").open("ab") as log:
        commands = ([*dask, *scheduler, *options], [*dask, *worker, *options])
        processes = [subprocess.Popen(command, stdout=log, stderr=log) for command in commands]
    try:
        yield processes[0]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(SECONDS)
