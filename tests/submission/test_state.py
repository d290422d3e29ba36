"""How a run stands, judged from files alone, in every state."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import call, expect_paragraph

from lstm_analysis.owner import this_process
from lstm_analysis.submission import state as state_module
from lstm_analysis.submission.folder import cancel_file, save_json, status_file, submission_file, submission_folder
from lstm_analysis.submission.state import STALE_SECONDS, read_state
from lstm_analysis.submission.status_text import describe_state

ME = this_process()
STATUS: dict[str, Any] = {
    "format": 1, "study": "tiny", "state": "running", "stage": "twin/activations",
    "step": {"name": "extract", "unit": "tokens", "done": 1250, "total": 5000},
    "tasks": {"done": 5, "all": 20, "failed": 1}, "rate": 123.4, "seconds_left": 3671.2, "workers": 12,
    "dashboard": "http://127.0.0.1:8787/status", "host": ME["host"], "pid": ME["pid"],
    "process_started": ME["started"], "job": "process:here:1", "submission": None,
    "started": "2026-01-02T03:04:05+0000", "updated": "2026-01-02T03:14:05+0000", "error": None, "exit_code": None,
}  # fmt: skip
SUBMISSION: dict[str, Any] = {
    "format": 1, "id": "slurm:77", "driver": None, "token": "abc", "study": "tiny",
    "submitted": "2026-01-02T03:00:00+0000", "by": ME,
}  # fmt: skip
PENDING, RUNNING, GONE = ("PENDING", "Resources"), ("RUNNING", "None"), ("", "")


@pytest.fixture(scope="module")
def gone() -> dict[str, Any]:
    """A process of this host that has ended."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return {"host": socket.gethostname(), "pid": int(ended.stdout), "started": 0.0}


def write(
    run: Path, status: dict[str, Any] | None = None, submission: dict[str, Any] | None = None, *, age: float = 0
) -> Path:
    """Write what a run's folder says, the submission after the status; ``age`` is that of the status in seconds."""
    submission_folder(run).mkdir(parents=True)
    if status is not None:
        save_json(status_file(run), {**STATUS, **status})
        then = time.time() - 1 - age
        os.utime(status_file(run), (then, then))
    if submission is not None:
        save_json(submission_file(run), {**SUBMISSION, **submission})
    return run


def slurm_says(monkeypatch: pytest.MonkeyPatch, answer: tuple[str, str] | None) -> None:
    monkeypatch.setattr(state_module, "queue_state", lambda job: answer)


