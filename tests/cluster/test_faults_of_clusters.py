"""Workers that come, go, fall silent or are cut off; disks that are full: the bytes of the run stay the same."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import faults
import pytest
from driver import LOOPBACK, SCRIPTS, SECONDS, Driver, commits, committers, local, wait_until
from faults import fault, hang_once, hold, of_task
from relay import Relay
from shared_cluster import shared_cluster
from tiny import TinyStudy

from lstm_analysis.cluster import shared, watch, window, work
from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays", "short_report")]


@contextmanager
def beside(act: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread while a run goes on, and fail if it fails."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join(SECONDS)
    assert not failed, failed


def test_a_worker_that_falls_silent_is_given_up(
    tiny_study: TinyStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "SLOW_SECONDS", 1e9)  # no copy of the task helps out
    changes = {of_task("extract_shard"): partial(hang_once, tmp_path / "noted", "4", "stop")}
    with (
        shared_cluster(tmp_path, 2, "auto", {"distributed.scheduler.worker-ttl": "5s"}) as cluster,
        fault(cluster.client, changes),
    ):
        run = run_study(load_study(tiny_study.file), tmp_path / "run", cluster.joined).path
        cluster.wait_for_workers(2)
        assert int((tmp_path / "noted" / "pid-extract_shard").read_text()) not in cluster.client.run(os.getpid).values()
    assert tiny_study.found(run) == tiny_study.stored


@contextmanager
def worker(address: str, folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker process without a nanny, and end it by force."""
    command = [
        sys.executable,
        str(SCRIPTS / "dask"),
        "worker",
        address,
        "--no-nanny",
        "--nthreads",
        "1",
        "--name",
        name,
    ]
    options = ["--preload", "lstm_analysis.tasks", "--no-dashboard"]
    options += ["--local-directory", str(folder), "--host", LOOPBACK]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(faults.__file__).parent), *sys.path])}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(SECONDS)


def test_a_worker_that_is_cut_off_may_finish_late(
    tiny_study: TinyStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "SLOW_SECONDS", 1e9)
    note, run = tmp_path / "noted", tmp_path / "run"
    with shared_cluster(tmp_path, 1, "auto", {"distributed.scheduler.worker-ttl": "10s"}) as cluster:
        port = int(cluster.client.scheduler.address.rsplit(":", 1)[1])
        with Relay(LOOPBACK, port) as relay, worker(f"tcp://{LOOPBACK}:{relay.port}", tmp_path, "cut") as cut:
            cluster.wait_for_workers(2)

            def cut_off() -> None:
                wait_until((note / "held").exists, "task on the worker that is cut off")
                relay.cut()

            with fault(cluster.client, {of_task("extract_shard"): partial(hold, note, "cut")}):
                with beside(cut_off):
                    run_study(load_study(tiny_study.file), run, cluster.joined)
                assert len(cluster.client.nthreads()) == 1
                assert cut.poll() is None
                assert tiny_study.found(run) == tiny_study.stored
                before = commits(run)
                (note / "go").touch()
                wait_until((note / "late").exists, "end of the late task")
    assert cut.pid not in committers(run)
    assert commits(run) == before
    assert tiny_study.found(run) == tiny_study.stored


