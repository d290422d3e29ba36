"""What tasks count, and that counting costs nothing where nobody watches."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import distributed.worker
import pytest
from distributed.metrics import context_meter

from lstm_analysis.dashboard import count
from lstm_analysis.dashboard.counting import Counts
from lstm_analysis.tasks.reading import Told


def test_outside_of_a_task_nothing_is_counted_and_nothing_loaded() -> None:
    code = "import sys; from lstm_analysis.dashboard import count, watch; count(tokens=3)\nwith watch(None): pass\n"
    code += "print(*({'distributed', 'dask', 'bokeh', 'tornado'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
    count(tokens=3)  # Dask is loaded here, but this is no task


def test_a_task_counts_for_its_worker_and_for_dasks_own_page(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SimpleNamespace(lstm_counts=Counts())
    monkeypatch.setattr(distributed.worker, "get_worker", lambda: worker)
    metered: list[tuple[object, ...]] = []
    with context_meter.add_callback(lambda *metric: metered.append(metric)):
        count(tokens=5, bytes=100)
        count(tokens=2, shards=1, surprisal=12.5, predicted=2)
    assert worker.lstm_counts.read() == {
        "tokens": 7, "bytes": 100, "shards": 1, "surprisal": 12.5, "predicted": 2, "failures": 0,
    }  # fmt: skip
    assert ("lstm-read", 5, "tokens") in metered
    assert ("lstm-write", 100, "bytes") in metered
    worker.lstm_counts = None  # a worker that has no plugin, or no longer
    count(tokens=1)


def test_threads_count_together() -> None:
    counts = Counts()
    threads = [threading.Thread(target=lambda: [counts.add("tokens", 1) for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.read()["tokens"] == 20_000


@pytest.mark.parametrize(("n_token", "blocks"), [(100, [64, 36]), (10, [7, 7, 7, 7]), (5, [1] * 5), (3, [1000, 24])])
def test_a_shard_counts_its_tokens_once_whatever_is_read_for_it(
    monkeypatch: pytest.MonkeyPatch, n_token: int, blocks: list[int]
) -> None:
    worker = SimpleNamespace(lstm_counts=Counts())
    monkeypatch.setattr(distributed.worker, "get_worker", lambda: worker)
    told, seen = Told(n_token, sum(blocks)), []
    for block in blocks:
        told(block)
        seen.append(worker.lstm_counts.read()["tokens"])
    assert seen[-1] == n_token
    assert seen == sorted(seen)
