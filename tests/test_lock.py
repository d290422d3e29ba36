"""One program at a time writes a run."""

import errno
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lock_race import race

from lstm_analysis import lock, owner
from lstm_analysis.errors import STOP, UserError
from lstm_analysis.lock import STALE_SECONDS, RunLock, read_owner
from lstm_analysis.owner import file_age, lives_here, this_process


@contextmanager
def taken_over(run: Path, message: str = "took over the lock") -> Iterator[RunLock]:
    """Hold the lock of a run whose owner is gone."""
    mine = RunLock(run)
    with pytest.warns(UserWarning, match=message):
        mine.__enter__()
    try:
        yield mine
    finally:
        mine.__exit__()


@pytest.fixture(scope="module")
def dead() -> dict[str, Any]:
    """Who is gone: a process of this host that has ended."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return {"host": socket.gethostname(), "pid": int(ended.stdout), "started": 0, "token": "gone", "time": "yesterday"}


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    refusal = rf"process {os.getpid()} on .* since \d{{4}}-.* Wait for it or stop it \(lstm-analysis cancel .*remove"
    with RunLock(tmp_path), pytest.raises(UserError, match=refusal):
        RunLock(tmp_path).__enter__()
    assert not list(tmp_path.iterdir())


def test_the_refusal_names_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(owner.JOB, "slurm:1234")
    with RunLock(tmp_path), pytest.raises(UserError, match=rf"process {os.getpid()} on \S+ \(slurm:1234\) since"):
        RunLock(tmp_path).__enter__()


def test_a_lock_that_cannot_be_written_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="No space left"):
        RunLock(tmp_path).__enter__()
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_dead_program_is_taken_over(tmp_path: Path, dead: dict[str, Any]) -> None:
    (tmp_path / "run.lock").write_text(json.dumps(dead))
    taken = rf"took over the lock of a program that is gone \(process {dead['pid']}\) on .*, .* since yesterday"
    with taken_over(tmp_path, taken):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()
        assert [file.name for file in tmp_path.iterdir()] == ["run.lock"]
    assert not list(tmp_path.iterdir())


def test_a_process_with_the_number_of_a_dead_one_is_another(tmp_path: Path) -> None:
    me = this_process()
    assert lives_here(me) is True
    assert lives_here({**me, "started": me["started"] - 60}) is False
    assert lives_here({**me, "host": "elsewhere"}) is None


def test_the_lock_of_another_host_counts_while_its_heart_beats(tmp_path: Path) -> None:
    file = tmp_path / "run.lock"
    file.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 0}))
    with pytest.raises(UserError, match="process 1 on elsewhere"):
        RunLock(tmp_path).__enter__()
    old = time.time() - 2 * STALE_SECONDS
    os.utime(file, (old, old))
    with taken_over(tmp_path):
        pass


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_clock_of_this_host_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
    file = tmp_path / "run.lock"
    file.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 0}))
    assert -1 < file_age(file) < 60
    with pytest.raises(UserError, match="process 1 on elsewhere"):
        RunLock(tmp_path).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_the_age_is_told_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.lock"
    file.touch()
    os.utime(file, (time.time() - 1000,) * 2)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    assert 990 < file_age(file) < 1100
    with pytest.raises(FileNotFoundError):
        file_age(tmp_path / "nothing")


def test_a_lock_that_is_being_written_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.lock"
    file.touch()
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: file.write_text(json.dumps({**this_process()})))
    with pytest.raises(UserError, match=rf"process {os.getpid()} on"):
        RunLock(tmp_path).__enter__()


def test_a_lock_that_was_never_finished_is_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "run.lock"
    file.write_text('{"host": "els')
    os.utime(file, (time.time() - 2 * STALE_SECONDS,) * 2)
    with taken_over(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_who_comes_late_to_a_stale_lock_takes_nothing_over(tmp_path: Path, dead: dict[str, Any]) -> None:
    file = tmp_path / "run.lock"
    file.write_text(json.dumps(dead))
    late, seen = RunLock(tmp_path), read_owner(file)
    assert seen is not None
    with taken_over(tmp_path):
        mine = file.read_text()
        assert not late._take_over(seen)
        assert file.read_text() == mine
    assert not late._take_over(seen)
    assert not list(tmp_path.iterdir())


def test_the_claim_of_a_dead_program_is_taken_over_too(tmp_path: Path, dead: dict[str, Any]) -> None:
    (tmp_path / "run.lock").write_text(json.dumps(dead))
    (tmp_path / "run.lock.gone").write_text(json.dumps({**dead, "token": "gone too"}))
    with taken_over(tmp_path):
        assert [file.name for file in tmp_path.iterdir()] == ["run.lock"]


def test_a_living_claim_is_respected(tmp_path: Path, dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.1)
    (tmp_path / "run.lock").write_text(json.dumps(dead))
    (tmp_path / "run.lock.gone").write_text(json.dumps({**this_process(), "token": "at it"}))
    with pytest.raises(UserError, match=r"is taking over .*run\.lock just now"):
        RunLock(tmp_path).__enter__()
    assert json.loads((tmp_path / "run.lock").read_text()) == dead


def test_of_many_programs_one_takes_a_stale_lock_over(tmp_path: Path, dead: dict[str, Any]) -> None:
    runs = [tmp_path / f"{i}" for i in range(40)]
    for run in runs:
        run.mkdir()
        (run / "run.lock").write_text(json.dumps(dead))
    context = multiprocessing.get_context("spawn")
    barrier, won = context.Barrier(6), context.Queue()
    processes = [context.Process(target=race, args=(runs, barrier, won)) for _ in range(6)]
    for process in processes:
        process.start()
    got = [won.get(timeout=100) for _ in runs]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert won.empty()
    assert Counter(name for name, _ in got) == Counter(run.name for run in runs)
    assert {json.loads(content)["pid"] for _, content in got} <= {process.pid for process in processes}
    assert not [file for run in runs for file in run.iterdir()]


def test_the_heart_beats_for_its_own_lock_only(tmp_path: Path) -> None:
    file, mine = tmp_path / "run.lock", RunLock(tmp_path)
    with mine:
        os.utime(file, (0, 0))
        mine.beat()
        assert time.time() - file.stat().st_mtime < 60
        file.unlink()
        mine.beat()
        assert json.loads(file.read_text())["pid"] == os.getpid()
        other = {"host": "elsewhere", "pid": 7, "started": 0, "token": "other"}
        file.write_text(json.dumps(other))
        try:
            mine.beat()
            assert STOP.is_set()
            assert STOP.reason.startswith("process 7 on elsewhere took over")
        finally:
            STOP.clear()
    assert json.loads(file.read_text()) == other