def test_workers_come_late_and_leave_early(
    tiny_study: TinyStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(window, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(watch, "SECONDS", 0.5)
    run, lost = tmp_path / "run", {"distributed.deploy.lost-worker-timeout": "500ms"}
    with shared_cluster(tmp_path, 0, "auto", lost) as cluster:
        started: Any = cluster.client.cluster

        def come_and_go() -> None:
            wait_until(lambda: "the cluster has no workers now" in caplog.text, "warning")
            started.scale(1)
            wait_until(lambda: len(commits(run)) >= 3, "commits")
            started.scale(2)
            cluster.wait_for_workers(2)
            first = next(iter(cluster.client.nthreads()))
            cluster.client.retire_workers([first], close_workers=True)

        with beside(come_and_go):
            run_study(load_study(tiny_study.file), run, cluster.joined)
    assert tiny_study.found(run) == tiny_study.stored


def test_a_place_that_is_lost_for_good_is_filled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SECONDS", 0.5)
    config = {"distributed.deploy.lost-worker-timeout": "500ms"}
    with shared_cluster(tmp_path, 1, "auto", config) as cluster:
        started: Any = cluster.client.cluster
        before = set(cluster.client.nthreads())
        started.sync(next(iter(started.workers.values())).close)  # worker and nanny
        found = list(work(cluster.client, "after", faults.harmless, deque((i,) for i in range(4))))
        assert sorted(found) == [((i,), i) for i in range(4)]
        assert not before & set(cluster.client.nthreads())


def test_adaptive_scaling_gives_the_same_bytes(tiny_study: TinyStudy, tmp_path: Path) -> None:
    adapt = {"minimum": 0, "maximum": 2, "interval": "100ms", "wait_count": 1, "target_duration": "100ms"}
    with shared_cluster(tmp_path, 0, "auto", {}, scale={"adapt": adapt}) as cluster:
        for store in ("float32", "none"):
            run = run_study(load_study(tiny_study.file, [f"store={store}"]), tmp_path / store, cluster.joined).path
            assert tiny_study.found(run, store) == tiny_study.expected(store)
            assert len(committers(run)) >= 1
            cluster.wait_for_workers(0)


def same(index: int, value: int) -> int:
    return value


def test_what_tasks_share_outlives_the_worker_that_has_it(tmp_path: Path) -> None:
    config = {"distributed.comm.timeouts.connect": "2s"}
    with shared_cluster(tmp_path, 2, "auto", config) as cluster, shared(cluster.client, "value", 7) as handed:
        assert [found for _, found in work(cluster.client, "before", same, deque([(0, handed)]))] == [7]
        (holders,) = cluster.client.who_has(handed).values()
        for pid in cluster.client.run(os.getpid, workers=list(holders)).values():
            os.kill(pid, signal.SIGKILL)
        assert [found for _, found in work(cluster.client, "after", same, deque([(1, handed)]))] == [7]
        cluster.wait_for_workers(2)


def test_those_who_shared_a_worker_with_poison_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that gets many tasks at once takes all of them along when one kills it, and Dask blames each."""
    blamed: list[Any] = []
    judge = window._killed
    monkeypatch.setattr(window, "_killed", lambda outcome: judge(outcome) and not blamed.append(outcome))
    config = {"distributed.scheduler.allowed-failures": 0, "distributed.scheduler.worker-saturation": "inf"}
    with shared_cluster(tmp_path, 1, "auto", config) as cluster:
        changes = {"faults:harmless": partial(faults.poison, {"0": "crash"})}
        with fault(cluster.client, changes):
            found = dict(work(cluster.client, "blamed", faults.harmless, deque((i,) for i in range(8))))
    assert type(found.pop((0,))).__name__ == "KilledWorker"
    assert found == {(i,): i for i in range(1, 8)}
    assert len(blamed) > 2, "nobody was blamed with the guilty one, so nothing is tested"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give the folder of a file system of 8 MB; needs root, and fails where tests may not be left out."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        refuse = pytest.fail if os.environ.get("LSTM_ANALYSIS_REQUIRE_DATA") else pytest.skip
        refuse("only root can mount a small file system")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # the model in it may be mapped still


def test_a_full_disk_stops_the_run_until_there_is_room(tiny_study: TinyStudy, small_disk: Path, tmp_path: Path) -> None:
    run, ballast = small_disk / "run", small_disk / "ballast"
    with Driver(tiny_study.file, run, local(tmp_path, 2), log=tmp_path / "first.log") as driver:
        driver.wait_for_commits(4)
        os.kill(driver.process.pid, signal.SIGSTOP)  # it hands out no more than the workers have
        fill(ballast)
        os.kill(driver.process.pid, signal.SIGCONT)
        assert driver.finish() == 1, driver.error
    assert re.match(
        r"lstm-analysis: The disk of .* is full \(No space left on device; 0 MB free\)\. The \d+ of 20 shards that are "
        r"not done need 0\.\d MB, in files of 0\.\d MB at most\. What was finished is kept: make room",
        driver.message,
    )
    before = commits(run)
    assert 4 <= len(before) < 20
    ballast.unlink()
    with Driver(tiny_study.file, run, local(tmp_path, 2), log=tmp_path / "second.log") as driver:
        assert driver.finish() == 0, driver.error
    after = commits(run)
    assert {index: after[index] for index in before} == before
    assert tiny_study.found(run) == tiny_study.stored


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return
