"""``status.json`` as a driver writes it."""

import errno
import json
import logging
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import call
from driver import wait_until
from tiny import read_facts, write_study

from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.errors import STOP, Interrupted, UsageError, UserError, raise_if_stopped
from lstm_analysis.lock import RunLock
from lstm_analysis.owner import JOB
from lstm_analysis.progress import Progress, Step
from lstm_analysis.stages import ShardsFailed
from lstm_analysis.study import run_study
from lstm_analysis.submission import status_writer
from lstm_analysis.submission.folder import TOKEN, cancel_file, read_json, status_file, submission_folder
from lstm_analysis.submission.status_writer import StatusWriter


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Keep all that is written, beside writing it."""
    found: list[dict[str, Any]] = []
    save = status_writer.save_json

    def keep(file: Path, content: dict[str, Any]) -> None:
        found.append(json.loads(json.dumps(content)))
        save(file, content)

    monkeypatch.setattr(status_writer, "save_json", keep)
    return found


@pytest.fixture
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the page out: drawing it takes most of a small run's time."""
    monkeypatch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())


@pytest.fixture
def not_stopped() -> Iterator[None]:
    STOP.clear()
    yield
    STOP.clear()


def says(run: Path) -> dict[str, Any]:
    content = read_json(status_file(run))
    assert content is not None
    return content


def test_a_study_in_process_tells_of_every_stage_the_twins_too(
    tmp_path: Path, written: list[dict[str, Any]], short_report: None
) -> None:
    file = write_study(tmp_path, selectivity={"draws": 0, "twin": "initial"})
    run_study(load_study(file), tmp_path / "run", in_process=True)
    stages = list(dict.fromkeys(each["stage"] for each in written))
    own = ["corpus", "activations", "labels", "summary", "selectivity", "analyses"]
    twin = ["twin", *(f"twin/{stage}" for stage in own if stage != "activations")]
    assert [stage for stage in stages if stage != "twin/activations"] == [None, *own, *twin, "report"]
    assert [each["state"] for each in written if each["state"] != "running"][-1] == "done"
    ends = [each for each in written if each["step"] and each["step"]["name"] == "extract" and each["rate"] is None]
    n_token = read_facts(tmp_path / "run")["corpus"]["n_token"]
    assert ends[-1]["step"] == {"name": "extract", "unit": "tokens", "done": n_token, "total": n_token}
    assert ends[-1]["tasks"] == {"done": 12, "all": 12, "failed": 0}
    last = says(tmp_path / "run")
    assert (last["state"], last["exit_code"], last["error"], last["step"]) == ("done", 0, None, None)
    assert (last["study"], last["pid"], last["submission"]) == ("tiny", os.getpid(), None)
    assert last["job"] == f"process:{last['host']}:{last['pid']}"
    changed = status_file(tmp_path / "run").stat().st_mtime_ns
    with pytest.raises(UserError, match="holds another study"):
        run_study(load_study(file, ["seed=7"]), tmp_path / "run", in_process=True)
    assert says(tmp_path / "run") == last
    assert status_file(tmp_path / "run").stat().st_mtime_ns == changed


def test_a_step_is_written_at_its_ends_and_once_a_second(
    tmp_path: Path, written: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_writer, "HEARTBEAT_SECONDS", 1e9)
    with StatusWriter(tmp_path, "tiny") as status:
        status.enter_stage("summary")
        clock = [1000.0]
        monkeypatch.setattr(status_writer.time, "monotonic", lambda: clock[0])
        before = len(written)
        with Progress(Step("sums", "tokens", 1000, n_task=100), [status]) as bar:
            for _ in range(100):
                clock[0] += 0.1
                bar.update(10)
        monkeypatch.undo()
    steps = [each["step"]["done"] for each in written[before:] if each["step"]]
    assert steps[0] == 0
    assert 9 <= len(steps) <= 13
    assert steps[-1] == 1000


def test_rate_and_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    with StatusWriter(tmp_path, "tiny") as status:
        monkeypatch.setattr(status_writer.time, "monotonic", lambda: clock[0])
        with Progress(Step("sums", "tokens", 10_000, n_task=100, done=500), [status]) as bar:
            for _ in range(20):
                clock[0] += 10
                bar.update(100)
            bar.fail()
            clock[0] += 2
            bar.update(0)
            found = says(tmp_path)
        monkeypatch.undo()
    assert 9 < found["rate"] < 11
    assert found["seconds_left"] == pytest.approx((10_000 - 2_500) / found["rate"], rel=0.01)
    assert found["tasks"] == {"done": 21, "all": 100, "failed": 1}


def test_the_heart_beats_while_no_task_finishes(
    tmp_path: Path, written: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_writer, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(status_writer, "CANCEL_SECONDS", 0.01)
    with StatusWriter(tmp_path, "tiny"):
        wait_until(lambda: len(written) > 5, "beats")
    assert {each["state"] for each in written[:-1]} == {"starting"}


def test_the_job_and_the_submission_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOB, "slurm:77")
    monkeypatch.setenv(TOKEN, "abc")
    with StatusWriter(tmp_path, "tiny"):
        found = says(tmp_path)
    assert (found["job"], found["submission"]) == ("slurm:77", "abc")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ESTALE])
