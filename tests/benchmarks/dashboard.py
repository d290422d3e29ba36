"""What the dashboard costs the scheduler: time of a transition, memory, one sample, one refresh of the page.

``python tests/benchmarks/dashboard.py [SHARDS [WORKERS]]``
"""

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace

from lstm_analysis.dashboard import plugin
from lstm_analysis.dashboard.corpus_map import CorpusMap
from lstm_analysis.dashboard.counting import NAME, Counts
from lstm_analysis.dashboard.plugin import SchedulerWatch
from lstm_analysis.dashboard.snapshot import snapshot
from lstm_analysis.dashboard.watched import Watched

STATES = ("waiting", "processing", "memory", "released", "forgotten")
N_SAMPLE = 2000
CLOCK = SimpleNamespace(now=0.0)


def watch_step(n_shard: int, n_worker: int) -> SchedulerWatch:
    """Return the scheduler's plugin at the beginning of a step, on a scheduler that does nothing else."""
    watch = SchedulerWatch("client", "benchmark")
    addresses = [f"tcp://10.0.{i // 250}.{i % 250}:40000" for i in range(n_worker)]
    workers = {
        address: SimpleNamespace(address=address, name=address, memory_limit=1, metrics={"memory": 1})
        for address in addresses
    }
    watch._scheduler = SimpleNamespace(workers=workers, tasks={})
    watch.watched = Watched(0.0)
    step = {"number": 1, "message": 1, "name": "extract", "unit": "tokens", "total": 1, "done": 0, "began_with": 0}
    step |= {"n_task": n_shard, "n_task_done": 0, "n_failed": 0, "finished": False, "done_before": []}
    watch.watched.hear(step, 0.0)
    return watch


def run_shards(watch: SchedulerWatch, n_shard: int) -> float:
    """Take every shard through the states of the scheduler; return microseconds of the processor a transition."""
    workers, seconds = list(watch._scheduler.workers.values()), 0.0
    for index in range(n_shard):
        key, worker = f"extract-{index}-a1b2c3", workers[index % len(workers)]
        watch._scheduler.tasks = {key: SimpleNamespace(processing_on=worker)}
        spans = [{"action": "compute", "start": 0.0, "stop": 1.0}]
        facts = {"stimulus_id": "s", "worker": worker.address, "startstops": spans}
        began = time.thread_time()
        for state in STATES:
            watch.transition(key, "any", state, **facts)
        seconds += time.thread_time() - began
    return seconds / n_shard / len(STATES) * 1e6


def sample(watch: SchedulerWatch, counts: Counts) -> None:
    """Take a sample of workers that have all counted something more, a second after the last."""
    CLOCK.now += 1.0
    counts.add("tokens", 1000)
    for worker in watch._scheduler.workers.values():
        worker.metrics[NAME] = counts.read()
    watch.sample()


def milliseconds(function: Callable[[], object], n: int = 20) -> float:
    """Return the mean processor time of a call."""
    began = time.thread_time()
    for _ in range(n):
        function()
    return (time.thread_time() - began) / n * 1e3


def main() -> None:
    """Print what it costs."""
    given = [int(text) for text in sys.argv[1:]]
    n_shard, n_worker = [*given, *(100_000, 100)[len(given) :]]
    plugin.time = SimpleNamespace(monotonic=lambda: CLOCK.now)
    print(f"{n_shard:,} shards, {n_worker:,} workers")
    print(f"transition {run_shards(watch_step(n_shard, n_worker), n_shard):9.2f} us")
    tracemalloc.start()
    watch, counts = watch_step(n_shard, n_worker), Counts()
    run_shards(watch, n_shard)
    for _ in range(N_SAMPLE):
        sample(watch, counts)
    print(f"memory     {tracemalloc.get_traced_memory()[0] / 1e6:9.2f} MB after {N_SAMPLE:,} samples")
    tracemalloc.stop()
    shown = CorpusMap()
    print(f"sample     {milliseconds(lambda: sample(watch, counts)):9.2f} ms")
    print(f"new map    {milliseconds(lambda: shown.update(watch.watched, 0.0), 1):9.2f} ms")
    print(f"map        {milliseconds(lambda: shown.update(watch.watched, 0.0)):9.2f} ms")
    print(f"json       {milliseconds(lambda: json.dumps(snapshot(watch.watched, 0.0))):9.2f} ms")


if __name__ == "__main__":
    main()
