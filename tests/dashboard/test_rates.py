"""Rates over time from counts, in a bounded number of points."""

import math

import pytest

from lstm_analysis.dashboard.rates import MAX_LINES, N_POINT, Rates


def test_a_steady_worker_has_its_rate_at_every_point() -> None:
    rates = Rates(100.0)
    for second in range(31):
        rates.sample(100.0 + second, {"a": 50 * second, "b": 10 * second})
    assert list(rates.times) == list(range(1, 31))
    assert list(rates.overall) == pytest.approx([60.0] * 30)
    assert list(rates.lines["a"]) == pytest.approx([50.0] * 30)
    assert rates.now() == pytest.approx({"a": 50.0, "b": 10.0})


def test_counts_that_come_in_lumps_are_levelled_over_the_window() -> None:
    rates = Rates(0.0)
    for second in range(41):
        rates.sample(second, {"a": 1000 * (second // 5)}, window=10.0)
    assert list(rates.overall)[15:] == pytest.approx([200.0] * 25)


def test_a_worker_that_comes_late_leaves_or_begins_anew() -> None:
    rates = Rates(0.0)
    totals = [{"a": 0}, {"a": 10}, {"a": 20, "b": 5}, {"b": 10}, {"a": 3, "b": 15}, {"a": 1, "b": 20}]
    for second, total in enumerate(totals):
        rates.sample(float(second), total, window=1.0)
    a, b = list(rates.lines["a"]), list(rates.lines["b"])
    assert a[:2] == [10.0, 10.0]
    assert math.isnan(a[2])
    assert a[3:] == [3.0, 1.0]  # it came back and began anew: nothing is negative
    assert math.isnan(b[0])
    assert b[1:] == [5.0] * 4


def test_points_are_bounded_and_still_cover_the_whole_run() -> None:
    rates = Rates(0.0)
    n = 20 * N_POINT
    for second in range(n):
        rates.sample(float(second), {"a": 7 * second})
    assert N_POINT // 2 <= len(rates.times) < N_POINT
    assert len(rates.overall) == len(rates.lines["a"]) == len(rates.times)
    assert rates.times[-1] > n - 2 * rates.interval
    assert rates.times[0] <= rates.interval
    assert list(rates.overall) == pytest.approx([7.0] * len(rates.times))


def test_lines_are_bounded_and_those_of_workers_that_have_left_go_first() -> None:
    rates = Rates(0.0)
    rates.sample(0.0, {})
    for second in range(1, 6):
        rates.sample(float(second), {f"{second}-{i}": 1 for i in range(MAX_LINES // 2)})
    assert len(rates.lines) == MAX_LINES
    assert sum(name.startswith("5-") for name in rates.lines) == MAX_LINES // 2
    rates.sample(7.0, {f"x{i}": 1 for i in range(2 * MAX_LINES)})
    assert len(rates.lines) == MAX_LINES
    assert all(name.startswith("x") for name in rates.lines)


def test_nothing_is_known_before_the_second_report() -> None:
    rates = Rates(0.0)
    assert rates.now() == {}
    rates.sample(0.0, {"a": 5})
    assert rates.now() == {}
    assert not len(rates.times)
