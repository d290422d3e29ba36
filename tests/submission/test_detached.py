"""A submitted run from end to end, with a real driver: shown, cancelled in two ways, killed, and done in the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml
from command import Ended, expect_paragraph, spawn
from driver import LOOPBACK, SCRIPTS, SECONDS, wait_until
from tiny import digests, write_study

from lstm_analysis.config import load_study
from lstm_analysis.study import run_study
from lstm_analysis.submission.folder import cancel_file
from lstm_analysis.submission.state import RunState, read_state

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]


@pytest.fixture
def cluster(tmp_path: Path, nothing_hangs_and_nothing_stays: None) -> Iterator[Path]:
    """Start a scheduler without workers, so that a run waits where it is; give the cluster file that joins it."""
    file, log = tmp_path / "scheduler.json", (tmp_path / "dask.log").open("ab")
    dask = [sys.executable, str(SCRIPTS / "dask"), "scheduler", "--host", LOOPBACK, "--port", "0"]
    dask += ["--dashboard-address", f"{LOOPBACK}:0", "--scheduler-file", str(file)]
    scheduler = subprocess.Popen(dask, stdout=log, stderr=log)
    cluster = tmp_path / "joined.yaml"
    cluster.write_text(yaml.safe_dump({"scheduler_file": str(file)}))
    yield cluster
    scheduler.terminate()
    scheduler.wait(SECONDS)
    log.close()


def start_worker(folder: Path) -> subprocess.Popen[bytes]:
    """Start the worker that a waiting run needs."""
    command = [sys.executable, str(SCRIPTS / "dask"), "worker", "--scheduler-file", str(folder / "scheduler.json")]
    command += ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet)


def wait_for(run: Path, state: str, stage: str | None = None) -> RunState:
    """Wait until the run is in a state, and in a stage if one is named."""
    wait_until(
        lambda: (found := read_state(run)).state == state and stage in (None, found.status.get("stage")), f"{state} run"
    )
    return read_state(run)


def keep_corpus(done: Path, run: Path) -> None:
    """Make a run that has done its first stage."""
    run.mkdir()
    record = json.loads((done / "run.json").read_text())
    record["stages"] = {"corpus": record["stages"]["corpus"]}
    (run / "run.json").write_text(json.dumps(record))
    for name in record["stages"]["corpus"]["products"]:
        (shutil.copytree if (done / name).is_dir() else shutil.copy)(done / name, run / name)


def test_a_run_is_submitted_watched_stopped_killed_and_done(tmp_path: Path, cluster: Path) -> None:
    study = write_study(tmp_path / "study")
    stored = digests(run_study(load_study(study), tmp_path / "stored", in_process=True).path)
    run = tmp_path / "run"
    keep_corpus(tmp_path / "stored", run)  # the rest waits for workers, of which there are none

    def submit() -> Ended:
        return spawn("submit", study, "--output", run, "--cluster", cluster, "--json")

    first = submit()
    assert first.code == 0, first.err
    submitted = json.loads(first.out)
    assert submitted["id"] == f"process:{os.uname().nodename}:{submitted['driver']['pid']}"
    waits = wait_for(run, "running", "activations")
    assert waits.job == submitted["id"]
    assert os.getsid(submitted["driver"]["pid"]) == submitted["driver"]["pid"]
    study.write_text(study.read_text().replace("shard_tokens: 128", "shard_tokens: 64"))  # this changes no run
    shown = spawn("status", run)
    assert (shown.code, shown.err) == (0, "")
    assert f"driver      {submitted['id']}, since " in shown.out
    assert "stage       activations, extract\n" in shown.out
    assert "shards      0 of 12 done\n" in shown.out
    assert "workers     0\n" in shown.out
    assert f"dashboard   http://{LOOPBACK}:" in shown.out
    expect_paragraph(submit(), 1, f"Another run is going on in .*: process {waits.status['pid']} on ")

    cancel_file(run).write_text("{}")  # as `cancel` on a machine does that cannot reach the process
    found = wait_for(run, "cancelled")
    assert found.status["error"].startswith("Cancelled by a request on another host. What was finished is kept")
    assert spawn("status", run).code == 75

    study.write_text(study.read_text().replace("shard_tokens: 64", "shard_tokens: 128"))
    assert submit().code == 0
    wait_for(run, "running", "activations")
    ended = spawn("cancel", run)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{run} is cancelled. Kept: corpus, 0 of 12 shards of extract.\n")

    assert submit().code == 0
    driver = wait_for(run, "running", "activations").status["pid"]
    os.kill(driver, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(driver), "end of the driver")
    killed = spawn("status", run)
    assert killed.code == 75
    assert "state       killed, its process is gone; submit it again, or run the same command, to go on" in killed.out
    assert spawn("logs", run, "-f", "-n", "1").out.startswith("driver: ends with exit code 137, ")

    assert submit().code == 0
    worker = start_worker(tmp_path)
    try:
        log = spawn("logs", run, "--follow", "-n", "1")
    finally:
        worker.terminate()
        worker.wait(SECONDS)
    lines = log.out.splitlines()
    assert lines[-1].startswith("driver: ends with exit code 0, ")
    assert f"report: {run / 'report.html'}" in lines
    assert f"took over the lock of a program that is gone (process {driver})" in log.out
    done = spawn("status", run)
    assert done.code == 0
    assert "state       done (exit code 0), at " in done.out
    assert digests(run) == stored
