"""The latest things that went wrong, in words."""

import time
from collections.abc import Sequence
from html import escape

from bokeh.models import ColumnDataSource

from .look import text_block
from .watched import Watched

N_SHOWN = 15
COLUMNS = ("time", "what", "worker", "outcome", "error")
EMPTY = "Nothing has failed. A task that fails, a shard that is tried again and a worker that is lost are listed here."
HEAD = (
    "<tr><th style='width: 80px'>time</th><th style='width: 190px'>task</th><th style='width: 150px'>worker</th>"
    "<th style='width: 150px'>outcome</th><th>error</th></tr>"
)


class Failures:
    """A table of the latest failures, the newest first.

    Attributes
    ----------
    root
        What is shown.
    source
        Its rows as they are, to be escaped: ``time, what, worker, outcome, error``.
    """

    def __init__(self) -> None:
        self.source = ColumnDataSource({name: [] for name in COLUMNS})
        self.root = text_block()

    def update(self, watched: Watched, now: float) -> None:
        """Show how it is now."""
        newest = list(watched.failures)[: -N_SHOWN - 1 : -1]
        rows = [
            (time.strftime("%H:%M:%S", time.localtime(one.time)), one.what, one.worker, one.outcome, one.error)
            for one in newest
        ]
        self.source.data = {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}
        self.root.text = f"<h2>Failures and retries</h2>{_table(rows, len(watched.failures))}"


def _table(rows: Sequence[tuple[str, ...]], n: int) -> str:
    if not rows:
        return f"<div class='quiet'>{EMPTY}</div>"
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    more = f"<div class='quiet'>the newest {len(rows)} of {n}; all are in lstm.json</div>" if n > len(rows) else ""
    return f"<table>{HEAD}{body}</table>{more}"
