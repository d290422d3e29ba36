"""Tasks that fail: what the user must mend is not tried again, all else is."""

import logging
from collections import Counter, deque
from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster

from lstm_analysis.cluster import work
from lstm_analysis.cluster.window import RETRIES
from lstm_analysis.errors import UsageError, UserError

TRIES: Counter[str] = Counter()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as found,
    ):
        yield found


def fail(index: int, kind: str) -> int:
    TRIES[kind] += 1
    if kind == "good":
        return index
    raise {"user": UserError("no CUDA here", exit_code=7), "usage": UsageError("wrong"), "other": OSError("gone")}[kind]


@pytest.mark.parametrize(("kind", "tries"), [("good", 1), ("user", 1), ("usage", 1), ("other", 1 + RETRIES)])
def test_only_what_may_pass_is_tried_again(
    client: Client, kind: str, tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    TRIES.clear()
    with caplog.at_level(logging.WARNING, "distributed"):
        (task, outcome), = work(client, "fail", fail, deque([(3, kind)]))  # fmt: skip
    assert task == (3, kind)
    assert TRIES[kind] == tries
    (_, here), = work(None, "fail", fail, deque([(3, kind)]))  # fmt: skip
    assert type(outcome) is type(here)
    assert str(outcome) == str(here)
    assert getattr(outcome, "exit_code", 0) == getattr(here, "exit_code", 0)
    assert bool(caplog.records) == (kind == "other")
