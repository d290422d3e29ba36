"""Tokens a second over time: the cluster as a line, each worker as a thin one."""

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, LinearAxis, NumeralTickFormatter, Range1d
from bokeh.models.tickers import AdaptiveTicker

from .look import ACCENT, axis, canvas, note
from .watched import Watched

MAX_DRAWN = 64
SAME_AXIS = 2
"""Up to so many workers share the axis of all; the lines of more have their own, on the right."""
TITLE = "Tokens a second"
EMPTY = "Waiting for workers to count tokens: they do while a step reads, labels or sums up the corpus."
CLOCK = """
const s = Math.round(tick), pad = (n) => String(n).padStart(2, "0")
const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60
return h ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`
"""


class Throughput:
    """Tokens a second since the step began.

    Attributes
    ----------
    root
        What is shown.
    source
        The overall line: ``seconds, rate``.
    lines
        One line a worker: ``seconds, rate`` (lists), ``worker``.
    """

    def __init__(self) -> None:
        self.source = ColumnDataSource({"seconds": [], "rate": []})
        self.lines = ColumnDataSource({"seconds": [], "rate": [], "worker": []})
        self.root = plot = canvas(
            height=260, title=TITLE, x_axis_label="time since the step began (h:min:s)", y_axis_label="tokens / s",
            x_range=Range1d(0, 60), y_range=Range1d(0, 1),
        )  # fmt: skip
        plot.extra_y_ranges = {"worker": Range1d(0, 1)}
        self._right = axis(LinearAxis(y_range_name="worker", axis_label="tokens / s of a worker"))
        plot.add_layout(self._right, "right")
        plot.multi_line(
            "seconds",
            "rate",
            source=self.lines,
            color="#5d6673",
            alpha=0.7,
            width=1.2,
            y_range_name="worker",
            legend_label="each worker",
        )
        plot.line("seconds", "rate", source=self.source, color=ACCENT, width=3, legend_label="all workers")
        plot.xaxis.formatter = CustomJSTickFormatter(code=CLOCK)
        plot.xaxis.ticker = AdaptiveTicker(mantissas=[1, 2, 5, 10, 15, 30], base=60, desired_num_ticks=7)
        for side in plot.yaxis:
            side.formatter = NumeralTickFormatter(format="0,0")
        plot.legend.location, plot.legend.orientation = "top_left", "horizontal"
        plot.legend.label_text_font_size, plot.legend.background_fill_alpha = "13px", 0.7
        plot.legend.border_line_color = None
        self._empty = note(plot, EMPTY)

    def update(self, watched: Watched, now: float) -> None:
        """Show how it is now."""
        rates = watched.rates
        times, overall = np.array(rates.times), np.array(rates.overall, np.float64)
        self.source.data = {"seconds": times, "rate": overall}
        names = list(rates.lines)[-MAX_DRAWN:]
        lines = [np.array(rates.lines[name], np.float64) for name in names]
        self.lines.data = {"seconds": [times] * len(names), "rate": lines, "worker": names}
        some = bool(len(overall) and overall.max() > 0)
        self._empty.visible, self.root.legend.visible = not some, some
        self.root.yaxis.visible = some
        self._right.visible = some and len(rates.lines) > SAME_AXIS
        self.root.x_range.end = max(60.0, float(times[-1]) if len(times) else 0.0)
        self.root.y_range.end = 1.2 * float(overall.max()) if some else 1.0
        crowd = len(rates.lines) / SAME_AXIS
        self.root.extra_y_ranges["worker"].end = self.root.y_range.end / max(1.0, crowd)
        drawn = f", {len(names)} of {len(rates.lines):,} workers drawn" if len(rates.lines) > len(names) else ""
        self.root.title.text = f"{TITLE}{f' · {watched.rates_of}' if watched.rates_of else ''}{drawn}"
