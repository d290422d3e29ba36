"""The study's figures for Prometheus."""

import sys
from collections.abc import Iterator

import prometheus_client
import pytest
from watched_studies import watched_study

from lstm_analysis.dashboard.prometheus import COLLECTOR, expose, withdraw
from lstm_analysis.dashboard.watched import Watched


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    if COLLECTOR.watched is not None:
        withdraw(COLLECTOR.watched)


def lines() -> list[str]:
    text = prometheus_client.generate_latest().decode()
    return [line for line in text.splitlines() if line.startswith("lstm_")]


def test_figures_are_those_of_the_study() -> None:
    study = watched_study()
    assert study.shards is not None
    study.shards.sent(1, "a")
    expose(study)
    found = lines()
    for line in (
        'lstm_tokens_total{worker="a"} 800.0', 'lstm_tokens_total{worker="b"} 800.0',
        "lstm_bytes_written_total 40000.0",
        "lstm_failures_total 0.0", "lstm_tokens_per_second 80.0", 'lstm_shards{state="running",step="extract"} 1.0',
        'lstm_shards{state="waiting",step="extract"} 9.0',
    ):  # fmt: skip
        assert line in found


def test_a_study_takes_the_place_of_another_and_none_leaves_nothing() -> None:
    first, second = watched_study(), Watched(0.0)
    expose(first)
    expose(first)
    expose(second)
    assert len([line for line in lines() if line.startswith("lstm_bytes_written_total")]) == 1
    withdraw(first)  # its time is over already
    assert "lstm_bytes_written_total 0.0" in lines()
    withdraw(second)
    withdraw(second)
    assert lines() == []
    expose(first)
    assert lines()


def test_without_prometheus_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    study = watched_study()
    expose(study)
    withdraw(study)
    assert COLLECTOR.watched is None
