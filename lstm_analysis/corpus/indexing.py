"""The rows of ``corpus.zarr`` from its parts: whole chunks by one writer each."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr

from .. import schema
from ..store import write_rows
from .columns import TIME, Columns, column_dtype, columns_along, dim_start
from .merging import Merger, Placed, dims_of, read_placed
from .piece_columns import Unit

MODULUS = 1 << 256
ROWS_AT_ONCE = 1 << 18
"""Rows that a worker holds as columns, unless a chunk has more."""


class Chunks(NamedTuple):
    """Chunks of one dim that a worker writes.

    Parameters
    ----------
    dim
        The dim.
    start, stop
        Rows; ``start`` is a multiple of the chunk, ``stop`` as well or the end.
    parts
        All that have rows among them.
    """

    dim: str
    start: int
    stop: int
    parts: tuple[Placed, ...]


class Written(NamedTuple):
    """What a worker found while it wrote chunks: the sum of their digests, and tokens that the model does not know."""

    digest: int
    n_unknown: int


def plan_chunks(placed: Sequence[Placed], dim: str, rows: int, n_row: int) -> list[Chunks]:
    """Return the chunks of a dim, those that begin in one part together."""
    found = []
    last = 0
    for number, part in enumerate(placed):
        first, end = part.range(dim)
        start, stop = -(-first // rows) * rows, min(-(-end // rows) * rows, n_row)
        if start < stop:
            last = max(last, number)
            while placed[last].range(dim)[1] < stop:
                last += 1
            found.append(Chunks(dim, start, stop, tuple(placed[number : last + 1])))
    return found


def create_columns(folder: Path, merger: Merger, rows: int) -> None:
    """Create the columns of a corpus store, without rows."""
    group = zarr.open_group(folder, mode="w", zarr_format=3)
    sizes = {TIME: merger.place.time, "piece": merger.place.piece, "corpus_word": merger.place.word}
    for dim in dims_of(merger.of_pieces, merger.unit):
        for name in column_names(merger, dim):
            group.create_array(
                name,
                shape=(sizes[dim],),
                chunks=(rows,),
                dtype=column_dtype(name),
                fill_value=0,
                dimension_names=[dim],
                attributes=_attributes(name, merger.numbers),
            )


def column_names(merger: Merger, dim: str) -> list[str]:
    """Return the names of the columns along a dim."""
    if dim == "piece":
        return ["piece_id"]
    words = ["type_id", "document", "sentence", "sentence_position", "sentence_length"]
    words += [*(f"{name}_id" for name in merger.tables.annotations), *merger.numbers]
    if dim == "corpus_word":
        return [f"word_{name}" for name in words if name != "document"]
    pieces = ["piece_first", "piece_last"] if merger.unit == "word" else ["word"]
    return [*words, "token_id", *(pieces if merger.of_pieces else [])]


def _attributes(name: str, numbers: Sequence[str]) -> dict[str, Any]:
    if name in schema.VARIABLES:
        return dict(schema.VARIABLES[name].attrs)
    if name.removeprefix("word_") in numbers:
        return {"units": "1", "long_name": f"number that the corpus gives; {schema.MISSING} for none"}
    return {"units": "1", "long_name": f"index in `{_table(name)}`"}


def _table(name: str) -> str:
    """Return the table of names that an annotation's column counts in."""
    return name.removeprefix("word_").removesuffix("_id")


def write_chunks(folder: Path, parts: Path, chunks: Chunks, rows: int, unit: Unit, unknown: int | None) -> Written:
    """Write chunks of the store in ``folder`` from the parts in another, and read them back.

    Parameters
    ----------
    folder, parts
        Of the store and of the parts.
    chunks
        What to write.
    rows
        Rows of a chunk.
    unit
        What a place on ``time`` is.
    unknown
        Row of the vocabulary that stands for what it lacks.
    """
    digest, n_unknown, at, waiting = 0, 0, chunks.start, _Rows()
    many = max(ROWS_AT_ONCE // rows, 1) * rows
    for placed in chunks.parts:
        source = _PartRows(parts, placed, chunks.dim, unit)
        stop = min(chunks.stop, source.stop)
        for start in range(max(at, source.start), stop, many):
            waiting.add(source.rows(start, min(start + many, stop)))
            n = waiting.n if at + waiting.n == chunks.stop else waiting.n // rows * rows
            if n:
                block = waiting.take(n)
                write_rows(folder, [(at, at + n)], rows, block)
                digest += _digests(block, at, rows)
                n_unknown += _count(block, unknown)
                at += n
    return Written(digest % MODULUS, n_unknown)


class _Rows:
    """Rows that wait until they fill a chunk."""

    def __init__(self) -> None:
        self._columns: Columns = {}

    @property
    def n(self) -> int:
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def add(self, columns: Columns) -> None:
        old = self._columns
        self._columns = {name: np.concatenate([old[name], new]) if old else new for name, new in columns.items()}

    def take(self, n: int) -> Columns:
        taken = {name: column[:n] for name, column in self._columns.items()}
        self._columns = {name: column[n:] for name, column in self._columns.items()}
        return taken


class _PartRows:
    """The rows of a part on one dim, a few at a time."""

    def __init__(self, folder: Path, placed: Placed, dim: str, unit: Unit) -> None:
        self._coded, self._by_word = read_placed(folder, placed)
        self._at, self._dim, self._unit = placed.at, dim, unit
        self.start, self.stop = placed.range(dim)
        self._starts = dim_start(self._coded, dim, unit)

    def rows(self, start: int, stop: int) -> Columns:
        """Return rows of all columns, counted in the corpus."""
        start, stop = start - self.start, stop - self.start
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        at = self._at.after(self._coded, first, self._unit)
        found = columns_along(self._dim, self._coded.sentences(first, last), at, self._unit)
        if self._dim == TIME:
            words = slice(*self._coded.word_start[[first, last]].tolist())
            found |= {name: column[words] for name, column in self._by_word.items()}
        cut = slice(start - int(self._starts[first]), stop - int(self._starts[first]))
        return {name: column[cut] for name, column in found.items()}


def _digests(block: Columns, at: int, rows: int) -> int:
    """Return the sum of the digests of a few chunks, which begin at the row ``at``."""
    found = 0
    for name, column in block.items():
        for start in range(0, len(column), rows):
            sha = hashlib.sha256(f"{name}:{at + start}:".encode())
            sha.update(np.ascontiguousarray(column[start : start + rows]).view(np.uint8).data)
            found += int.from_bytes(sha.digest(), "big")
    return found


def _count(block: Columns, unknown: int | None) -> int:
    """Return how many tokens or pieces that the model reads are unknown to it."""
    read = None if "piece_first" in block else block.get("piece_id", block.get("token_id"))
    return 0 if unknown is None or read is None else int(np.count_nonzero(read == unknown))
