"""What the driver tells the scheduler about its steps: not too often, nothing out of order, and never in the way."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lstm_analysis.dashboard import announcing, watch
from lstm_analysis.dashboard.announcing import Announcer
from lstm_analysis.dashboard.watched import STEP_FIELDS, Watched
from lstm_analysis.progress import Progress, Step


class Client:
    """A client whose loop runs what it is given when it is told to."""

    def __init__(self, fails: bool = False) -> None:
        self.told: list[dict[str, Any]] = []
        self.waiting: list[tuple[Any, ...]] = []
        self._fails = fails
        self.loop = SimpleNamespace(add_callback=lambda *call: self.waiting.append(call))
        self.scheduler = SimpleNamespace(lstm_step=self._step)

    async def _step(self, message: dict[str, Any]) -> None:
        if self._fails:
            raise OSError("gone")
        await asyncio.sleep(0)  # the network
        self.told.append(message)

    async def turn(self) -> None:
        """Run what waits, side by side."""
        calls, self.waiting = self.waiting, []
        await asyncio.gather(*(function(*arguments) for function, *arguments in calls))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        pass

    monkeypatch.setattr(announcing, "sleep", sleep)


def test_a_step_is_told_when_it_begins_and_ends_and_the_newest_in_between() -> None:
    client, watched = Client(), Watched(0.0)
    with Progress(Step("extract", "tokens", 900, 300, n_task=9, done_before={0, 1, 2}), [Announcer(client)]) as bar:
        asyncio.run(client.turn())
        for _ in range(5):
            bar.update(100)
        bar.fail()
        asyncio.run(client.turn())
    asyncio.run(client.turn())
    assert [(one["done"], one["n_failed"], one["finished"]) for one in client.told] == [
        (300, 0, False), (400, 0, False), (800, 1, False), (800, 1, True)
    ]  # fmt: skip
    assert [one["done_before"] for one in client.told] == [[(0, 3)], [], [], []]
    assert set(client.told[0]) == {*STEP_FIELDS, "done_before"}
    for i, message in enumerate(client.told):
        watched.hear(message, float(i))
    assert watched.step is not None
    assert watched.step.n_task_done == 8


def test_all_steps_of_a_study_are_told_apart_though_they_look_alike() -> None:
    client = Client()
    announcer = Announcer(client)
    for _ in range(2):
        with Progress(Step("scout", "groups", 1), [announcer]), Progress(Step("merge", "blocks", 1), [announcer]):
            pass
    asyncio.run(client.turn())
    numbers = [(one["number"], one["name"]) for one in client.told]
    assert sorted(set(numbers)) == [(1, "scout"), (2, "merge"), (3, "scout"), (4, "merge")]
    assert [one["message"] for one in client.told] == sorted(one["message"] for one in client.told)
    assert announcer._open == []


def test_a_message_that_waited_in_vain_does_not_lose_what_was_done_before() -> None:
    client = Client()
    step = Step("extract", "tokens", 9, n_task=9, done_before={4})
    announcer = Announcer(client)
    announcer(step)
    step.done = 3
    announcer(step)
    first, second = (call[1] for call in client.waiting)
    announcer._waiting[1] = first
    announcer._sending = True  # another is under way
    asyncio.run(announcer._put(second, urgent=False))
    assert announcer._waiting[1]["done_before"] == [(4, 5)]
    assert announcer._waiting[1]["done"] == 3


def test_a_scheduler_that_does_not_answer_disturbs_nobody() -> None:
    client = Client(fails=True)
    with Progress(Step("extract", "tokens", 9), [Announcer(client)]) as bar:
        bar.update(9)
        asyncio.run(client.turn())
    client.loop.add_callback = lambda *call: (_ for _ in ()).throw(RuntimeError("the loop is closed"))
    with Progress(Step("extract", "tokens", 9), [Announcer(client)]):
        pass
    assert client.told == []


def test_without_a_client_nobody_is_told() -> None:
    with watch(None) as listeners:
        assert listeners == ()


def test_a_scheduler_that_refuses_is_told_in_one_line_and_the_study_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(plugin: object, name: str) -> None:
        raise ModuleNotFoundError("No module named\n'lstm_analysis'")

    client = SimpleNamespace(id="c", register_plugin=refuse, status="closed", dashboard_link="http://h:1/status")
    with caplog.at_level("INFO", "lstm_analysis"), watch(client) as listeners:
        assert listeners == ()
    assert [record.getMessage() for record in caplog.records] == [
        "dashboard: http://h:1/status",
        "the page /lstm is not on it: ModuleNotFoundError: No module named 'lstm_analysis'",
    ]
