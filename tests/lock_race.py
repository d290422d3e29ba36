"""Programs that try to take over the same stale locks in the same instants."""

import warnings
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from lstm_analysis.errors import UserError
from lstm_analysis.lock import RunLock


def race(runs: list[Path], barrier: Barrier, won: "Queue[tuple[str, str]]") -> None:
    """Try for the lock of each run when all others do; keep it until all have tried; tell which were got."""
    warnings.simplefilter("ignore")
    for run in runs:
        lock = RunLock(run)
        barrier.wait(60)
        try:
            lock.__enter__()
            got = True
        except UserError:
            got = False
        barrier.wait(60)
        if got:
            won.put((run.name, (run / "run.lock").read_text()))
            lock.__exit__()
