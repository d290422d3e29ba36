"""One stream over real worker processes: any number of them, killed and interrupted, gives the same bytes."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from driver import Driver, commits, committers, local, worker_killed
from tiny import STORES, digests, read_facts, write_study, write_texts

from lstm_analysis import study as study_module
from lstm_analysis.cluster import open_client
from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

CARRIES = {"continuous": {"carry": "continuous"}, "streams": {"carry": "streams", "streams": 7}}
SCORES = tuple(name for name in STORES if name != "activations.zarr")
KEPT = {"float32": STORES, "none": SCORES}


@dataclass(frozen=True)
class Planned:
    """A study, what it gives in one process, and its number of shards."""

    file: Path
    expected: dict[str, str]
    n_shard: int


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Planned]:
    """Return a function that runs a study in this process, once for each way to carry and to store."""
    known: dict[tuple[str, str], Planned] = {}

    def run_once(carry: str, store: str) -> Planned:
        folder = tmp_path_factory.mktemp(carry)
        file = write_study(folder, inference={**CARRIES[carry], "shard_tokens": 512}, store=store)
        write_texts(folder / "text", (4000, 10, 3000, 1500))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").write_text("short"))
            run = run_study(load_study(file), folder / "alone", in_process=True).path
        lanes = read_facts(run)["lanes"]["plan"]
        assert lanes["n_lane"] > 4, "the corpus is read as one stream, so nothing is tested"
        assert lanes["group"] < lanes["n_lane"]
        return Planned(file, digests(run, KEPT[store]), len(commits(run)))

    def find(carry: str, store: str) -> Planned:
        if (carry, store) not in known:
            known[carry, store] = run_once(carry, store)
        return known[carry, store]

    return find


@pytest.mark.parametrize(
    ("carry", "store", "n_workers"),
    [("continuous", "float32", 1), ("continuous", "float32", 3), ("continuous", "none", 2), ("streams", "float32", 3)],
)
def test_any_number_of_workers_gives_the_same_bytes(
    planned: Callable[[str, str], Planned], carry: str, store: str, n_workers: int, tmp_path: Path
) -> None:
    alone = planned(carry, store)
    joined, run = tmp_path / "joined.yaml", tmp_path / "run"
    with open_client(local(tmp_path, n_workers)) as client:
        assert len(client.nthreads()) == n_workers
        joined.write_text(yaml.safe_dump({"address": client.scheduler.address}))
        run_study(load_study(alone.file), run, joined)
    assert digests(run, KEPT[store]) == alone.expected
    assert os.getpid() not in committers(run)
    assert (n_workers == 1) == (len(committers(run)) == 1)


@pytest.mark.parametrize(("carry", "store"), [("continuous", "float32"), ("streams", "none")])
def test_a_killed_worker_is_made_good(
    planned: Callable[[str, str], Planned], carry: str, store: str, tmp_path: Path
) -> None:
    alone, run = planned(carry, store), tmp_path / "run"
    with worker_killed(run, after=5) as killed:
        run_study(load_study(alone.file), run, local(tmp_path, 2))
    assert 5 <= killed[1] < alone.n_shard
    assert committers(run) - {killed[0]}
    assert digests(run, KEPT[store]) == alone.expected


def test_a_killed_driver_goes_on(planned: Callable[[str, str], Planned], tmp_path: Path) -> None:
    store = "none"
    alone, cluster, run = planned("continuous", store), local(tmp_path, 2), tmp_path / "run"
    with Driver(alone.file, run, cluster) as first:
        first.wait_for_commits(6)
        os.kill(first.process.pid, signal.SIGKILL)
        assert first.finish() == -signal.SIGKILL
    before = commits(run)
    with Driver(alone.file, run, cluster) as second:
        assert second.finish() == 0, second.error
    assert 6 <= len(before) < alone.n_shard
    after = commits(run)
    assert len(after) == alone.n_shard
    assert {index: after[index] for index in before} == before
    assert f"{len(before)} of {alone.n_shard} shards are there already" in second.error
    assert digests(run, KEPT[store]) == alone.expected
