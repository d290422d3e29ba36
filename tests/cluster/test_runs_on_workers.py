"""The program with real worker processes: any number of them, killed and interrupted, gives the same bytes."""

import os
import re
import signal
import uuid
from pathlib import Path

import psutil
import pytest
import yaml
from driver import LOOPBACK, Driver, commits, committers, external_cluster, local, wait_until, worker_killed
from tiny import TinyStudy, digests

from lstm_analysis.cluster import open_client
from lstm_analysis.cluster.window import LOST
from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays", "short_report")]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_any_number_of_workers_gives_the_same_bytes(tiny_study: TinyStudy, n_workers: int, tmp_path: Path) -> None:
    joined = tmp_path / "joined.yaml"
    with open_client(local(tmp_path, n_workers)) as client:
        assert len(client.nthreads()) == n_workers
        assert set(client.run(os.getenv, "MALLOC_TRIM_THRESHOLD_").values()) == {str(64 << 20)}
        (server,) = {psutil.Process(parent) for parent in client.run(os.getppid).values()}
        assert "multiprocessing.forkserver" in " ".join(server.cmdline())
        assert server.environ()["OMP_NUM_THREADS"] == "1"
        assert server.environ()["MALLOC_TRIM_THRESHOLD_"] == str(64 << 20)
        joined.write_text(yaml.safe_dump({"address": client.scheduler.address}))
        run = run_study(load_study(tiny_study.file), tmp_path / "stored", joined)
        none = run_study(load_study(tiny_study.file, ["store=none"]), tmp_path / "streamed", joined)
    assert tiny_study.found(run.path) == tiny_study.stored
    assert tiny_study.found(none.path, "none") == tiny_study.streamed
    assert len(commits(run.path)) == len(commits(none.path)) == tiny_study.n_shard
    assert os.getpid() not in committers(run.path)


ANALYSES = ("sentence_position", "categories", "idioms", "periodicity", "neuron_matching", "pca", "probes")


def test_all_tests_and_the_twin_are_the_same_from_workers_as_in_process(tiny_study: TinyStudy, tmp_path: Path) -> None:
    tested = ["selectivity={draws: 99, twin: initial}", f"analyses=[{', '.join(ANALYSES)}]"]
    config = load_study(tiny_study.file, tested)
    runs = [
        run_study(config, tmp_path / "process", in_process=True),
        run_study(config, tmp_path / "w", local(tmp_path, 2), profile=True),
    ]
    assert "shift-0-0" in (runs[1].path / "profile.html").read_text(encoding="utf-8")
    assert runs[0].twin is not None
    assert {f"{name}.zarr/zarr.json" for name in ANALYSES} <= digests(runs[0].path).keys()
    assert digests(runs[0].path) == digests(runs[1].path)
    assert digests(runs[0].path / "twin") == digests(runs[1].path / "twin")


