"""What a worker counts while its tasks run."""

import sys
from threading import Lock
from typing import Any

NAME = "lstm"
"""Of the counts among a worker's metrics, and of the plugins."""
UNITS = {
    "tokens": ("lstm-read", "tokens"),
    "bytes": ("lstm-write", "bytes"),
    "shards": ("lstm-shards", "shards"),
    "surprisal": ("lstm-surprisal", "bits"),
    "predicted": ("lstm-predicted", "tokens"),
}
"""Label and unit of each count on Dask's page of fine performance metrics."""


class Counts:
    """Counts of a worker process since it joined, from all of its threads."""

    def __init__(self) -> None:
        self._amounts: dict[str, float] = dict.fromkeys((*UNITS, "failures"), 0)
        self._lock = Lock()

    def add(self, name: str, amount: float) -> None:
        """Add to a count."""
        with self._lock:
            self._amounts[name] += amount

    def read(self) -> dict[str, float]:
        """Return the counts by name."""
        with self._lock:
            return dict(self._amounts)


def count(
    *, tokens: int = 0, bytes: int = 0, shards: int = 0, surprisal: float = 0.0, predicted: int = 0
) -> None:  # fmt: skip
    """Count what a task has done; outside of a Dask task this does nothing.

    Parameters
    ----------
    tokens
        That the task went through, in whichever step.
    bytes
        That it wrote.
    shards
        That it finished reading.
    surprisal, predicted
        Sum of surprisals in bits, and of how many tokens.
    """
    worker = _worker()
    if worker is None:
        return
    meter = sys.modules["distributed.metrics"].context_meter
    counts = getattr(worker, "lstm_counts", None)
    amounts = {"tokens": tokens, "bytes": bytes, "shards": shards, "surprisal": surprisal, "predicted": predicted}
    for name, amount in amounts.items():
        if amount:
            label, unit = UNITS[name]
            meter.digest_metric(label, amount, unit)
            if counts is not None:
                counts.add(name, amount)


def _worker() -> Any:
    """Return the Dask worker whose task this is, ``None`` where there is none: then Dask may not even be loaded."""
    module = sys.modules.get("distributed.worker")
    if module is None:
        return None
    try:
        return module.get_worker()
    except ValueError:
        return None
