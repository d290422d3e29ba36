"""A run is cancelled by whatever way reaches its driver, and its log is read."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import call, expect_paragraph

from lstm_analysis.owner import this_process
from lstm_analysis.submission import cancel as cancel_module
from lstm_analysis.submission.cancel import cancel
from lstm_analysis.submission.folder import cancel_file, log_file, read_json, save_json, status_file, submission_folder
from lstm_analysis.submission.state import RunState, read_state


def live(run: Path, **status: Any) -> RunState:
    """Write a run that goes on, and return how it stands."""
    me = this_process()
    whole = {"state": "running", "study": "tiny", "stage": "summary", "host": me["host"], "pid": me["pid"],
             "process_started": me["started"], "job": "process:here:1", "submission": None}  # fmt: skip
    run.mkdir()
    save_json(status_file(run), whole | status)
    return read_state(run)


def test_a_job_is_cancelled_in_its_queue_and_by_the_file(
    tmp_path: Path, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = program("scancel", "")
    signals: list[int] = []
    monkeypatch.setattr(cancel_module.os, "kill", lambda pid, number: signals.append(pid))
    state = live(tmp_path / "run", job="slurm:77")
    assert cancel(state, 0.0).state == "running"
    assert calls.read_text() == "77\n"
    assert not signals
    asked = read_json(cancel_file(tmp_path / "run"))
    assert asked is not None
    assert {"user", "host", "time"} == set(asked)


@pytest.mark.parametrize(
    ("change", "signalled"),
    [({}, True), ({"process_started": 1.0}, False), ({"host": "n1"}, False)],
    ids=["its own", "a stranger with its number", "of another host"],
)
def test_only_the_driver_itself_is_signalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], signalled: bool
) -> None:
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(cancel_module.os, "kill", lambda *call: signals.append(call))
    state = live(tmp_path / "run", **change)
    cancel(state, 0.0)
    assert signals == ([(os.getpid(), signal.SIGTERM)] if signalled else [])
    assert cancel_file(tmp_path / "run").exists()


def test_a_run_that_does_not_stop_is_told(tmp_path: Path) -> None:
    live(tmp_path / "run", host="n1")
    ended = call("cancel", tmp_path / "run", "--wait", "0")
    expect_paragraph(ended, 1, r"was asked to stop and is still running after 0 s \(process:here:1\)\. Look again with")


def test_cancelling_what_has_ended_changes_nothing(tmp_path: Path) -> None:
    live(tmp_path / "run", state="done", exit_code=0)
    ended = call("cancel", tmp_path / "run")
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'run'} is done; there is nothing to stop.\n")
    assert not submission_folder(tmp_path / "run").exists()


def test_the_log_of_a_run_in_the_foreground_is_in_its_terminal(tmp_path: Path) -> None:
    run = tmp_path / "run"
    live(run)
    ended = call("logs", run)
    expect_paragraph(ended, 1, "has no log: process:here:1, was started with `lstm-analysis run` or from Python")
    submission_folder(run).mkdir()
    log_file(run).write_text("old\n")
    ended = call("logs", run)
    assert (ended.code, ended.out) == (0, "old\n")
    assert "this is the log of the submission before" in ended.err


def test_the_last_lines_of_a_log_with_bars_as_they_stand(tmp_path: Path) -> None:
    run = tmp_path / "run"
    live(run, submission="a")
    submission_folder(run).mkdir()
    log_file(run).write_text("one\nextract:  10%\rextract: 100%\nthree\nsums:  50%\rsums:  60%")
    assert call("logs", run).out == "one\nextract: 100%\nthree\nsums:  60%\n"
    assert call("logs", run, "-n", "2").out == "three\nsums:  60%\n"
    assert call("logs", run, "-n", "0").out == ""
    assert call("logs", run, "-n", "-1").code == 2


def test_a_log_is_followed_until_its_driver_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    live(run, submission="a")
    submission_folder(run).mkdir()
    log_file(run).write_text("one\ntwo\nsums:  50%")
    status = read_json(status_file(run))
    assert status is not None

    def add(text: str) -> Callable[[], None]:
        def append() -> None:
            with log_file(run).open("a") as file:
                file.write(text)

        return append

    events = [
        add("\rsums: 100%\nthree caf"), lambda: save_json(status_file(run), {**status, "state": "done"}),
        add("é\nfour\n"), add("driver: ends with exit code 0, today\n"),
    ]  # fmt: skip
    monkeypatch.setattr(time, "sleep", lambda seconds: events.pop(0)())
    ended = call("logs", run, "-f", "-n", "1")
    assert ended.out.splitlines() == ["two", "sums: 100%", "three café", "four", "driver: ends with exit code 0, today"]
    assert not events