@pytest.mark.parametrize(("kind", "after"), [("float32", 2), ("none", 9)])
def test_a_killed_worker_is_made_good(tiny_study: TinyStudy, kind: str, after: int, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with worker_killed(run, after) as killed:
        run_study(load_study(tiny_study.file, [f"store={kind}"]), run, local(tmp_path, 2))
    assert after <= killed[1] < tiny_study.n_shard
    assert committers(run) - {killed[0]}
    assert tiny_study.found(run, kind) == tiny_study.expected(kind)


def test_a_killed_driver_takes_its_workers_along_and_the_next_one_goes_on(
    tiny_study: TinyStudy, tmp_path: Path
) -> None:
    cluster, run = local(tmp_path, 2), tmp_path / "run"
    with Driver(tiny_study.file, run, cluster) as first:
        first.wait_for_commits(8)
        children = psutil.Process(first.process.pid).children(recursive=True)
        os.kill(first.process.pid, signal.SIGKILL)
        assert first.finish() == -signal.SIGKILL
        assert len(children) >= 2
        assert not psutil.wait_procs(children, timeout=20)[1]
    before = commits(run)
    assert 8 <= len(before) < tiny_study.n_shard
    assert (run / "run.lock").exists()
    (run / ".labels.zarr.0123abcd" / "label").mkdir(parents=True)  # as a kill in the middle of a write would leave
    (run / "activations.zarr" / "hidden_state" / f"0.{uuid.uuid4().hex}.partial").touch()
    with Driver(tiny_study.file, run, cluster) as second:
        assert second.finish() == 0, second.error
    assert f"took over the lock of a program that is gone (process {first.process.pid})" in second.error
    assert f"extract: {len(before)} of {tiny_study.n_shard} shards are there already" in second.error
    after = commits(run)
    assert len(after) == tiny_study.n_shard
    assert {index: after[index] for index in before} == before
    assert tiny_study.found(run) == tiny_study.stored
    assert not [*run.glob(".*"), *run.glob("commits/.*"), *run.glob("run.lock")]


def test_a_polite_stop_says_how_to_go_on(tiny_study: TinyStudy, tmp_path: Path) -> None:
    cluster, run = local(tmp_path, 2), tmp_path / "run"
    with Driver(tiny_study.file, run, cluster) as driver:
        driver.wait_for_commits(3)
        os.kill(driver.process.pid, signal.SIGTERM)
        assert driver.finish() == 75, driver.error
    assert driver.message.startswith("lstm-analysis: Stopped by SIGTERM.")
    assert "run the same command to go on" in driver.message
    assert not driver.traceback
    before = commits(run)
    assert not (run / "run.lock").exists()
    with Driver(tiny_study.file, run, cluster) as driver:
        driver.wait_for_commits(len(before) + 3)
        os.killpg(driver.process.pid, signal.SIGINT)  # Ctrl-C reaches the workers as well
        assert driver.finish() == 75, driver.error
    assert driver.message == "lstm-analysis: Interrupted. What was finished is kept; run the same command to go on."
    assert not driver.traceback
    between = commits(run)
    assert len(before) < len(between) < tiny_study.n_shard
    run_study(load_study(tiny_study.file), run, in_process=True)
    after = commits(run)
    assert all(after[index] == between[index] for index in between)
    assert all(after[index] == before[index] for index in before)
    assert tiny_study.found(run) == tiny_study.stored


def test_a_second_run_is_refused_and_nothing_listens_to_the_world(tiny_study: TinyStudy, tmp_path: Path) -> None:
    cluster, run = local(tmp_path, 2), tmp_path / "run"
    with Driver(tiny_study.file, run, cluster) as first:
        first.wait_for_commits(1)
        with first.paused(), Driver(tiny_study.file, run, cluster) as second:
            tree = [psutil.Process(first.process.pid), *psutil.Process(first.process.pid).children(recursive=True)]
            listening = [c.laddr for p in tree for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
            assert second.finish() == 1, second.error
        assert first.finish() == 0, first.error
    refusal = second.message
    assert refusal == second.error
    assert refusal.startswith(f"lstm-analysis: Another run is going on in {run}: process {first.process.pid} on ")
    assert "Wait for it or stop it" in refusal
    assert tiny_study.found(run) == tiny_study.stored
    (port,) = re.findall(rf"^dashboard: http://{LOOPBACK}:(\d+)/lstm$", first.error, re.MULTILINE)
    assert int(port) in {address.port for address in listening}
    assert len(listening) >= 4
    assert {address.ip for address in listening} == {LOOPBACK}


def test_a_shard_that_always_fails_is_listed(tiny_study: TinyStudy, tmp_path: Path) -> None:
    cluster, run, last = local(tmp_path, 2), tmp_path / "run", tiny_study.n_shard - 1
    obstacle = run / "activations.zarr" / "hidden_state" / "c" / str(last) / "0" / "0"
    with Driver(tiny_study.file, run, cluster) as driver:
        wait_until(lambda: (run / "activations.zarr").exists() or driver.process.poll() is not None, "activations.zarr")
        with driver.paused():
            (obstacle / "in the way").mkdir(parents=True)
        assert driver.finish() == 3, driver.error
    assert re.match(
        rf"lstm-analysis: 1 of {tiny_study.n_shard} shards failed and the rest is done: "
        rf"shard {last} \(document 5\.txt\): \w+Error: .*"
        r"Mend the cause and run again: only these shards are left\.",
        driver.message,
    )
    before = commits(run)
    assert sorted(before) == list(range(last))
    (obstacle / "in the way").rmdir()
    obstacle.rmdir()
    run_study(load_study(tiny_study.file), run, in_process=True)
    assert {index: when for index, when in commits(run).items() if index != last} == before
    assert tiny_study.found(run) == tiny_study.stored


def test_a_lost_scheduler_ends_the_run_and_a_new_one_goes_on(tiny_study: TinyStudy, tmp_path: Path) -> None:
    run, cluster = tmp_path / "run", tmp_path / "external.yaml"
    cluster.write_text(yaml.safe_dump({"scheduler_file": str(tmp_path / "scheduler.json")}))
    with external_cluster(tmp_path) as scheduler, Driver(tiny_study.file, run, cluster) as driver:
        driver.wait_for_commits(6)
        scheduler.kill()
        assert driver.finish(60) == 75, driver.error
    assert driver.message == f"lstm-analysis: {LOST}"
    assert not driver.traceback
    before = commits(run)
    assert 6 <= len(before) < tiny_study.n_shard
    with external_cluster(tmp_path):
        run_study(load_study(tiny_study.file), run, cluster)
    after = commits(run)
    assert {index: after[index] for index in before} == before
    assert tiny_study.found(run) == tiny_study.stored
