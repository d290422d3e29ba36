"""A table of labelled spans: read from CSV, checked for contradictions, cut to a block."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UsageError, UserError, nearest
from .intervals import Positions
from .lexicon import read_text

NEEDED = ("start", "stop", "concept")
COLUMNS = (*NEEDED, "value")
VALUES = {"": 1, "1": 1, "0": 0}


@dataclass(frozen=True, eq=False)
class SpanTable:
    """Labelled spans, in any order.

    Parameters
    ----------
    start, stop
        Half-open positions on ``time``.
    concept
        Index of the span's concept in ``concepts``.
    value
        1 target, 0 baseline.
    line
        Line of the file that the span comes from; 0 if it comes from none.
    concepts
        Names, ascending.
    origin
        Where the spans come from, for errors.
    """

    start: Positions
    stop: Positions
    concept: NDArray[np.int64]
    value: NDArray[np.int8]
    line: NDArray[np.int64]
    concepts: tuple[str, ...]
    origin: str

    @classmethod
    def build(
        cls,
        start: ArrayLike,
        stop: ArrayLike,
        concept: ArrayLike,
        value: ArrayLike,
        concepts: list[str],
        origin: str,
        line: ArrayLike = 0,
    ) -> "SpanTable":
        """Return the table of the spans, the concepts in the order of their names.

        Raises
        ------
        UserError
            If a token is both target and baseline of a concept.
        """
        rank = {name: i for i, name in enumerate(sorted(concepts))}
        starts = np.asarray(start, dtype=np.int64)
        table = cls(
            start=starts,
            stop=np.asarray(stop, dtype=np.int64),
            concept=np.array([rank[name] for name in concepts], dtype=np.int64)[np.asarray(concept)],
            value=np.asarray(value, dtype=np.int8),
            line=np.broadcast_to(np.asarray(line, dtype=np.int64), starts.shape),
            concepts=tuple(rank),
            origin=origin,
        )
        table._refuse_contradiction()
        return table

    def clipped(self, start: int, stop: int) -> tuple[Positions, Positions]:
        """Return start and stop of every span, cut to ``[start, stop)``; spans elsewhere become empty."""
        return np.clip(self.start, start, stop), np.clip(self.stop, start, stop)

    def frequent(self, min_tokens: int) -> "SpanTable":
        """Return the concepts with at least so many tokens as target and, if they have a baseline, as baseline.

        Raises
        ------
        UserError
            If there are none.
        """
        if min_tokens == 1:
            return self
        n_token = np.zeros((2, len(self.concepts)), dtype=np.int64)
        np.add.at(n_token, (self.value, self.concept), self.stop - self.start)
        kept = (n_token[1] >= min_tokens) & ((n_token[0] == 0) | (n_token[0] >= min_tokens))
        if not kept.any():
            raise UserError(
                f"{self.origin} marks no concept with at least {min_tokens} tokens as target and, where it has any, as "
                f"baseline; the most frequent target has {n_token[1].max()}. Lower min_tokens of the spans."
            )
        here = kept[self.concept]
        concepts = tuple(name for name, keep in zip(self.concepts, kept, strict=True) if keep)
        start, stop, concept, value, line = (
            column[here] for column in (self.start, self.stop, self.concept, self.value, self.line)
        )
        return SpanTable(start, stop, np.cumsum(kept)[concept] - 1, value, line, concepts, self.origin)

    def pooled(self) -> "SpanTable":
        """Return the spans as those of one unnamed concept; one may be target where another is baseline."""
        return replace(self, concept=np.zeros_like(self.concept), concepts=("",))

    def require_inside(self, n_token: int) -> None:
        """Refuse spans that end after the corpus.

        Raises
        ------
        UserError
            Naming the first such span.
        """
        outside = np.flatnonzero(self.stop > n_token)
        if outside.size:
            i = outside[0]
            raise UserError(
                f"{self.origin}, line {self.line[i]}: the span {self.start[i]}:{self.stop[i]} of "
                f"{self.concepts[self.concept[i]]!r} ends outside the corpus, which has {n_token} tokens. Positions "
                "count tokens from 0, the end symbols of the sentences included."
            )

    def _refuse_contradiction(self) -> None:
        # A key that puts the concepts one after the other makes one sweep of them all.
        width = int(self.stop.max(initial=0)) + 1
        begin, end = self.concept * width + self.start, self.concept * width + self.stop
        target, baseline = (np.flatnonzero(self.value == value) for value in (1, 0))
        target = target[np.argsort(begin[target], kind="stable")]
        if target.size == 0 or baseline.size == 0:
            return
        before = np.searchsorted(begin[target], end[baseline]) - 1
        reached = np.where(before >= 0, np.maximum.accumulate(end[target])[before], 0)
        clash = np.flatnonzero(reached > begin[baseline])
        if clash.size:
            no = baseline[clash[0]]
            yes = target[np.flatnonzero((begin[target] < end[no]) & (end[target] > begin[no]))[0]]
            raise UserError(
                f"{self.origin} marks token {max(self.start[yes], self.start[no])} as target and as baseline of "
                f"{self.concepts[self.concept[no]]!r}{self._lines(yes, no)}. Keep one of the two spans."
            )

    def _lines(self, *spans: np.intp) -> str:
        lines = sorted(int(self.line[i]) for i in spans)
        return f" (lines {lines[0]} and {lines[1]})" if lines[0] else ""


def read_spans(file: Path) -> SpanTable:
    """Return the spans of a CSV file with the header ``start,stop,concept[,value]``.

    Raises
    ------
    UsageError
        If the file is missing, a column is missing or unknown, or a line is not a span, naming file and line.
    UserError
        If spans contradict each other.
    """
    reader = csv.reader(io.StringIO(read_text(file), newline=""))
    header = [name.strip() for name in next(reader, [])]
    _require_header(file, header)
    rows, lines = [], []
    for row in reader:
        if any(cell.strip() for cell in row):
            rows.append(_span(row, header, f"{file}, line {reader.line_num}"))
            lines.append(reader.line_num)
    if not rows:
        raise UsageError(f"{file} has no span below its header; write one span a line, such as '17,20,red tape'.")
    start, stop, concept, value = zip(*rows, strict=True)
    concepts = list(dict.fromkeys(concept))
    index = {name: i for i, name in enumerate(concepts)}
    return SpanTable.build(start, stop, [index[name] for name in concept], value, concepts, str(file), lines)


def _require_header(file: Path, header: list[str]) -> None:
    for name in header:
        if name not in COLUMNS or header.count(name) > 1:
            what = "a repeated" if name in COLUMNS else "an unknown"
            raise UsageError(
                f"{file}, line 1: {what} column {name!r}; {nearest(name, COLUMNS)} The header is "
                "'start,stop,concept' or 'start,stop,concept,value'."
            )
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise UsageError(
            f"{file}, line 1: the column {missing[0]!r} is missing; found {', '.join(header) or 'nothing'}. The "
            "header is 'start,stop,concept' or 'start,stop,concept,value'."
        )


def _span(row: list[str], header: list[str], where: str) -> tuple[int, int, str, int]:
    if len(row) != len(header):
        raise UsageError(
            f"{where}: expected {len(header)} cells ({', '.join(header)}), found {len(row)}. Put a concept with a "
            "comma in quotes."
        )
    cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
    start, stop = (_position(cells[name], name, where) for name in ("start", "stop"))
    if start >= stop:
        raise UsageError(
            f"{where}: the span {start}:{stop} is empty; stop is the token after the last, so start < stop."
        )
    if not cells["concept"]:
        raise UsageError(f"{where}: the concept is empty; give each span the name of a concept.")
    if cells.get("value", "") not in VALUES:
        raise UsageError(f"{where}: the value must be 1 (target) or 0 (baseline), found {cells['value']!r}.")
    return start, stop, cells["concept"], VALUES[cells.get("value", "")]


def _position(cell: str, name: str, where: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise UsageError(f"{where}: {name} must be a whole number from 0 on, found {cell!r}.")
    return int(cell)
