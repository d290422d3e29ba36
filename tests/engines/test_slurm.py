"""A real Slurm: the driver is a job, its workers are jobs; jobs are lost, cancelled and requeued."""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from command import expect_paragraph, spawn
from driver import commits, wait_until
from engine_needs import need
from slurm_engine import PROGRAMS, Slurm
from tiny import digests

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

N_SHARD = 20


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    need(*PROGRAMS, *(["setpriv"] if os.geteuid() == 0 else []))
    with tempfile.TemporaryDirectory(prefix="slurm", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        engine = Slurm(Path(folder))
        try:
            engine.start()
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SLURM_CONF", str(engine.config))
                yield engine
        finally:
            engine.stop()


@pytest.fixture
def cluster(slurm: Slurm, nothing_hangs_and_nothing_stays: None, tmp_path: Path) -> Iterator[Path]:
    """Write a cluster file: two worker jobs, replaced when they are lost; in the end no job stays."""
    content = {
        "module": "dask_jobqueue",
        "class": "SLURMCluster",
        "kwargs": {
            "queue": "main", "cores": 1, "processes": 1, "memory": "1GB", "walltime": "00:10:00", "interface": "lo",
            "job_name": "worker", "log_directory": str(tmp_path), "local_directory": str(tmp_path),
            "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
        },
        "scale": {"adapt": {"minimum_jobs": 2, "maximum_jobs": 2, "interval": "1s"}},
        "driver": {"memory": "1GB", "directives": ["--comment=driver"]},
    }  # fmt: skip
    file = tmp_path / "slurm.yaml"
    file.write_text(yaml.safe_dump(content))
    yield file
    slurm.cancel_all()


def status(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(spawn("status", run, "--json").out)
    return found


def submit(study: Path, run: Path, cluster: Path) -> str:
    """Submit the study and return the number of the driver's job."""
    ended = spawn("submit", study, "--output", run, "--cluster", cluster, "--json")
    assert ended.code == 0, ended.err
    kind, _, number = json.loads(ended.out)["id"].partition(":")
    assert kind == "slurm"
    return str(number)


def hold(run: Path) -> int:
    """Wait for the first commits, make the driver stand still, so that the middle lasts, and return its process."""
    wait_until(lambda: len(commits(run)) >= 2, "commits")
    driver: int = json.loads((run / "status.json").read_text())["pid"]
    os.kill(driver, signal.SIGSTOP)
    assert len(commits(run)) < N_SHARD
    return driver


def test_a_run_of_jobs_loses_a_worker_and_gives_the_same_bytes(
    slurm: Slurm, study: Path, stored: dict[str, str], cluster: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = submit(study, run, cluster)
    assert slurm.show(driver, "Comment") == "driver"
    process = hold(run)
    found = status(run)
    workers = [job for job, state in slurm.jobs("worker").items() if state == "RUNNING"]
    slurm.call("scancel", workers[0])
    wait_until(lambda: slurm.show(workers[0], "JobState") == "CANCELLED", "cancelled worker")
    assert (found["state"], found["job"], found["note"]) == ("running", f"slurm:{driver}", None)
    again = spawn("submit", study, "--output", run, "--cluster", cluster)
    expect_paragraph(again, 1, rf"Another run is going on in .*\(slurm:{driver}\)")
    os.kill(process, signal.SIGCONT)
    log = spawn("logs", run, "--follow")
    assert "most selective neurons" in log.out
    wait_until(lambda: status(run)["state"] == "done", "end of the run")
    wait_until(lambda: not slurm.jobs(), "end of the jobs")
    assert slurm.show(driver, "JobState") == "COMPLETED"
    assert len(commits(run)) == N_SHARD
    assert digests(run) == stored


def test_a_driver_that_is_out_of_time_goes_on_in_the_queue(
    slurm: Slurm, study: Path, stored: dict[str, str], cluster: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = submit(study, run, cluster)
    process = hold(run)
    slurm.call("scancel", "--batch", "--signal=TERM", driver)  # as Slurm does before the end of the time
    os.kill(process, signal.SIGCONT)
    wait_until(lambda: slurm.jobs().get(driver) == "PENDING", "requeued driver")
    wait_until(lambda: slurm.show(driver, "Reason") == "BeginTime", "reason for which it waits")
    before = commits(run)
    assert len(before) < N_SHARD
    waits = spawn("status", run)
    assert waits.code == 0
    assert "state       queued, again, after it was stopped: Slurm says PENDING (BeginTime)" in waits.out
    assert json.loads((run / "status.json").read_text())["exit_code"] == 75
    # Slurm would let it wait for two minutes. It tells a job's credentials apart by the second in which they were made,
    # so a job that starts in the second in which it was requeued has the revoked one, and is killed.
    time.sleep(3)
    slurm.call("scontrol", "update", f"JobId={driver}", "StartTime=now")
    assert spawn("status", run, "--watch").code == 0
    after = commits(run)
    assert {index: after[index] for index in before} == before
    assert digests(run) == stored


def test_a_run_is_cancelled_and_goes_on_when_it_is_submitted_again(
    slurm: Slurm, study: Path, stored: dict[str, str], cluster: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    first = submit(study, run, cluster)
    hold(run)
    ended = spawn("cancel", run)  # Slurm lets a job go on before it tells it to stop
    assert ended.code == 0, ended.err
    assert "is cancelled. Kept: corpus, " in ended.out
    wait_until(lambda: not slurm.jobs(), "end of the jobs")
    assert slurm.show(first, "JobState") == "CANCELLED"
    found = spawn("status", run)
    assert found.code == 75
    assert "state       cancelled (exit code 75), at " in found.out
    before = commits(run)
    assert len(before) < N_SHARD
    assert submit(study, run, cluster) != first
    assert spawn("status", run, "--watch").code == 0
    after = commits(run)
    assert {index: after[index] for index in before} == before
    assert digests(run) == stored


def test_a_partition_that_is_not_there_is_told_before_anything_starts(
    slurm: Slurm, study: Path, cluster: Path, tmp_path: Path
) -> None:
    content = yaml.safe_load(cluster.read_text())
    content["kwargs"]["queue"] = "fast"
    cluster.write_text(yaml.safe_dump(content))
    for options in ([], ["--dry-run"]):
        ended = spawn("submit", study, "--output", tmp_path / "run", "--cluster", cluster, *options)
        expect_paragraph(ended, 2, "sbatch would not take the driver's job: .*[Ii]nvalid partition.*Check queue")
    assert not (tmp_path / "run").exists()
    assert not slurm.jobs()


def test_a_dry_run_prints_the_script_and_submits_nothing(
    slurm: Slurm, study: Path, cluster: Path, tmp_path: Path
) -> None:
    ended = spawn("submit", study, "--output", tmp_path / "run", "--cluster", cluster, "--dry-run")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "#!/bin/sh"
    assert {"#SBATCH --partition=main", "#SBATCH --time=00:10:00", "#SBATCH --mem=954M", "#SBATCH --requeue"} < {*lines}
    assert "#SBATCH --signal=B:TERM@120" in lines
    assert any(line.startswith(f"{sys.executable} -m lstm_analysis.cli run ") for line in lines)
    assert not (tmp_path / "run").exists()
    assert not slurm.jobs()
