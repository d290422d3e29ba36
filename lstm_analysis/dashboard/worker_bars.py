"""A bar for each worker: how fast it is, and how much memory it takes of what it may."""

from bokeh.layouts import row
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.models.layouts import Row

from .figures_as_text import bytes_as_text, short
from .look import ACCENT, BAD, FAINT, WARN, canvas, note
from .watched import Watched, WorkerNow

MAX_DRAWN = 60
MAX_NAMED = 16
EMPTY = "Waiting for the first worker."
HIGH, CRITICAL = 0.7, 0.9
"""Shares of its memory at which Dask begins to spill, and nearly ends, a worker."""


class WorkerBars:
    """Bars of the workers, the slowest first.

    Attributes
    ----------
    root
        What is shown.
    source
        The bars: ``y, name, rate, share`` (of its memory), ``colour, memory, tokens`` (in words).
    """

    def __init__(self) -> None:
        self.source = ColumnDataSource(_columns([], {}))
        common = {"height": 260, "y_range": Range1d(1, 0)}
        self._speed = canvas(**common, title="Workers", x_axis_label="tokens / s", y_axis_label="worker")
        self._memory = canvas(
            height=260, y_range=self._speed.y_range, title="Memory", x_axis_label="% of its limit", x_range=(0, 100)
        )
        self._speed.hbar(y="y", right="rate", height=0.7, color=ACCENT, source=self.source)
        self._memory.hbar(y="y", right=100, height=0.7, color=FAINT, source=self.source)
        self._memory.hbar(y="y", right="share", height=0.7, color="colour", source=self.source)
        self._speed.x_range.start = 0
        self._speed.xaxis.formatter = NumeralTickFormatter(format="0.[0] a")
        self._speed.xaxis.ticker.desired_num_ticks = self._memory.xaxis.ticker.desired_num_ticks = 4
        self._memory.yaxis.visible = False
        for plot in (self._speed, self._memory):
            plot.ygrid.grid_line_color = None
            tooltips = [("worker", "@name"), ("tokens / s", "@tokens"), ("memory", "@memory")]
            plot.add_tools(HoverTool(tooltips=tooltips))
        self._empty = note(self._speed, EMPTY)
        self.root: Row = row(self._speed, self._memory, sizing_mode="stretch_width")

    def update(self, watched: Watched, now: float) -> None:
        """Show how it is now."""
        rates = watched.rates.now()
        workers = sorted(watched.workers.values(), key=lambda worker: rates.get(worker.name, 0.0))
        shown = workers[:MAX_DRAWN]
        if len(shown) == len(workers):
            shown = sorted(shown, key=_natural)
        self.source.data = _columns(shown, rates)
        self._empty.visible = not shown
        self._speed.xaxis.major_label_text_alpha = 1.0 if any(rates.values()) else 0.0
        left_out = f": slowest {len(shown)} of {len(workers):,}" if len(shown) < len(workers) else ""
        self._speed.title.text = f"Workers{left_out}"
        self._speed.y_range.start = max(3, len(shown))
        self._speed.x_range.end = 1.1 * max([rates.get(worker.name, 0.0) for worker in shown], default=0.0) or 1.0
        named = shown if len(shown) <= MAX_NAMED else []
        self._speed.yaxis.ticker = FixedTicker(ticks=[i + 0.5 for i in range(len(named))])
        self._speed.yaxis.major_label_overrides = {i + 0.5: worker.name for i, worker in enumerate(named)}


def _columns(workers: list[WorkerNow], rates: dict[str, float]) -> dict[str, list[object]]:
    shares = [100 * worker.memory / worker.limit if worker.limit else 0.0 for worker in workers]
    return {
        "y": [i + 0.5 for i in range(len(workers))],
        "name": [worker.name for worker in workers],
        "rate": [rates.get(worker.name, 0.0) for worker in workers],
        "share": [min(100.0, share) for share in shares],
        "colour": [BAD if share >= 100 * CRITICAL else WARN if share >= 100 * HIGH else ACCENT for share in shares],
        "memory": [_memory(worker) for worker in workers],
        "tokens": [short(rates.get(worker.name, 0.0)) for worker in workers],
    }


def _memory(worker: WorkerNow) -> str:
    return bytes_as_text(worker.memory) + (f" of {bytes_as_text(worker.limit)}" if worker.limit else ", no limit")


def _natural(worker: WorkerNow) -> tuple[int, str]:
    return len(worker.name), worker.name