ENDS = {
    "done": ({"exit_code": 0}, 0),
    "failed": ({"exit_code": 1, "error": "The corpus has no sentence."}, 1),
    "failed-shards": ({"exit_code": 3, "error": "2 of 20 shards failed"}, 3),
    "failed-usage": ({"exit_code": 2, "error": "unknown measure"}, 1),
    "interrupted": ({"exit_code": 75, "error": "Stopped by SIGTERM."}, 75),
    "cancelled": ({"exit_code": 75, "error": "Cancelled by eve on n1."}, 75),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_run_that_has_ended_is_as_it_says(tmp_path: Path, name: str) -> None:
    status, code = ENDS[name]
    state = name.partition("-")[0]
    write(tmp_path / "run", {**status, "state": state})
    ended = call("status", tmp_path / "run")
    assert ended.code == code
    lines = ended.out.splitlines()
    assert lines[1] == f"state       {state} (exit code {status['exit_code']}), at 2026-01-02T03:14:05+0000"
    assert [line for line in lines if line.startswith("error")] == [
        f"error       {text}" for key, text in status.items() if key == "error"
    ]
    assert not any(line.startswith(("workers", "dashboard")) for line in lines)
    assert json.loads(call("status", tmp_path / "run", "--json").out)["state"] == state


def test_a_run_that_goes_on_is_shown_in_aligned_lines(tmp_path: Path) -> None:
    run = write(tmp_path / "run", {})
    ended = call("status", run)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert re.fullmatch(r"driver      process:here:1, since 2026-01-02T03:04:05\+0000, heard of \d+ s ago", lines[2])
    assert lines == [
        f"tiny, {run}",
        "state       running",
        lines[2],
        "stage       twin/activations, extract",
        "progress    ######------------------  25%  1,250 of 5,000 tokens",
        "shards      5 of 20 done, 1 failed",
        "rate        123 tokens/s, 1:01:11 left",
        "workers     12",
        "dashboard   http://127.0.0.1:8787/status",
        f"then        lstm-analysis logs {run} -f",
        f"then        lstm-analysis cancel {run}",
    ]
    found = json.loads(call("status", run, "--json").out)
    assert {key: found[key] for key in STATUS if key != "submission"} == {
        key: value for key, value in STATUS.items() if key != "submission"
    }
    assert 0 < found["seconds_since_heartbeat"] < 60


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    step = {"name": "corpus", "unit": "tokens", "done": 3584, "total": None}
    empty = {"tasks": None, "rate": None, "seconds_left": None, "workers": None, "dashboard": None}
    lines = describe_state(read_state(write(tmp_path / "a", {"step": step, **empty}))).splitlines()
    assert lines[4:6] == ["progress    3,584 tokens", f"then        lstm-analysis logs {tmp_path / 'a'} -f"]
    none = {"state": "starting", "stage": None, "step": None, **empty}
    lines = describe_state(read_state(write(tmp_path / "b", none))).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["state", "driver", "then", "then"]


def test_the_dashboard_of_another_host_comes_with_a_tunnel(tmp_path: Path) -> None:
    run = write(tmp_path / "run", {"host": "n1", "job": "slurm:77"})
    lines = call("status", run).out.splitlines()
    assert "            from here: ssh -N -L 8787:127.0.0.1:8787 n1, then http://127.0.0.1:8787/status" in lines
    assert lines[2].startswith("driver      slurm:77 on n1, since ")


def test_a_driver_of_this_host_that_is_gone_was_killed(tmp_path: Path, gone: dict[str, Any]) -> None:
    killed = {"pid": gone["pid"], "process_started": gone["started"]}
    ended = call("status", write(tmp_path / "run", killed))
    assert ended.code == 75
    assert "state       killed, its process is gone; submit it again, or run the same command, to go on" in ended.out
    another = {"process_started": ME["started"] - 100}  # the number belongs to another process now
    assert read_state(write(tmp_path / "again", another)).state == "killed"


@pytest.mark.parametrize("hours", [-5, 0, 5])
def test_a_driver_of_another_host_is_judged_by_its_heart_and_the_file_systems_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    alive = write(tmp_path / "alive", {"host": "n1"}, age=STALE_SECONDS - 60)
    dead = write(tmp_path / "dead", {"host": "n1"}, age=STALE_SECONDS + 60)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
    assert read_state(alive).state == "running"
    found = read_state(dead)
    assert (found.state, found.exit_code) == ("killed", 75)
    assert str(found.note).startswith("its heart has not beaten for 18")
    assert not [file for run in (alive, dead) for file in run.glob(".*")]


@pytest.mark.parametrize(
    ("answer", "cancelled", "state", "code", "note"),
    [
        (PENDING, False, "queued", 0, "Slurm says PENDING (Resources)"),
        (PENDING, True, "queued", 0, "Slurm says PENDING (Resources)"),
        (RUNNING, False, "starting", 0, "Slurm says RUNNING"),
        (GONE, False, "failed", 1, "its driver ended before the run began; its log says why"),
        (GONE, True, "cancelled", 75, "before it began"),
        (("CANCELLED", "None"), True, "cancelled", 75, "before it began"),
        (None, False, "queued", 0, "its queue cannot be asked from here"),
        (None, True, "cancelled", 75, "before it began"),
    ],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_job_that_has_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[str, str] | None, cancelled: bool, state: str,
    code: int, note: str, earlier: bool,
) -> None:  # fmt: skip
    slurm_says(monkeypatch, answer)
    before = {"state": "failed", "exit_code": 1, "submission": "before"} if earlier else None
    run = write(tmp_path / "run", before, {})
    if cancelled:
        cancel_file(run).touch()
    found = read_state(run)
    assert (found.state, found.exit_code, found.note, found.job) == (state, code, note, "slurm:77")


@pytest.mark.parametrize(
    ("driver", "cancelled", "state"),
    [("me", False, "starting"), ("me", True, "starting"), ("gone", False, "failed"), ("gone", True, "cancelled"),
     ("elsewhere", False, "starting")],
)  # fmt: skip
def test_a_process_that_has_not_begun(
    tmp_path: Path, gone: dict[str, Any], driver: str, cancelled: bool, state: str
) -> None:
    drivers = {"me": ME, "gone": gone, "elsewhere": {**ME, "host": "n1"}}
    run = write(tmp_path / "run", None, {"id": "process:n1:5", "driver": drivers[driver]})
    if cancelled:
        cancel_file(run).touch()
    assert read_state(run).state == state


@pytest.mark.parametrize(
    ("said", "answer", "state", "note"),
    [
        ("interrupted", PENDING, "queued", "again, after it was stopped: Slurm says PENDING (Resources)"),
        ("interrupted", RUNNING, "starting", "Slurm says RUNNING"),
        ("interrupted", GONE, "interrupted", None),
        ("interrupted", ("COMPLETING", "None"), "interrupted", None),
        ("interrupted", None, "interrupted", None),
        ("cancelled", RUNNING, "cancelled", None),
        ("done", RUNNING, "done", None),
    ],
)
def test_a_job_that_was_stopped_may_be_in_the_queue_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, answer: tuple[str, str] | None, state: str,
    note: str | None,
) -> None:  # fmt: skip
    slurm_says(monkeypatch, answer)
    found = read_state(write(tmp_path / "run", {"state": said, "exit_code": 75, "submission": "abc"}, {}))
    assert (found.state, found.note) == (state, note)


