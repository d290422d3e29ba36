"""Whatever goes wrong inside a worker, the run completes or resumes to the bytes of an undisturbed run."""

import errno
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, wait
from driver import commits, wait_until
from faults import (
    WRITE_ROWS,
    die_once,
    fail,
    fault,
    first,
    hang_once,
    leave_behind,
    limit_files,
    meet,
    of_task,
    poison,
    stop_once_done,
)
from shared_cluster import Shared, shared_cluster
from tiny import TinyStudy, digests

from lstm_analysis.cluster import window
from lstm_analysis.config import load_study
from lstm_analysis.errors import UserError
from lstm_analysis.stages.work import ShardsFailed
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays", "short_report")]

TESTED = ["selectivity.draws=99", "analyses=[sentence_position, categories, idioms]"]
TASKS = {
    "float32": ["extract_shard", "label_shard", "pilot_states", "summarize_shard", "rank_block", "shift_block",
                "position_block", "idiom_block"],
    "none": ["label_shard", "pilot_states", "stream_shard"],
}  # fmt: skip
MERGE = "lstm_analysis.tasks.summaries:merge_partials"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    config = {"distributed.scheduler.allowed-failures": 1}
    with shared_cluster(tmp_path_factory.mktemp("shared"), 2, "1500MB", config) as found:
        yield found


@pytest.fixture(autouse=True)
def two_workers(cluster: Shared) -> None:
    """Begin with as many workers as ever: the test before may have killed some."""
    cluster.wait_for_workers(2)


