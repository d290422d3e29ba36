"""Faults for worker processes: a plugin that lets a function of the product go wrong there, and ways to go wrong."""

import contextlib
import functools
import importlib
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Client, Worker, WorkerPlugin, get_worker

from lstm_analysis import tasks
from lstm_analysis.inference.shards import Shard

Change = Callable[..., Any]
"""Called with the function that it stands for, and its arguments."""


class Fault(WorkerPlugin):
    """Changes functions in every worker process, those that start later too; undone when it is unregistered.

    Parameters
    ----------
    changes
        By ``module:name``.
    """

    name = "fault"

    def __init__(self, changes: dict[str, Change]) -> None:
        self._changes = changes
        self._originals: dict[str, Any] = {}

    def setup(self, worker: Worker) -> None:
        for target, change in self._changes.items():
            module, name = target.split(":")
            original = getattr(importlib.import_module(module), name)
            self._originals[target] = original
            changed = functools.wraps(original)(functools.partial(change, original))
            setattr(importlib.import_module(module), name, changed)

    def teardown(self, worker: Worker) -> None:
        for target, original in self._originals.items():
            module, name = target.split(":")
            setattr(importlib.import_module(module), name, original)


@contextmanager
def fault(client: Client, changes: dict[str, Change]) -> Iterator[None]:
    """Let functions go wrong on all workers of a cluster for a while."""
    client.register_plugin(Fault(changes))
    try:
        yield
    finally:
        client.unregister_worker_plugin("fault")


def of_task(name: str) -> str:
    """Return ``module:name`` of a task."""
    return f"{getattr(tasks, name).__module__}:{name}"


WRITE_ROWS = "lstm_analysis.tasks.reading:write_rows"


def first(folder: Path, what: str) -> bool:
    """Whether this is the first call for something, over all processes."""
    folder.mkdir(exist_ok=True)
    try:
        os.close(os.open(folder / what, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def index_of(arguments: tuple[Any, ...]) -> str:
    """Return the index of a task or of a shard; of what `write_rows` writes it is the first row."""
    if not isinstance(arguments[0], Path):
        return str(arguments[0])
    what = arguments[1]
    return str(what.index if isinstance(what, Shard) else what[0][0])


def die_once(folder: Path, when: str, original: Change, *arguments: Any) -> Any:
    """Kill the process at the first call of a function, ``before`` or ``after`` it has done its work."""
    dies = first(folder, original.__name__)
    if dies and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = original(*arguments)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def fail(number: int, indices: set[str], once: Path | None, original: Change, *arguments: Any) -> Any:
    """Fail with an error of the system at some indices, at each of them once if a folder to note it in is given."""
    index = index_of(arguments)
    if index in indices and (once is None or first(once, f"failed-{index}")):
        raise OSError(number, os.strerror(number))
    return original(*arguments)


def limit_files(size: int, past: int, original: Change, *arguments: Any) -> Any:
    """Let files of the process grow to a size only, from a row on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if int(index_of(arguments)) >= past:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        return original(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def poison(kinds: dict[str, str], original: Change, *arguments: Any) -> Any:
    """Do something fatal at some indices: ``memory`` is eaten, ``crash`` the process, ``raise`` an error."""
    kind = kinds.get(index_of(arguments))
    if kind == "crash":
        time.sleep(0.5)  # until the tasks behind it have come
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "raise":
        raise RuntimeError("broken disk sector")
    if kind == "memory":
        eaten = []
        while len(eaten) < 40:  # the nanny looks ten times a second
            eaten.append(b"x" * (100 << 20))
            time.sleep(0.05)
        raise AssertionError("the worker was not killed")
    return original(*arguments)


def hang_once(folder: Path, index: str, how: str, original: Change, *arguments: Any) -> Any:
    """Hang at an index, once: ``sleep`` with a heart that beats, ``stop`` without."""
    if index_of(arguments) == index and first(folder, f"{original.__name__}-{index}"):
        (folder / f"pid-{original.__name__}").write_text(str(os.getpid()))
        if how == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(600)
    return original(*arguments)


def hold(folder: Path, worker: str, original: Change, *arguments: Any) -> Any:
    """On one worker, wait at the first call until the file ``go`` is there; then note in ``late`` how it ends."""
    if get_worker().name != worker or not first(folder, "held"):
        return original(*arguments)
    while not (folder / "go").exists():
        time.sleep(0.05)
    ended = "failed"
    try:
        found = original(*arguments)
        ended = "done"
        return found
    finally:
        with contextlib.suppress(OSError):
            (folder / "late").write_text(ended)


def meet(folder: Path, original: Change, *arguments: Any) -> Any:
    """Wait until two processes are about to do the same, then go on in both."""
    place = folder / f"{original.__name__}-{Path(arguments[0]).name}-{index_of(arguments)}"
    place.mkdir(parents=True, exist_ok=True)
    (place / str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while len(list(place.iterdir())) < 2:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody else came to {place}")
        time.sleep(0.002)
    return original(*arguments)


def harmless(index: int) -> int:
    """Take a while to do nothing; stands for a task."""
    time.sleep(0.2)
    return index


def leave_behind(index: int, folder: str) -> bytes:
    """Return a result too large to travel with the word that it is there: the process, and many zeros."""
    return os.getpid().to_bytes(8, "little") + bytes(1 << 20)


def stop_once_done(folder: Path, original: Change, *arguments: Any) -> Any:
    """Stop the process once, as soon as its task is finished and the scheduler knows."""
    if first(folder, "first"):
        worker, key = get_worker(), get_worker().get_current_task()
        (folder / "pid").write_text(str(os.getpid()))

        def stop() -> None:
            while worker.state.tasks[key].state != "memory":
                time.sleep(0.001)
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGSTOP)

        threading.Thread(target=stop, daemon=True).start()
    return original(*arguments)
