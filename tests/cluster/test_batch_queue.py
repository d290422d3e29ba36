"""Jobs of a queue: what is asked of it before, while and after it starts them. A real queue: see tests/engines."""

import asyncio
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from command import call, expect_paragraph

from lstm_analysis.cluster import client as client_module
from lstm_analysis.cluster import connect
from lstm_analysis.cluster.batch_queue import describe_queue
from lstm_analysis.cluster.client import wait_for_worker
from lstm_analysis.cluster.watch import replace_lost
from lstm_analysis.errors import STOP, Interrupted, UserError

KWARGS = {"cores": 1, "memory": "1GB", "interface": "lo", "scheduler_options": {"dashboard_address": "127.0.0.1:0"}}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for stand-ins of a queue's commands, the only one on the PATH beside the shell's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    """Write a command."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def slurm(folder: Path, **changes: Any) -> Path:
    """Write a cluster file for Slurm."""
    file = folder / "slurm.yaml"
    content = {"module": "dask_jobqueue", "class": "SLURMCluster", "kwargs": KWARGS, "scale": {"jobs": 2}}
    file.write_text(yaml.safe_dump({**content, **changes}))
    return file


def test_a_missing_submit_command_is_named_before_anything_is_started(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(here))
    ended = call("cluster", slurm(here), "--check")
    expect_paragraph(ended, 1, "SLURMCluster submits jobs by `sbatch`, which is not on this machine's PATH")
    assert call("cluster", slurm(here), "--print").code == 0


def test_a_queue_that_refuses_the_jobs_says_so_in_its_own_words(programs: Path, here: Path) -> None:
    program(programs, "sbatch", f'cp "$2" {here}/tested; echo "sbatch: error: invalid partition: mian" >&2; exit 1')
    with pytest.raises(
        UserError, match=r"refuses .*\(`sbatch --test-only`\): sbatch: error: invalid partition: mian\."
    ):
        connect(slurm(here, kwargs={**KWARGS, "queue": "mian"}))
    assert "#SBATCH -p mian" in (here / "tested").read_text()


def test_jobs_that_cannot_be_submitted_end_the_waiting(programs: Path, here: Path) -> None:
    program(programs, "sbatch", '[ "$1" = --test-only ] || exit 1')
    ended = call("cluster", slurm(here), "--check", "--output", here / "runs")
    assert ended.code == 1
    assert "lstm-analysis: No job could be submitted to the queue; its answer is in the log above." in ended.err


def test_while_no_worker_comes_the_log_says_what_the_queue_says(
    programs: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program(programs, "squeue", 'echo "$@"; echo "8 PENDING Resources"; kill -0 $$')
    monkeypatch.setattr(client_module, "FIRST_WORD_SECONDS", 0)

    class SLURMCluster:
        name, workers = "x", {0: SimpleNamespace(job_id="7"), 1: SimpleNamespace(job_id="8")}

    class Client:
        cluster, asked = SLURMCluster(), 0

        def nthreads(self) -> dict[str, int]:
            self.asked += 1
            return {"tcp://a:1": 1} if self.asked == 2 else {}

    monkeypatch.setattr(logging.getLogger("lstm_analysis"), "propagate", True)
    with caplog.at_level("INFO", "lstm_analysis"):
        wait_for_worker(Client())
    (line,) = caplog.messages
    assert line.startswith("waiting for the first worker for 0 s (stop with Ctrl-C). `squeue` says: ")
    assert line.endswith("-h -o %i %T %r -j 7,8; 8 PENDING Resources")


def test_waiting_ends_when_the_program_is_told_to_stop() -> None:
    STOP.set()
    try:
        with pytest.raises(Interrupted):
            wait_for_worker(SimpleNamespace(nthreads=dict, cluster=None))
    finally:
        STOP.clear()


def test_a_queue_that_does_not_answer_or_a_class_without_one_says_nothing(programs: Path) -> None:
    assert describe_queue(SimpleNamespace(workers={})) == ""

    class PBSCluster:
        name, workers = "x", {0: SimpleNamespace(job_id="7")}

    assert describe_queue(PBSCluster()) == ""
    program(programs, "qstat", 'echo "$1 Q"')
    assert describe_queue(PBSCluster()) == "`qstat` says: 7 Q"
    PBSCluster.workers = {}
    assert describe_queue(PBSCluster()) == ""


class FakeCluster:
    """What `replace_lost` looks at."""

    def __init__(self) -> None:
        from distributed.core import Status

        self.status, self.periodic_callbacks = Status.running, {}
        self.loop = SimpleNamespace(add_callback=lambda function: function())
        self.worker_spec = {0: {}, 1: {}}
        self.workers = {name: SimpleNamespace(status=Status.running) for name in self.worker_spec}
        self.n_asked = 0

    def again(self) -> None:
        self.n_asked += 1


async def watched(cluster: FakeCluster, change: Any) -> int:
    """Return how often a cluster was asked for lost workers in three looks after a change and in the two before."""
    looks: list[int] = []
    replace_lost(cluster, cluster.again, seconds=0.005)
    (callback,) = cluster.periodic_callbacks.values()
    look = callback.callback

    def counted() -> None:
        look()
        looks.append(cluster.n_asked)

    callback.callback = counted
    while len(looks) < 2:
        await asyncio.sleep(0.001)
    assert looks == [0, 0]
    change()
    before = len(looks)
    while len(looks) < before + 3:
        await asyncio.sleep(0.001)
    callback.stop()
    return cluster.n_asked


def test_a_lost_job_is_asked_for_again_once_and_one_that_is_wanted_no_more_is_not() -> None:
    from distributed.core import Status

    whole, lost, fewer, failed = (FakeCluster() for _ in range(4))

    def fewer_wanted() -> None:
        del fewer.worker_spec[1], fewer.workers[1]

    def submission_failed() -> None:
        failed.workers[1].status = Status.created

    assert asyncio.run(watched(whole, lambda: None)) == 0
    assert asyncio.run(watched(lost, lambda: lost.workers.pop(1))) == 1
    assert asyncio.run(watched(fewer, fewer_wanted)) == 0
    assert asyncio.run(watched(failed, submission_failed)) == 1
    assert 1 not in failed.workers