def test_a_killed_driver_that_waits_again_is_queued(
    tmp_path: Path, gone: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = {"pid": gone["pid"], "process_started": 0.0, "submission": "abc"}
    run = write(tmp_path / "run", killed, {})
    for answer, state in ((PENDING, "queued"), (RUNNING, "killed"), (GONE, "killed")):
        slurm_says(monkeypatch, answer)
        assert read_state(run).state == state


def test_a_later_run_by_hand_counts_more_than_an_old_submission(tmp_path: Path) -> None:
    run = write(tmp_path / "run", {"state": "done", "exit_code": 0}, {"token": "old"})
    os.utime(submission_file(run), (time.time() - 1000,) * 2)
    found = read_state(run)
    assert (found.state, found.job, found.submission) == ("done", "process:here:1", {})


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    for command in ("status", "logs", "cancel"):
        expect_paragraph(call(command, tmp_path / "nowhere"), 2, "nowhere is not a run: nothing was run or submitted")
    (tmp_path / "run.json").write_text("{}")
    expect_paragraph(call("status", tmp_path), 2, r"has no status\.json")


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_status_is_none(tmp_path: Path, content: str) -> None:
    status_file(tmp_path).write_text(content)
    expect_paragraph(call("status", tmp_path), 2, "is not a run")


def test_watching_shows_each_change_until_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write(tmp_path / "run", {})
    ends: list[Callable[[], None]] = [
        lambda: None,
        lambda: save_json(status_file(run), {**STATUS, "workers": 3}),
        lambda: save_json(status_file(run), {**STATUS, "state": "failed", "exit_code": 3}),
    ]
    monkeypatch.setattr("lstm_analysis.submission.state.file_age", lambda file: 1.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: ends.pop(0)())
    ended = call("status", run, "--watch", "--json")
    assert ended.code == 3
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [(each["state"], each["workers"]) for each in found] == [("running", 12), ("running", 3), ("failed", 12)]
