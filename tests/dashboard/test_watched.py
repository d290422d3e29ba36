"""What the scheduler knows of a study."""

import json
import math

import pytest
from watched_studies import message, watched_study, worker

from lstm_analysis.dashboard.snapshot import snapshot
from lstm_analysis.dashboard.watched import MAX_FAILURES, MAX_STEPS, MAX_TEXT, PACE_SECONDS, Watched


def test_a_step_is_told_and_what_is_overtaken_is_left_out() -> None:
    study = Watched(0.0)
    assert study.step is None
    study.hear(message(done_before=[(0, 2)], done=200, began_with=200, n_task_done=2), 10.0)
    study.hear(message(serial=3, done=400, n_task_done=4), 20.0)
    study.hear(message(serial=2, done=300, n_task_done=3), 20.1)
    assert study.step is not None
    assert (study.step.done, study.step.n_task_done) == (400, 4)
    assert study.step.rate(20.0) == 20.0
    assert study.step.seconds_left(20.0) == 30.0
    assert study.step.seconds_left(30.0) == 60.0  # nothing came for ten seconds
    assert study.shards is not None
    assert study.shards.counts == [8, 0, 0, 2, 0, 0]


def test_pace_is_that_of_the_last_minutes_and_bounded() -> None:
    study = Watched(0.0)
    for second in range(4000):
        study.hear(
            message(serial=second + 1, total=None, done=second if second < 2000 else 2000 + 5 * (second - 2000)), second
        )
    assert study.step is not None
    assert study.step.rate(3999.0) == pytest.approx(5.0)
    assert study.step.seconds_left(3999.0) is None  # nobody knows the total
    assert len(study.step.pace) <= PACE_SECONDS + 3


def test_the_step_that_goes_on_is_shown_though_a_later_one_is_over() -> None:
    study = Watched(0.0)
    study.hear(message(), 1.0)
    study.hear(message(2, 2, name="merge", n_task=0), 2.0)
    assert study.step is not None
    assert study.step.name == "merge"
    study.hear(message(2, 3, name="merge", n_task=0, finished=True), 3.0)
    assert study.step.name == "extract"
    assert study.shards is not None
    assert study.shards.name == "extract"


def test_the_map_is_whole_when_the_step_says_so_and_only_then() -> None:
    for failed, done in ((0, 10), (1, 9)):
        study = watched_study()
        assert study.shards is not None
        study.hear(message(serial=2, finished=True, n_task_done=done, n_failed=failed, total=1000), 30.0)
        assert study.shards.counts[4] == (0 if failed else 10)
        assert study.steps[0].ended == 30.0
        assert study.rate_now(31.0) == 0.0


def test_workers_that_leave_take_nothing_away() -> None:
    study = watched_study()
    assert study.counts()["tokens"] == 2 * 40 * 20
    study.sample(21.0, {"tcp://2": worker("b", tokens=900, surprisal=0.0, predicted=0)})
    study.sample(22.0, {"tcp://2": worker("b", tokens=50)})  # began anew
    assert study.counts()["tokens"] == 1600 + 100 + 50
    assert list(study.workers) == ["tcp://2"]
    assert study.mean_surprisal == 7.0


def test_the_rate_is_counted_by_the_workers_or_told_by_the_driver() -> None:
    study = watched_study()
    assert study.rate_now(20.0) == pytest.approx(80.0)
    study.hear(message(2, 2, name="words", unit="concepts", n_task=0, total=8), 20.0)
    study.hear(message(2, 3, name="words", unit="concepts", n_task=0, total=8, done=4), 22.0)
    assert study.rate_now(22.0) == 2.0
    assert study.rates_of == "extract"


def test_all_that_is_kept_is_bounded() -> None:
    study = Watched(0.0)
    for number in range(3 * MAX_STEPS):
        study.hear(message(number, number + 1, finished=True), float(number))
        study.fail("extract-1", "a", "x" * 10_000, "failed")
    for _ in range(MAX_FAILURES):
        study.fail("extract-1", "a", "short", "failed")
    assert len(study.steps) == MAX_STEPS
    assert len(study.failures) == MAX_FAILURES
    assert len(Watched(0.0).failures) == 0
    study.fail("extract-1", "a", "x" * 10_000, "failed")
    assert len(study.failures[-1].error) == MAX_TEXT


def test_retries_add_up_over_steps() -> None:
    study = watched_study()
    assert study.shards is not None
    study.shards.sent(3, "a")
    study.shards.again(3)
    study.hear(message(2, 2), 30.0)
    assert study.shards is not None
    study.shards.sent(1, "a")
    study.shards.again(1)
    assert study.n_retry == 2


def test_an_empty_study_and_a_full_one_are_json() -> None:
    empty = json.loads(json.dumps(snapshot(Watched(0.0), 1.0), allow_nan=False))
    assert (empty["step"], empty["shards"], empty["bits_per_token"], empty["workers"]) == (None, None, None, [])
    study = watched_study()
    study.fail("extract-1-abc", "a", "ValueError: <b>no</b>", "tried again", at=5.0)
    full = json.loads(json.dumps(snapshot(study, 21.0), allow_nan=False))
    assert full["study"] == "tiny"
    assert full["shards"] == {
        "step": "extract", "n_shard": 10, "runs": [["waiting", 10]],
        "counts": {"waiting": 10, "running": 0, "retried": 0, "done before": 0, "done": 0, "failed": 0},
    }  # fmt: skip
    assert full["bits_per_token"] == 7.0
    assert full["bytes_written"] == 40_000
    assert [one["name"] for one in full["workers"]] == ["a", "b"]
    assert full["latest_failures"][0]["error"] == "ValueError: <b>no</b>"
    assert math.isclose(full["tokens_per_second"], 80.0)
