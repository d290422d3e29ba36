"""A scheduler that cannot show the page says why, and nothing else happens."""

import sys
from types import SimpleNamespace

import pytest

from lstm_analysis.dashboard.prometheus import COLLECTOR
from lstm_analysis.dashboard.scheduler_pages import ATTRIBUTE, Unsupported, open_pages
from lstm_analysis.dashboard.watched import Watched


def scheduler(*applications: object) -> SimpleNamespace:
    return SimpleNamespace(http_application=SimpleNamespace(applications=list(applications)))


def test_a_dashboard_that_is_switched_off_has_no_page() -> None:
    with pytest.raises(Unsupported, match="the scheduler's dashboard is switched off, or bokeh is not installed"):
        open_pages(scheduler(), Watched(0.0))
    assert COLLECTOR.watched is None


def test_a_dask_that_does_it_in_another_way_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed.dashboard.core", None)
    other = scheduler(SimpleNamespace(app_paths=[], prefix=""))
    with pytest.raises(Unsupported, match=r"distributed 2\d+\.\S+ with bokeh \S+ does not take a page .*distributed"):
        open_pages(other, Watched(0.0))
    assert not hasattr(other, ATTRIBUTE)
    assert COLLECTOR.watched is None
