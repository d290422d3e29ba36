"""A study on a real cluster is seen on its dashboard: the page, its JSON, Prometheus, and Dask's own pages."""

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from driver import external_cluster, local, wait_until
from tiny import write_study

from lstm_analysis.cluster import open_client
from lstm_analysis.config import load_study
from lstm_analysis.dashboard import watch
from lstm_analysis.dashboard.announcing import page_link
from lstm_analysis.dashboard.counting import NAME
from lstm_analysis.progress import Progress, Step
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

N_SHARD = 12


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


class Watcher(threading.Thread):
    """Reads the state of the study again and again while it runs."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.seen: list[dict[str, Any]] = []
        self.over = threading.Event()
        self._address = address

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.seen.append(json.loads(fetch(f"{self._address}.json")))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path, inference={"shard_tokens": 128})


def metrics_of(client: Any) -> set[tuple[str, ...]]:
    """Return label and unit of what workers have metered, as Dask's page of fine performance metrics has them."""
    found: set[tuple[str, ...]] = client.run_on_scheduler(
        lambda dask_scheduler: {key[1:] for key in dask_scheduler.cumulative_worker_metrics if key[0] == "execute"}
    )
    return found


def test_a_study_is_seen_while_it_runs_and_nothing_is_left_behind(study: Path, tmp_path: Path) -> None:
    joined = tmp_path / "joined.yaml"
    with open_client(local(tmp_path, 1)) as client:
        link = page_link(client.dashboard_link)
        with pytest.raises(urllib.error.HTTPError):
            fetch(link)
        joined.write_text(yaml.safe_dump({"address": client.scheduler.address}))
        with watch(client, "first"):
            watcher = Watcher(link)
            watcher.start()
        run_study(load_study(study), tmp_path / "run", joined)
        watcher.over.set()
        watcher.join()
        last = json.loads(fetch(f"{link}.json"))
        assert (last["study"], last["ended"], last["failures"]) == ("tiny", "over", 0)
        steps = {step["name"]: step for step in last["steps"]}
        assert {"corpus", "extract", "label", "summarize"} <= set(steps)
        assert all(step["finished"] for step in last["steps"])
        extract = steps["extract"]
        assert extract["tasks"] == extract["tasks_done"] == last["shards_read"] == N_SHARD
        assert extract["done"] == extract["total"]
        assert last["n_predicted"] == extract["total"] - 5  # the first word of a document has no past
        assert 0 < last["bits_per_token"] < 100
        assert last["bytes_written"] > 4 * 2 * 20 * extract["total"]
        assert last["tokens"] == 3 * extract["total"]  # read, labelled, summed up
        assert last["shards"]["counts"]["done"] == N_SHARD
        running = [seen for seen in watcher.seen if seen["study"] == "tiny"]
        assert {seen["ended"] for seen in watcher.seen} >= {None}
        assert any(seen["shards"] and sum(seen["shards"]["counts"].values()) > 0 for seen in running)
        assert {("extract", "lstm-read", "tokens"), ("summarize", "lstm-write", "bytes")} <= metrics_of(client)
        state = client.run_on_scheduler(
            lambda dask_scheduler: (NAME in dask_scheduler.plugins, "lstm_step" in dask_scheduler.handlers)
        )
        assert state == (False, False)
        there = client.run(lambda dask_worker: NAME in dask_worker.plugins or NAME in dask_worker.metrics)
        assert list(there.values()) == [False]
        assert "lstm_" not in fetch(f"{link.removesuffix('/lstm')}/metrics")


def test_pages_are_there_and_the_standard_ones_name_what_tasks_do(tmp_path: Path) -> None:
    with open_client(local(tmp_path, 1)) as client, watch(client, "tiny <&> study") as (announcer,):
        link = page_link(client.dashboard_link)
        with Progress(Step("extract", "tokens", 300, n_task=3, done_before={0}), [announcer]):
            futures = [client.submit(abs, i, key=f"extract-{i}-a1b2c3") for i in (1, 2)]
            assert client.gather(futures) == [1, 2]
            wait_until(lambda: json.loads(fetch(f"{link}.json"))["shards"]["counts"]["done"] == 2, "two shards done")
            wait_until(lambda: json.loads(fetch(f"{link}.json"))["workers"] != [], "a worker that was sampled")
            page = fetch(link)
            metrics = fetch(f"{link.removesuffix('/lstm')}/metrics")
        assert "<title>" in page
        assert 'href="lstm"' in page
        assert 'href="lstm"' in fetch(link.replace("/lstm", "/status"))
        for name in (
            "status",
            "tasks",
            "graph",
            "groups",
            "individual-fine-performance-metrics",
            "individual-progress",
        ):
            assert "bokeh" in fetch(link.replace("/lstm", f"/{name}"))
        assert 'lstm_shards{state="done",step="extract"} 2.0' in metrics
        assert 'lstm_shards{state="done before",step="extract"} 1.0' in metrics
        assert re.search(r'^lstm_tokens_total\{worker="0"\} 0\.0$', metrics, re.MULTILINE)
        assert re.search(r'dask_scheduler_prefix_state_totals_total\{.*task_prefix_name="extract"', metrics)
        prefixes = client.run_on_scheduler(lambda dask_scheduler: set(dask_scheduler.task_prefixes))
        assert "extract" in prefixes


def test_failures_are_told_with_their_text_and_a_driver_that_dies_ends_its_study(
    tmp_path: Path,
) -> None:
    with external_cluster(tmp_path, n_workers=1):
        joined = tmp_path / "joined.yaml"
        joined.write_text(yaml.safe_dump({"scheduler_file": str(tmp_path / "scheduler.json")}))
        with open_client(joined) as stays:
            link = page_link(stays.dashboard_link)
            with open_client(joined) as driver:
                watching = watch(driver, "dies")
                (announcer,) = watching.__enter__()
                announcer(Step("extract", "tokens", 300, n_task=3))
                wait_until(lambda: json.loads(fetch(f"{link}.json"))["step"] == "extract", "the step")
                future = driver.submit(int, "<b>", key="extract-1-a1b2c3", retries=1)
                assert isinstance(future.exception(), ValueError)
                wait_until(lambda: len(json.loads(fetch(f"{link}.json"))["latest_failures"]) == 2, "failures")
                found = json.loads(fetch(f"{link}.json"))
            assert [one["outcome"] for one in found["latest_failures"]] == ["tried again", "failed"]
            assert {one["error"] for one in found["latest_failures"]} == {
                """ValueError("invalid literal for int() with base 10: '<b>'")"""
            }
            assert (found["retries"], found["shards"]["counts"]["failed"]) == (1, 1)
            wait_until(lambda: json.loads(fetch(f"{link}.json"))["ended"] == "its driver is gone", "end")
