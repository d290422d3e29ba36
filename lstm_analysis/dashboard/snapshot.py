"""The state of a study as plain JSON, for scripts."""

import math
import time
from typing import Any

from .shard_map import STATES
from .watched import StepNow, Watched


def snapshot(watched: Watched, now: float) -> dict[str, Any]:
    """Return the state of a study; what is not known is ``None``.

    Parameters
    ----------
    watched
        The study.
    now
        The time on the clock that the study is timed by.
    """
    counts, mean = watched.counts(), watched.mean_surprisal
    step, rates = watched.step, watched.rates.now()
    return {
        "study": watched.study,
        "time": time.time(),
        "seconds": now - watched.began,
        "ended": watched.ending or None,
        "step": None if step is None else step.name,
        "steps": [_step(step, now) for step in watched.steps],
        "shards": _shards(watched),
        "tokens": counts["tokens"],
        "tokens_per_second": sum(rates.values()),
        "bytes_written": counts["bytes"],
        "shards_read": counts["shards"],
        "n_predicted": counts["predicted"],
        "bits_per_token": mean if math.isfinite(mean) else None,
        "failures": watched.n_failure,
        "retries": watched.n_retry,
        "workers_lost": watched.n_lost_worker,
        "workers": [
            {
                "name": worker.name, "address": address, "tokens": worker.counts.get("tokens", 0),
                "tokens_per_second": rates.get(worker.name, 0.0), "memory": worker.memory,
                "memory_limit": worker.limit or None,
            }
            for address, worker in watched.workers.items()
        ],
        "latest_failures": [vars(failure) for failure in watched.failures],
    }  # fmt: skip


def _step(step: StepNow, now: float) -> dict[str, Any]:
    return {
        "name": step.name,
        "unit": step.unit,
        "done": step.done,
        "total": step.total,
        "tasks": step.n_task,
        "tasks_done": step.n_task_done,
        "tasks_failed": step.n_failed,
        "finished": step.finished,
        "seconds": (now if step.ended is None else step.ended) - step.began,
        "seconds_left": step.seconds_left(now),
    }


def _shards(watched: Watched) -> dict[str, Any] | None:
    """Return the shards of the last step that had any: how many are in each state, and runs of states."""
    shards = watched.shards
    if shards is None:
        return None
    counts = dict(zip(STATES, shards.counts, strict=True))
    return {"step": shards.name, "n_shard": len(shards), "counts": counts, "runs": shards.runs()}