@pytest.fixture(scope="module")
def tested(tiny_study: TinyStudy) -> dict[str, str]:
    """Return the digests of the study with all analyses and their tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstm_analysis.study.write_report", lambda run: (run.path / "report.html").touch())
        config = load_study(tiny_study.file, TESTED)
        return digests(run_study(config, tiny_study.file.parent / "tested", in_process=True).path)


@pytest.mark.parametrize(("store", "when"), [("float32", "before"), ("float32", "after"), ("none", "after")])
def test_a_worker_dies_in_every_kind_of_task(
    cluster: Shared, tiny_study: TinyStudy, tested: dict[str, str], store: str, when: str, tmp_path: Path
) -> None:
    names, note = TASKS[store], tmp_path / "noted"
    changes = {target: partial(die_once, note, when) for target in [*map(of_task, names), MERGE]}
    settings = TESTED if store == "float32" else ["store=none"]
    with fault(cluster.client, changes):
        run = run_study(load_study(tiny_study.file, settings), tmp_path / "run", cluster.joined).path
    assert {file.name for file in note.iterdir()} == {*names, "merge_partials"}
    assert (digests(run) if store == "float32" else tiny_study.found(run, store)) == (
        tested if store == "float32" else tiny_study.streamed
    )


def test_a_write_error_that_passes_is_made_good(cluster: Shared, tiny_study: TinyStudy, tmp_path: Path) -> None:
    rows = {str(220 * i) for i in (3, 4, 11)}
    with fault(cluster.client, {WRITE_ROWS: partial(fail, errno.EIO, rows, tmp_path / "noted")}):
        run = run_study(load_study(tiny_study.file), tmp_path / "run", cluster.joined).path
    assert {file.name for file in (tmp_path / "noted").iterdir()} == {f"failed-{row}" for row in rows}
    assert tiny_study.found(run) == tiny_study.stored


def test_poison_shards_are_listed_with_their_documents_and_the_rest_is_done(
    cluster: Shared, tiny_study: TinyStudy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, run = {"4": "raise", "12": "memory", "18": "crash"}, tmp_path / "run"  # no other shard waits for these
    changes = {
        of_task("extract_shard"): partial(poison, poisoned),
        WRITE_ROWS: partial(fail, errno.EIO, {str(19 * 220)}, None),
    }
    with fault(cluster.client, changes), pytest.raises(ShardsFailed) as caught:
        run_study(load_study(tiny_study.file), run, cluster.joined)
    assert caught.value.exit_code == 3
    died = "its worker died each time, most likely out of memory: give workers more memory"
    text = str(caught.value)
    assert text.startswith("4 of 20 shards failed and the rest is done: shard 4 (documents 0.txt, 1.txt, 2.txt)")
    assert "2.txt): RuntimeError: broken disk sector; shard 12 (documents 2.txt, 3.txt, 4.txt): " + died in text
    assert "shard 19 (document 5.txt): OSError: [Errno 5] Input/output error" in text
    assert f"shard 18 (documents 4.txt, 5.txt) failed: {died}" in caplog.text
    before = commits(run)
    assert sorted(before) == sorted(set(range(20)) - {4, 12, 18, 19})
    run_study(load_study(tiny_study.file), run, in_process=True)
    after = commits(run)
    assert {index: after[index] for index in before} == before
    assert tiny_study.found(run) == tiny_study.stored


def test_hanging_tasks_do_not_hold_up_the_end(
    cluster: Shared, tiny_study: TinyStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "SLOW_SECONDS", 1)
    monkeypatch.setattr(window, "FETCH_SECONDS", 2)
    note = tmp_path / "noted"
    changes = {
        of_task("extract_shard"): partial(hang_once, note, "17", "sleep"),
        of_task("summarize_shard"): partial(hang_once, note, "5", "stop"),
    }
    with fault(cluster.client, changes):
        run = run_study(load_study(tiny_study.file), tmp_path / "run", cluster.joined).path
        cluster.wait_for_workers(2)
        there = set(cluster.client.run(os.getpid).values())
    hung = {int(file.read_text()) for file in note.glob("pid-*")}
    assert len(hung) == 2
    assert not hung & there, "a worker that hangs was not started anew"
    assert tiny_study.found(run) == tiny_study.stored


def test_a_result_on_a_worker_that_falls_silent_is_made_again(
    cluster: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, outcome = tmp_path / "noted", window._outcome
    note.mkdir()

    def fetched_late(future: Any, seconds: float) -> Any:
        stopped = psutil.Process(int((note / "pid").read_text())).status
        if first(note, "fetched"):
            wait_until(lambda: stopped() == psutil.STATUS_STOPPED, "stopped worker")
        return outcome(future, seconds)

    monkeypatch.setattr(window, "FETCH_SECONDS", 2)
    monkeypatch.setattr(window, "_outcome", fetched_late)
    with fault(cluster.client, {"faults:leave_behind": partial(stop_once_done, note)}):
        ((_, found),) = window.work(cluster.client, "left", leave_behind, deque([(0, str(note))]))
        silent = int((note / "pid").read_text())
        os.kill(silent, signal.SIGCONT)
    assert isinstance(found, bytes)
    assert int.from_bytes(found[:8], "little") != silent


def test_files_that_may_not_grow_stop_the_run(cluster: Shared, tiny_study: TinyStudy, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with (
        fault(cluster.client, {WRITE_ROWS: partial(limit_files, 4096, 220 * 8)}),
        pytest.raises(UserError, match=r"cannot grow further: File too large\..*\(ulimit -f") as caught,
    ):
        run_study(load_study(tiny_study.file), run, cluster.joined)
    assert caught.value.exit_code == 1
    assert re.search(r"The \d+ of 20 shards that are not done need 0\.\d MB, in files of", str(caught.value))
    assert 0 < len(commits(run)) < 20
    run_study(load_study(tiny_study.file), run, cluster.joined)
    assert tiny_study.found(run) == tiny_study.stored


def do_twice(client: "Client | None", name: str, function: Callable[..., Any], queue: deque[Any], **_: Any) -> Any:
    """Stand for `work`: every task is done by all workers at the same time, and all must agree."""
    assert client is not None
    while queue:
        arguments = queue.popleft()
        futures = [
            client.submit(function, *arguments, workers=[worker], pure=False, key=f"{name}-{arguments[0]}-{worker}")
            for worker in client.nthreads()
        ]
        wait(futures)
        lost = [future for future in futures if future.status == "error"]
        assert len(lost) < len(futures), lost[0].exception()
        for future in lost:  # the other one has merged these summaries
            assert isinstance(future.exception(), FileNotFoundError)
        yield arguments, next(future for future in futures if future.status == "finished").result()


@pytest.mark.parametrize("store", ["float32", "none"])
def test_every_task_may_be_done_twice_at_the_same_time(
    cluster: Shared, tiny_study: TinyStudy, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in ("reading", "activations", "labels", "summary", "columns"):
        monkeypatch.setattr(f"lstm_analysis.stages.{stage}.work", do_twice)
    meets = partial(meet, tmp_path / "noted")
    changes = {"lstm_analysis.tasks.labels:write_rows": meets, "lstm_analysis.tasks.reading:hand_over": meets}
    changes |= {WRITE_ROWS: meets} if store == "float32" else {}
    with fault(cluster.client, changes):
        run = run_study(load_study(tiny_study.file, [f"store={store}"]), tmp_path / "run", cluster.joined).path
    assert len(list((tmp_path / "noted").glob("hand_over-*"))) == 20
    assert len(commits(run)) == 20
    assert tiny_study.found(run, store) == tiny_study.expected(store)
