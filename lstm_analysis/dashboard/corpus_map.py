"""The map of the corpus: every shard a cell, in the order in which the text is read."""

import math
from html import escape

import numpy as np
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool
from bokeh.transform import linear_cmap
from numpy.typing import NDArray

from .figures_as_text import duration
from .look import BOX, HATCHES, STATE_COLOURS, canvas, note, text_block
from .shard_map import DONE, DONE_BEFORE, FAILED, RETRIED, RUNNING, STATES, WAITING, ShardMap
from .watched import Watched

MAX_CELLS = 10_000
MAX_MARKS = 500
ROW_CELLS = 50
"""A map of fewer cells is one row."""
ASPECT = 7.0
MAX_CELL_HEIGHT, MAX_HEIGHT = 30, 190
N_SHADE = 8
"""Shades of a cell of many shards between none and all of them done."""
EMPTY = "Waiting for a step that goes through the corpus shard by shard."


def _shades() -> list[str]:
    ends = [[int(STATE_COLOURS[name][i : i + 2], 16) for i in (1, 3, 5)] for name in ("waiting", "done")]
    shares = [0.15 + 0.6 * k / (N_SHADE - 1) for k in range(N_SHADE)]
    mixes = [[a + (b - a) * part for a, b in zip(*ends, strict=True)] for part in shares]
    return ["#" + "".join(f"{round(part):02x}" for part in mix) for mix in mixes]


PALETTE = [*(STATE_COLOURS[name] for name in STATES), *_shades()]
"""By the code of a cell: those of `STATES`, then the shades."""


