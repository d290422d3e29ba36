"""Two hosts with one file system: one is cut off in the middle of a run, and the other finishes it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from driver import SCRIPTS, SECONDS, Driver, commits, wait_until
from engine_needs import missing, need
from hosts_engine import N_HOST, PROGRAMS, Hosts
from tiny import digests

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

N_SHARD = 20
SHORT = {"distributed.comm.timeouts.tcp": "12s", "distributed.comm.timeouts.connect": "5s"}
"""How long a silent connection is believed in: 30 s by default, and more than 11 s at least."""


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    need(*PROGRAMS)
    if os.geteuid():
        missing("network namespaces need root")
    engine = Hosts()
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def workers(hosts: Hosts, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a scheduler on this side and a worker on each host."""
    file = tmp_path / "scheduler.json"
    dask, options = [sys.executable, str(SCRIPTS / "dask")], ["--scheduler-file", str(file)]
    listen = ["--host", hosts.address, "--port", "0", "--dashboard-address", "127.0.0.1:0"]
    worker = [*dask, "worker", *options, "--interface", "eth0", "--nthreads", "1", "--no-dashboard"]
    worker += ["--local-directory", str(tmp_path)]
    environment = {**os.environ, **{f"DASK_{key.upper().replace('.', '__')}": value for key, value in SHORT.items()}}
    commands = [[*dask, "scheduler", *listen, *options]]
    commands += [hosts.command(i, *worker) for i in range(N_HOST)]
    with (tmp_path / "dask.log").open("ab") as log:
        processes = [subprocess.Popen(command, stdout=log, stderr=log, env=environment) for command in commands]
    try:
        yield processes[1:]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(SECONDS)


def writers(run: Path) -> dict[int, int]:
    """Return which process committed each shard."""
    return {int(file.stem): json.loads(file.read_text())["process"] for file in (run / "commits").glob("[0-9]*.json")}


def test_a_run_goes_on_when_a_host_is_cut_off(
    hosts: Hosts, workers: list[subprocess.Popen[bytes]], study: Path, stored: dict[str, str], tmp_path: Path
) -> None:
    run, cluster = tmp_path / "run", tmp_path / "joined.yaml"
    cluster.write_text(yaml.safe_dump({"scheduler_file": str(tmp_path / "scheduler.json"), "config": SHORT}))
    with Driver(study, run, cluster) as driver:
        wait_until(lambda: len(set(writers(run).values())) == 2 or driver.process.poll() is not None, "two writers")
        before = writers(run)
        hosts.cut_off(0)
        assert len(commits(run)) < N_SHARD
        assert driver.finish() == 0, driver.error
    assert digests(run) == stored
    assert len(set(before.values())) == 2