def test_a_status_that_cannot_be_written_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(status_writer, "save_json", refuse)
    monkeypatch.setattr(status_writer, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(logging.getLogger("lstm_analysis"), "propagate", True)
    with caplog.at_level(logging.WARNING, "lstm_analysis"), StatusWriter(tmp_path, "tiny") as status:
        status.enter_stage("summary")
        with Progress(Step("sums", "tokens", 100, n_task=2), [status]) as bar:
            bar.update(50)
            bar.update(50)
    warned = [each.getMessage() for each in caplog.records]
    assert len(warned) == 1
    assert re.fullmatch(rf".*status\.json cannot be written \({os.strerror(number)}\); the run goes on", warned[0])
    assert not list(tmp_path.iterdir())


ENDS: dict[str, tuple[Callable[[], BaseException], str, int, str]] = {
    "user": (lambda: UserError("no sentence"), "failed", 1, "no sentence"),
    "usage": (lambda: UsageError("wrong key"), "failed", 2, "wrong key"),
    "shards": (lambda: ShardsFailed({3: "bad"}, 20), "failed", 3, "1 of 20 shards failed"),
    "stopped": (lambda: Interrupted("Stopped by SIGTERM."), "interrupted", 75, "Stopped by SIGTERM."),
    "keyboard": (KeyboardInterrupt, "interrupted", 75, "Interrupted from the keyboard"),
    "disk": (lambda: OSError(errno.ENOSPC, "No space left on device", "x"), "failed", 1, "The disk of x is full"),
    "bug": (lambda: ZeroDivisionError("division by zero"), "failed", 1, "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("name", ENDS)
def test_every_end_is_told(tmp_path: Path, name: str) -> None:
    make, state, code, message = ENDS[name]
    error = make()

    def work() -> None:
        with StatusWriter(tmp_path, "tiny") as status:
            status.begin()
            raise error

    with pytest.raises(type(error)):
        work()
    found = says(tmp_path)
    assert (found["state"], found["exit_code"]) == (state, code)
    assert found["error"].startswith(message)
    assert call("status", tmp_path).code == {2: 1}.get(code, code)


def test_a_stranger_s_folder_is_left_as_it_was(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "thesis.tex").touch()
    with pytest.raises(UserError, match="is not empty and not a run"):
        run_study(load_study(file), tmp_path / "stranger", in_process=True)
    assert [path.name for path in (tmp_path / "stranger").iterdir()] == ["thesis.tex"]


def test_a_file_asks_a_run_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_stopped: None) -> None:
    monkeypatch.setattr(status_writer, "CANCEL_SECONDS", 0.01)
    submission_folder(tmp_path).mkdir()
    cancel_file(tmp_path).touch()  # of an earlier time

    def work() -> None:
        with StatusWriter(tmp_path, "tiny") as status:
            status.begin()
            assert not cancel_file(tmp_path).exists()
            assert not STOP.is_set()
            cancel_file(tmp_path).write_text(json.dumps({"user": "eve", "host": "n1"}))
            wait_until(STOP.is_set, "request to stop")
            raise_if_stopped()

    with pytest.raises(Interrupted, match="Cancelled by eve on n1"):
        work()
    assert not STOP.is_set()
    found = says(tmp_path)
    assert (found["state"], found["exit_code"]) == ("cancelled", 75)
    assert found["error"].startswith("Cancelled by eve on n1. What was finished is kept")


def test_a_file_interrupts_the_command_line_as_sigterm_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_stopped: None
) -> None:
    monkeypatch.setattr(status_writer, "CANCEL_SECONDS", 0.01)

    def wait(options: object) -> int:
        with RunLock(tmp_path), StatusWriter(tmp_path, "tiny"):
            cancel_file(tmp_path).parent.mkdir()
            cancel_file(tmp_path).touch()
            time.sleep(60)  # as a program does that waits for its cluster
        return 0

    monkeypatch.setattr("lstm_analysis.commands.validate_study.validate_command", wait)
    ended = call("validate", tmp_path)
    assert ended.code == 75
    assert ended.err == (
        "lstm-analysis: Cancelled by a request on another host. What was finished is kept; run the same command to go "
        "on.\n"
    )
    assert says(tmp_path)["state"] == "cancelled"


def test_a_second_sigterm_does_not_break_the_cleaning_up(monkeypatch: pytest.MonkeyPatch, not_stopped: None) -> None:
    cleaned = []

    def work(options: object) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append("up")
        return 0

    monkeypatch.setattr("lstm_analysis.commands.validate_study.validate_command", work)
    ended = call("validate", "nothing")
    assert (ended.code, cleaned) == (75, ["up"])
    assert "Stopped by SIGTERM. What was finished is kept" in ended.err
