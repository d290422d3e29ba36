"""What is submitted: the script, the queue it goes to, and what is refused before anything starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import call, expect_paragraph, write_command_study

from lstm_analysis.lock import RunLock
from lstm_analysis.owner import this_process
from lstm_analysis.submission.batch import SYSTEMS, queue_state, system_of
from lstm_analysis.submission.folder import (
    read_json,
    save_json,
    script_file,
    submission_file,
    submission_folder,
)
from lstm_analysis.submission.script import WAIT

KWARGS = {
    "queue": "long",
    "walltime": "01:30:00",
    "account": "lab",
    "project": "lab",
    "job_script_prologue": ["module load x"],
}
ANSWERS = {
    "SLURMCluster": ("sbatch", "1234;cluster", "slurm:1234"),
    "PBSCluster": ("qsub", "77.server", "pbs:77.server"),
    "LSFCluster": ("bsub", "Job <88> is submitted to queue <long>.", "lsf:88"),
    "SGECluster": ("qsub", "99", "sge:99"),
}
DIRECTIVES = {
    "SLURMCluster": ["#SBATCH --partition=long", "#SBATCH --account=lab", "#SBATCH --time=01:30:00",
                     "#SBATCH --cpus-per-task=2", "#SBATCH --mem=1908M", "#SBATCH --qos=big",
                     "#SBATCH --signal=B:TERM@120", "#SBATCH --requeue"],
    "PBSCluster": ["#PBS -q long", "#PBS -A lab", "#PBS -l walltime=01:30:00", "#PBS -l select=1:ncpus=2:mem=1908mb",
                   "#PBS --qos=big", "#PBS -N lstm-analysis-t"],
    "LSFCluster": ["#BSUB -q long", "#BSUB -P lab", "#BSUB -W 01:30:00", "#BSUB -wt 2 -wa TERM", "#BSUB -n 2",
                   "#BSUB -M 1908MB", "#BSUB --qos=big"],
    "SGECluster": ["#$ -q long", "#$ -P lab", "#$ -l h_rt=01:30:00", "#$ -notify", "#$ --qos=big"],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_command_study(tmp_path_factory.mktemp("study"))


def cluster_file(folder: Path, **content: Any) -> Path:
    file = folder / "cluster.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_driver_becomes_a_job(folder: Path, here: Path, program: Callable[[str, str], Path], kind: str) -> None:
    command, answer, job = ANSWERS[kind]
    calls = program(command, f"echo '{answer}'; [ -t 0 ] || cat >{here / 'stdin'}")
    driver = {"cores": 2, "memory": "2GB", "directives": ["--qos=big"]}
    cluster = cluster_file(here, module="dask_jobqueue", **{"class": kind}, kwargs=KWARGS, driver=driver)
    ended = call("submit", folder / "tiny.yaml", "--cluster", cluster, "--set", "seed=3", "--force")
    assert ended.code == 0, ended.err
    run = here / "runs" / "tiny"
    assert ended.out.splitlines() == [
        f"submitted  {job} (a job of {job.partition(':')[0]})",
        "run        runs/tiny",
        "then       lstm-analysis status runs/tiny",
        "then       lstm-analysis logs runs/tiny -f",
        "then       lstm-analysis cancel runs/tiny",
    ]
    script = script_file(run).read_text()
    lines = script.splitlines()
    assert set(DIRECTIVES[kind]) <= set(lines)
    assert lines.index("module load x") < lines.index("stopped=")
    given = (here / "stdin").read_text() if kind == "LSFCluster" else Path(calls.read_text().split()[-1]).read_text()
    assert given == script
    folders = submission_folder(run)
    assert (
        f"{sys.executable} -m lstm_analysis.cli run {folders / 'study.yaml'} --output {run} --relative-to {folder} "
        f"--cluster {folders / 'cluster.yaml'} --set seed=3 --force &"
    ) in lines
    assert (folders / "study.yaml").read_text() == (folder / "tiny.yaml").read_text()
    assert (folders / "cluster.yaml").read_text() == cluster.read_text()
    found = read_json(submission_file(run))
    assert found is not None
    assert (found["id"], found["driver"], found["settings"]) == (job, None, ["seed=3"])
    assert f"export LSTM_ANALYSIS_SUBMISSION={found['token']}" in lines
    system = system_of(job)
    assert system is not None
    assert f'export LSTM_ANALYSIS_JOB="{system.name}:${system.id_variable}"' in lines
    assert subprocess.run(["sh", "-n", str(script_file(run))], check=False).returncode == 0


def test_a_queue_that_refuses_is_told_and_nothing_is_left(
    folder: Path, here: Path, program: Callable[[str, str], Path]
) -> None:
    program("sbatch", "echo 'sbatch: error: invalid partition specified: fast' >&2; exit 1")
    cluster = cluster_file(here, module="dask_jobqueue", **{"class": "SLURMCluster"}, kwargs={"queue": "fast"})
    for options in ([], ["--dry-run"]):
        ended = call("submit", folder / "tiny.yaml", "--cluster", cluster, *options)
        expect_paragraph(ended, 2, "sbatch would not take the driver's job: .*invalid partition specified: fast. Check")
    assert not (here / "runs").exists()


def test_a_machine_without_the_batch_system_is_told(folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    cluster = cluster_file(here, module="dask_jobqueue", **{"class": "PBSCluster"})
    ended = call("submit", folder / "tiny.yaml", "--cluster", cluster)
    expect_paragraph(ended, 1, "There is no qsub on this machine. Submit from one that has it, or run the study")
    assert call("submit", folder / "tiny.yaml", "--cluster", cluster, "--dry-run").out.startswith("#!/bin/sh\n#PBS -N")


def test_a_dry_run_of_a_process_prints_its_script_and_writes_nothing(folder: Path, here: Path) -> None:
    ended = call("submit", folder / "tiny.yaml", "--dry-run")
    assert ended.code == 0
    assert f"exec </dev/null >>{here}/runs/tiny/submission/driver.log 2>&1" in ended.out
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("cluster", "pattern"),
    [
        (
            {"module": "distributed", "class": "LocalCluster", "driver": {"cores": 1}},
            "has the key driver, but only",
        ),
        ({"module": "dask_jobqueue", "class": "PBSCluster", "driver": {"cores": 0}}, "driver.cores is 0"),
        ({"module": "dask_jobqueue", "class": "PBSCluster", "driver": {"memory": "lot"}}, "driver.memory is 'lot'"),
        ({"module": "dask_jobqueue", "class": "PBSCluster", "driver": {"core": 1}}, "unknown key driver.core; did you"),
        ({"modul": "dask_jobqueue"}, "unknown key modul; did you mean 'module'"),
    ],
)
def test_a_wrong_cluster_file_is_refused(folder: Path, here: Path, cluster: dict[str, Any], pattern: str) -> None:
    expect_paragraph(call("submit", folder / "tiny.yaml", "--cluster", cluster_file(here, **cluster)), 2, pattern)
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    ("setting", "code", "pattern"),
    [
        ("selectvity.draws=0", 2, "unknown key selectvity"),
        ("corpus.path=nowhere/*.txt", 2, "names no file; check the path"),
        ("model.checkpoint=nowhere.safetensors", 2, "nowhere.safetensors does not exist"),
        ("inference.states=[hidden, reset_gate]", 2, "inference.states names reset_gate"),
    ],
)
def test_a_wrong_study_is_refused_before_anything_starts(
    folder: Path, here: Path, setting: str, code: int, pattern: str
) -> None:
    expect_paragraph(call("submit", folder / "tiny.yaml", "--set", setting), code, pattern)
    assert not (here / "runs").exists()


def test_a_folder_of_something_else_is_refused(folder: Path, here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "thesis.tex").touch()
    ended = call("submit", folder / "tiny.yaml", "--output", here / "mine")
    expect_paragraph(ended, 1, "is not empty and not a run")
    assert [path.name for path in (here / "mine").iterdir()] == ["thesis.tex"]


def test_a_run_that_goes_on_is_not_submitted_again(folder: Path, here: Path) -> None:
    run = here / "runs" / "tiny"
    with RunLock(run):
        ended = call("submit", folder / "tiny.yaml")
        expect_paragraph(ended, 1, rf"Another run is going on in runs/tiny: process {os.getpid()} on .* since")
    submission_folder(run).mkdir()
    waiting = {"id": "pbs:7", "driver": None, "token": "a", "study": "tiny", "submitted": "today", "by": this_process()}
    save_json(submission_file(run), waiting)
    ended = call("submit", folder / "tiny.yaml")
    expect_paragraph(ended, 1, rf"runs/tiny is queued already: pbs:7, submitted today by process {os.getpid()} on ")
    assert not script_file(run).exists()


def script(tmp_path: Path, program: str) -> list[str]:
    """Return the command of a script that waits for a program as a driver's does."""
    file = tmp_path / "wait.sh"
    file.write_text(
        "\n".join(["#!/bin/sh", f"{program} &", *WAIT, 'echo "code $code stopped $stopped"', 'exit "$code"'])
    )
    return ["/bin/sh", str(file)]


@pytest.mark.parametrize("code", [0, 3, 75])
def test_the_exit_code_of_a_driver_is_passed_on(tmp_path: Path, code: int) -> None:
    done = subprocess.run(script(tmp_path, f"sh -c 'exit {code}'"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, f"code {code} stopped \n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_reaches_the_driver_and_its_end_is_waited_for(tmp_path: Path, number: int) -> None:
    ready = tmp_path / "ready"
    answer = "trap 'sleep 0.3; exit 75' TERM"
    program = f'sh -c "{answer}; touch {ready}; while :; do sleep 0.05; done"'
    process = subprocess.Popen(script(tmp_path, program), stdout=subprocess.PIPE, text=True)
    while not ready.exists():
        time.sleep(0.01)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (75, "code 75 stopped 1\n")


def test_a_job_in_the_queue_of_slurm(program: Callable[[str, str], Path]) -> None:
    calls = program("squeue", "echo 'PENDING|Resources'")
    assert queue_state("slurm:77") == ("PENDING", "Resources")
    assert calls.read_text() == "--noheader --jobs 77 --format %T|%r\n"
    program("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert queue_state("slurm:77") == ("", "")
    program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    assert queue_state("slurm:77") is None