def cell_codes(states: bytes | bytearray, per_cell: int) -> NDArray[np.uint8]:
    """Return the code of each cell, by which it is coloured.

    A cell of many shards shows what needs attention, else a shade for the share of its shards that is done.

    Parameters
    ----------
    states
        State of each shard.
    per_cell
        Shards of a cell; the last one may have fewer.
    """
    codes = np.frombuffer(bytes(states), np.uint8)
    if per_cell == 1:
        return codes
    n_cell = -(-len(codes) // per_cell)
    padded = np.full(n_cell * per_cell, 255, np.uint8)
    padded[: len(codes)] = codes
    cells = padded.reshape(n_cell, per_cell)
    done = ((cells == DONE) | (cells == DONE_BEFORE)).sum(axis=1) / (cells != 255).sum(axis=1)
    shade = len(STATES) + np.minimum(N_SHADE - 1, (done * N_SHADE).astype(np.uint8))
    found = np.where(done == 0, WAITING, np.where(done == 1, DONE, shade)).astype(np.uint8)
    before = ((cells == DONE_BEFORE) | (cells == 255)).all(axis=1)
    found[before] = DONE_BEFORE
    for code in (RUNNING, RETRIED, FAILED):
        found[(cells == code).any(axis=1)] = code
    return found


class CorpusMap:
    """The map, with what a shard is and where it was when one points at it.

    Attributes
    ----------
    root
        What is shown.
    source
        The cells: ``x, y`` (column and row), ``code`` (see `PALETTE`), ``shard, what, worker, seconds``.
    marks
        The cells that are hatched: ``x, y, hatch``. A pattern for each of many cells would keep a browser busy.
    """

    def __init__(self) -> None:
        self.source = ColumnDataSource(_columns(None, 1, 1))
        self.marks = ColumnDataSource({"x": [], "y": [], "hatch": []})
        self._shards: ShardMap | None = None
        self._shown = np.empty(0, np.uint8)
        self._per_cell = 1
        self._legend = text_block()
        self._plot = plot = canvas(
            height=110, x_axis_label="shards in reading order: left to right, row by row", x_range=(0, ROW_CELLS),
            y_range=(1, 0),
        )  # fmt: skip
        plot.grid.grid_line_color = None
        colour = linear_cmap("code", PALETTE, low=-0.5, high=len(PALETTE) - 0.5)
        cells = plot.rect("x", "y", width=0.94, height=0.9, source=self.source, fill_color=colour, line_color=None)
        plot.rect(
            "x", "y", width=0.94, height=0.9, source=self.marks, fill_color=None, line_color=None,
            hatch_pattern="hatch", hatch_color="#ffffff", hatch_scale=11, hatch_weight=1.2,
        )  # fmt: skip
        tooltips = [("shard", "@shard"), ("state", "@what"), ("worker", "@worker"), ("time", "@seconds")]
        plot.add_tools(HoverTool(tooltips=tooltips, renderers=[cells]))
        plot.xaxis.ticker = FixedTicker(ticks=[])
        self._empty = note(plot, EMPTY)
        self.root = column(self._legend, plot, sizing_mode="stretch_width", styles=BOX)

    def update(self, watched: Watched, now: float) -> None:
        """Show how it is now; of the cells only those that have changed are sent."""
        shards = watched.shards
        self._legend.text = legend(watched)
        if shards is None:
            return
        if shards is not self._shards:
            self._begin(shards)
        codes = cell_codes(shards.state, self._per_cell)
        changed = np.flatnonzero(codes != self._shown)
        if self._per_cell > 1:  # their counts change without their colour
            changed = np.union1d(changed, np.flatnonzero((codes == RUNNING) | (codes >= len(STATES))))
        self._shown = codes.copy()
        if len(changed):
            self._patch(shards, codes, [int(cell) for cell in changed])

    def _begin(self, shards: ShardMap) -> None:
        n_cell = min(len(shards), MAX_CELLS)
        self._per_cell = max(1, math.ceil(len(shards) / max(n_cell, 1)))
        n_cell = math.ceil(len(shards) / self._per_cell)
        n_column = n_cell if n_cell <= ROW_CELLS else max(ROW_CELLS, math.ceil(math.sqrt(ASPECT * n_cell)))
        n_row = max(1, math.ceil(n_cell / max(1, n_column)))
        self.source.data = _columns(shards, self._per_cell, max(1, n_column))
        self._shards, self._shown = shards, np.full(n_cell, WAITING, np.uint8)
        self.marks.data = {"x": [], "y": [], "hatch": []}
        self._empty.visible = False
        plot = self._plot
        plot.x_range.end, plot.y_range.start = max(1, n_column), n_row
        height = min(MAX_CELL_HEIGHT, max(4, MAX_HEIGHT // n_row))
        plot.height = round(height * n_row) + 50
        plot.yaxis.visible = n_row > 1
        plot.yaxis.axis_label = "first of row" if height * n_row > 100 else None
        rows = range(0, n_row, max(1, math.ceil(n_row / 5)))
        plot.yaxis.ticker = FixedTicker(ticks=[row + 0.5 for row in rows])
        plot.yaxis.major_label_overrides = {row + 0.5: f"{row * n_column * self._per_cell:,}" for row in rows}

    def _patch(self, shards: ShardMap, codes: NDArray[np.uint8], changed: list[int]) -> None:
        cells = [(cell, *_cell(shards, cell, self._per_cell)) for cell in changed]
        self.source.patch(
            {
                "code": [(cell, int(codes[cell])) for cell in changed],
                "what": [(cell, what) for cell, what, _, _ in cells],
                "worker": [(cell, worker) for cell, _, worker, _ in cells],
                "seconds": [(cell, seconds) for cell, _, _, seconds in cells],
            }
        )
        marked = np.flatnonzero((codes == RETRIED) | (codes == FAILED))[:MAX_MARKS]
        self.marks.data = {
            "x": self.source.data["x"][marked],
            "y": self.source.data["y"][marked],
            "hatch": [HATCHES[STATES[codes[cell]]] for cell in marked],
        }


def legend(watched: Watched) -> str:
    """Return the map's title and how many shards are in each state."""
    shards = watched.shards
    if shards is None:
        return "<h2>Map of the corpus</h2>"
    cell = math.ceil(len(shards) / MAX_CELLS)
    many = f", {cell:,} in a cell" if cell > 1 else ""
    keys = "".join(
        f"<span class='key'><i style='background: {_swatch(name)}'></i>{name} <b>{n:,}</b></span>"
        for name, n in zip(STATES, shards.counts, strict=True)
    )
    title = f"Map of the corpus · {escape(shards.name)}"
    return f"<h2>{title} <span class='quiet' style='font-weight: 400'>{len(shards):,} shards{many}</span></h2>{keys}"


def _swatch(name: str) -> str:
    colour = STATE_COLOURS[name]
    if name not in HATCHES:
        return colour
    return f"repeating-linear-gradient(45deg, {colour} 0 3px, #fff 3px 4px)"


def _columns(shards: ShardMap | None, per_cell: int, n_column: int) -> dict[str, object]:
    n_shard = 0 if shards is None else len(shards)
    n_cell = -(-n_shard // per_cell)
    cell = np.arange(n_cell)
    firsts = range(0, n_shard, per_cell)
    return {
        "x": cell % n_column + 0.5,
        "y": cell // n_column + 0.5,
        "code": np.zeros(n_cell, np.int32),
        "shard": [_shards_of(first, per_cell, n_shard) for first in firsts],
        "what": ["waiting"] * n_cell,
        "worker": ["–"] * n_cell,
        "seconds": ["–"] * n_cell,
    }


def _shards_of(first: int, per_cell: int, n_shard: int) -> str:
    last = min(first + per_cell, n_shard) - 1
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def _cell(shards: ShardMap, cell: int, per_cell: int) -> tuple[str, str, str]:
    """Return state, worker and time of a cell in words."""
    if per_cell > 1:
        part = shards.state[cell * per_cell : (cell + 1) * per_cell]
        counts = [(name, part.count(code)) for code, name in enumerate(STATES)]
        return ", ".join(f"{n} {name}" for name, n in counts if n), "–", "–"
    tries = shards.n_retry.get(cell, 0)
    state = STATES[shards.state[cell]] + (f", try {tries + 1}" if tries else "")
    seconds = shards.seconds[cell]
    return state, shards.worker(cell) or "–", f"{seconds:.1f} s" if 0 < seconds < 60 else duration(seconds or None)
