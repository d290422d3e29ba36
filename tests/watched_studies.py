"""Studies as a scheduler may know them."""

from typing import Any

from lstm_analysis.dashboard.watched import Watched, WorkerNow


def message(number: int = 1, serial: int = 1, **changes: Any) -> dict[str, Any]:
    """Return what a driver tells of a step of ten shards."""
    return {
        "number": number, "message": serial, "name": "extract", "unit": "tokens", "total": 1000, "done": 0,
        "began_with": 0, "n_task": 10, "n_task_done": 0, "n_failed": 0, "finished": False, "done_before": [],
    } | changes  # fmt: skip


def worker(name: str = "a", memory: int = 10**9, limit: int = 4 * 10**9, **counts: float) -> WorkerNow:
    """Return a worker that has reported."""
    return WorkerNow(name, memory, limit, counts)


def watched_study(n_shard: int = 10, **changes: Any) -> Watched:
    """Return a study that has read a part of its corpus with two workers."""
    found = Watched(0.0, "tiny")
    found.hear(message(n_task=n_shard, total=100 * n_shard, **changes), 1.0)
    for second in range(1, 21):
        counts = {"tokens": 40 * second, "bytes": 1000 * second, "surprisal": 280.0 * second, "predicted": 40 * second}
        found.sample(float(second), {"tcp://1": worker("a", **counts), "tcp://2": worker("b", **counts)})
    return found
