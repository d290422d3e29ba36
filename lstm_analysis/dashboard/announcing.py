"""The driver's side: the page is put on the scheduler's dashboard, and the steps of the study are told to it."""

import logging
from asyncio import sleep
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..progress import Listener, Step
from .counting import NAME

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

SECONDS_BETWEEN = 0.5
PATIENCE_SECONDS = 10
Message = dict[str, Any]


@contextmanager
def watch(client: "Client | None", study: str = "") -> Iterator[tuple[Listener, ...]]:
    """Show a study on the dashboard of a client's scheduler, at ``/lstm``, while it runs; print the address.

    Where that does not work, as on a scheduler that has no `lstm_analysis`, a line in the log says why, and the study
    runs without it. What workers and scheduler were given is taken back in the end.

    Parameters
    ----------
    client
        A Dask client; ``None`` shows nothing.
    study
        What the page is titled.

    Yields
    ------
    Who has to be told about the steps of the study.
    """
    if client is None:
        yield ()
        return
    refusal = _install(client, study)
    link = client.dashboard_link
    if refusal is not None:
        log.info("dashboard: %s", link)
        log.info("the page /lstm is not on it: %s", refusal)
        yield ()
        return
    log.info("dashboard: %s", page_link(link))
    announcer = Announcer(client)
    try:
        yield (announcer,)
    finally:
        _remove(client, announcer)


def page_link(link: str) -> str:
    """Return the address of our page from that of Dask's first page.

    >>> page_link("http://127.0.0.1:8787/status")
    'http://127.0.0.1:8787/lstm'
    """
    return f"{link.removesuffix('/status')}/lstm"


def _install(client: "Client", study: str) -> str | None:
    """Put the page on the scheduler and the counts on the workers; return why not, ``None`` if that worked."""
    try:
        from .plugin import SchedulerWatch, WorkerCounts

        client.register_plugin(SchedulerWatch(client.id, study), name=NAME)
        client.register_plugin(WorkerCounts(), name=NAME)
    except Exception as error:  # whatever it is, the study must run
        log.debug("no page", exc_info=True)
        _remove(client)
        return " ".join(f"{type(error).__name__}: {error}".split())
    return None


def _remove(client: "Client", announcer: "Announcer | None" = None) -> None:
    """Tell what is left to tell and take back what workers and scheduler were given, if they still answer."""
    if client.status != "running":
        return
    try:
        if announcer is not None:
            client.sync(announcer.flush, callback_timeout=PATIENCE_SECONDS)
        client.sync(client.scheduler.lstm_close, callback_timeout=PATIENCE_SECONDS)
    except Exception:  # it was never there, or goes away with the scheduler
        log.debug("the dashboard's page was not taken back", exc_info=True)


class Announcer:
    """Tells the scheduler how far the steps of a study are, about twice a second, and never makes the study wait.

    Parameters
    ----------
    client
        Of the scheduler.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._open: list[tuple[Step, int]] = []
        self._n_step = 0
        self._n_message = 0
        self._waiting: dict[int, Message] = {}
        """Messages by number of the step; of each step only the newest."""
        self._sending = False

    def __call__(self, step: Step) -> None:
        """Tell how far a step is."""
        number = next((number for known, number in self._open if known is step), None)
        first = number is None
        if number is None:
            number = self._n_step = self._n_step + 1
            self._open.append((step, number))
        if step.finished:
            self._open = [pair for pair in self._open if pair[0] is not step]
        self._n_message += 1
        message = describe(step) | {"number": number, "message": self._n_message}
        message["done_before"] = ranges(step.done_before) if first else []
        try:
            self._client.loop.add_callback(self._put, message, first or step.finished)
        except Exception:  # its loop is closed: the scheduler is lost
            log.debug("the dashboard was not told about %s", step.name, exc_info=True)

    async def _put(self, message: Message, urgent: bool) -> None:
        """Send a message if it is urgent, else when it is its turn; runs in the client's loop."""
        before = self._waiting.pop(message["number"], None)
        if before is not None and before["done_before"]:
            message = message | {"done_before": before["done_before"]}
        self._waiting[message["number"]] = message
        if urgent:
            await self.flush()
        elif not self._sending:
            self._sending = True
            try:
                while self._waiting:
                    await self.flush()
                    await sleep(SECONDS_BETWEEN)
            finally:
                self._sending = False

    async def flush(self) -> None:
        """Send what waits."""
        while self._waiting:
            message = self._waiting.pop(next(iter(self._waiting)))
            try:
                await self._client.scheduler.lstm_step(message=message)
            except Exception:  # the study goes on without
                log.debug("the dashboard was not told about %s", message["name"], exc_info=True)


def describe(step: Step) -> Message:
    """Return what is told of a step each time."""
    return {
        "name": step.name,
        "unit": step.unit,
        "total": step.total,
        "done": step.done,
        "began_with": step.began_with,
        "n_task": step.n_task,
        "n_task_done": step.n_task_done,
        "n_failed": step.n_failed,
        "finished": step.finished,
    }


def ranges(indices: Collection[int]) -> list[tuple[int, int]]:
    """Return some indices as half-open ranges.

    >>> ranges({4, 0, 1, 2, 9, 8})
    [(0, 3), (4, 5), (8, 10)]
    """
    found: list[tuple[int, int]] = []
    for index in sorted(indices):
        if found and found[-1][1] == index:
            found[-1] = found[-1][0], index + 1
        else:
            found.append((index, index + 1))
    return found
