"""A worker that joins while the work goes on is looked at like the first ones; one that is not fit leaves again."""

from typing import Any

from distributed import WorkerPlugin

from .worker_fitness import Expected, unfit

TOPIC = "lstm-analysis-refused"
NAME = "lstm-analysis-preflight"


class LateWorkers(WorkerPlugin):  # type: ignore[misc]  # distributed has no types
    """Looks at each worker before it gets tasks.

    Parameters
    ----------
    expected
        What it must have.
    """

    name = NAME

    def __init__(self, expected: Expected) -> None:
        self.expected = expected

    async def setup(self, worker: Any) -> None:
        """Let the worker go, and say why, if it is not fit."""
        if problem := await unfit(self.expected):
            worker.log_event(TOPIC, {"worker": worker.address, "problem": problem})
            worker.loop.add_callback(worker.close, reason=f"lstm-analysis: {problem}")
