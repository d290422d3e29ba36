"""The page of a study on the scheduler's dashboard, put together."""

import time
from typing import TYPE_CHECKING, Any, Protocol

from bokeh.document import Document
from bokeh.layouts import column, row

from .corpus_map import CorpusMap
from .failures import Failures
from .headline import Headline
from .look import BOX
from .throughput import Throughput
from .watched import Watched
from .worker_bars import WorkerBars

if TYPE_CHECKING:
    from .scheduler_pages import Pages

UPDATE_MILLISECONDS = 1000


class Component(Protocol):
    """A part of the page: what is shown, its data, and how it comes up to date."""

    root: Any
    source: Any

    def update(self, watched: Watched, now: float) -> None:
        """Show how it is now."""


def fill(doc: Document, pages: "Pages") -> None:
    """Fill a document that a browser has asked for, and keep it up to date while somebody looks at it."""
    headline, shards, speed, workers, failures = Headline(), CorpusMap(), Throughput(), WorkerBars(), Failures()
    components: list[Component] = [headline, shards, speed, workers, failures]

    def update() -> None:
        for component in components:
            component.update(pages.watched, time.monotonic())

    update()
    middle = row(
        column(speed.root, sizing_mode="stretch_width", styles=BOX),
        column(workers.root, sizing_mode="stretch_width", styles=BOX),
        sizing_mode="stretch_width", spacing=10,
    )  # fmt: skip
    below = column(failures.root, sizing_mode="stretch_width", styles=BOX)
    doc.add_root(
        column(headline.root, shards.root, middle, below, sizing_mode="stretch_width", spacing=10)
    )  # fmt: skip
    doc.add_periodic_callback(update, UPDATE_MILLISECONDS)
    doc.title = f"Study: {pages.watched.study or 'lstm-analysis'}"
