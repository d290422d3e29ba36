"""Figures of the study among those that the scheduler's ``/metrics`` gives to Prometheus, where that is installed."""

import time
from collections.abc import Iterator
from typing import Any

from .shard_map import STATES
from .watched import Watched


class Collector:
    """Gives Prometheus the figures of the study that is watched in this process, the newest if there are several."""

    def __init__(self) -> None:
        self.watched: Watched | None = None

    def describe(self) -> list[Any]:
        """Return nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield the figures."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        watched = self.watched
        if watched is None:
            return
        counts = watched.counts()
        tokens = CounterMetricFamily("lstm_tokens", "Tokens that a worker went through", labels=["worker"])
        for worker in watched.workers.values():
            tokens.add_metric([worker.name], worker.counts.get("tokens", 0))
        yield tokens
        yield CounterMetricFamily("lstm_bytes_written", "Bytes that tasks wrote", value=counts["bytes"])
        yield CounterMetricFamily("lstm_failures", "Tries of tasks that failed", value=watched.n_failure)
        yield CounterMetricFamily("lstm_retries", "Shards that were tried again", value=watched.n_retry)
        yield CounterMetricFamily("lstm_workers_lost", "Workers that died or were cut off", value=watched.n_lost_worker)
        rate = GaugeMetricFamily("lstm_tokens_per_second", "Tokens that all workers go through a second")
        rate.add_metric([], sum(watched.rates.now().values()))
        yield rate
        shards = GaugeMetricFamily("lstm_shards", "Shards of the step by state", labels=["step", "state"])
        if watched.shards is not None:
            for state, n in zip(STATES, watched.shards.counts, strict=True):
                shards.add_metric([watched.shards.name, state], n)
        yield shards
        left = GaugeMetricFamily("lstm_step_seconds_left", "Time until the step is over at its present pace")
        seconds = None if watched.step is None else watched.step.seconds_left(time.monotonic())
        if seconds is not None:
            left.add_metric([], seconds)
        yield left


COLLECTOR = Collector()


def expose(watched: Watched) -> None:
    """Let Prometheus see a study, in place of the one before; without prometheus_client this does nothing."""
    registry = _registry()
    if registry is None:
        return
    if COLLECTOR.watched is None:
        registry.register(COLLECTOR)
    COLLECTOR.watched = watched


def withdraw(watched: Watched) -> None:
    """Let Prometheus no longer see a study; another one that has taken its place stays."""
    if COLLECTOR.watched is watched:
        COLLECTOR.watched = None
        registry = _registry()
        if registry is not None:
            registry.unregister(COLLECTOR)


def _registry() -> Any:
    try:
        from prometheus_client import REGISTRY
    except ImportError:
        return None
    return REGISTRY
