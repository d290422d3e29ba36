"""The parts of a corpus put together: one table of types, and where each part's rows belong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from safetensors import safe_open

from ..errors import UserError
from ..vocabulary import Vocabulary
from .coded import Coded
from .coding import Codes, other_columns
from .columns import TIME, Place, beside
from .part_file import ANNOTATION, CodedPart, codes_path, part_path, read_coded, read_part_file, save_arrays
from .piece_columns import Unit
from .tables import Tables, refuse_taken

TYPE, ROW = "type", "row"


class Placed(NamedTuple):
    """Where the rows of a part belong.

    Parameters
    ----------
    part
        Its number.
    at
        What comes before it; documents are counted so that the part's own numbers, added, are those of the corpus.
    stop
        What comes before the next part, documents left aside.
    n_sentence
        Sentences that belong to the corpus; those after the limit do not.
    goes_on
        Whether a blank stands before its first word.
    """

    part: int
    at: Place
    stop: Place
    n_sentence: int
    goes_on: bool

    def range(self, dim: str) -> tuple[int, int]:
        """Return the first row on a dim and the one after the last."""
        name = {TIME: "time", "piece": "piece", "corpus_word": "word"}[dim]
        return getattr(self.at, name), getattr(self.stop, name)


@dataclass
class Merger:
    """Puts parts together in the order of the corpus, holding its tables and no token.

    Parameters
    ----------
    folder
        Where the parts are.
    vocabulary
        Of the model.
    of_pieces, unit
        Whether the model reads pieces of words, and what a place on ``time`` is.
    limit_tokens
        The corpus ends before the first sentence that would go past this many tokens.
    """

    folder: Path
    vocabulary: Vocabulary
    of_pieces: bool
    unit: Unit
    limit_tokens: int | None
    tables: Tables = field(default_factory=Tables)
    place: Place = field(default_factory=Place)
    placed: list[Placed] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    numbers: tuple[str, ...] = ()
    limited: bool = False
    _row: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    _goes_on: bool = False

    def add(self, index: int) -> None:
        """Add the next part.

        Raises
        ------
        UserError
            If it could not be read to its end, or has other annotation columns than the corpus.
        """
        part = read_part_file(part_path(self.folder, index))
        self.remarks += part.remarks
        if len(part.coded.n_word):
            self._add(index, part)
        if part.error is not None and not self.limited:
            raise UserError(part.error)

    def _add(self, index: int, part: CodedPart) -> None:
        self._check_columns(part)
        continues = bool(self.tables.documents) and self.tables.documents[-1] == part.documents[0]
        goes_on = self._goes_on and continues and part.head is not None
        coded = part.coded.with_head(part.head) if goes_on and part.head is not None else part.coded
        n = self._n_kept(coded)
        self.limited = n < len(coded.n_word)
        if n:
            at = self.place._replace(document=len(self.tables.documents) - continues)
            self.place = self.place.after(coded, n, self.unit)
            self.placed.append(Placed(index, at, self.place, n, goes_on))
            self._merge(index, part, coded.sentences(0, n), at, continues)
            self._goes_on = part.goes_on

    def size(self, dim: str) -> int:
        """Return the rows on a dim."""
        return self.placed[-1].range(dim)[1]

    def dataset(self) -> xr.Dataset:
        """Return the tables as they are stored."""
        return self.tables.dataset(self.vocabulary.tokens if self.of_pieces and self.unit == "token" else None)

    def counts(self) -> dict[str, Any]:
        """Return how much there is of what."""
        found = {
            "n_token": self.place.time,
            "n_sentence": self.place.sentence,
            "n_document": len(self.tables.documents),
            "n_type": len(self.tables.types),
            "n_mark": self.tables.n_mark,
            "limited": self.limited,
        }
        return found | ({"n_piece": self.place.piece, "n_word": self.place.word} if self.of_pieces else {})

    def _check_columns(self, part: CodedPart) -> None:
        if not self.placed:
            refuse_taken(part.annotations, part.coded.numbers, self.of_pieces)
            self.tables.annotations = {name: Codes() for name in part.annotations}
            self.numbers = tuple(part.coded.numbers)
        wanted = (*self.tables.annotations, *self.numbers)
        if {*part.annotations, *part.coded.numbers} != {*wanted}:
            raise other_columns(part.documents[0], (*part.annotations, *part.coded.numbers), wanted)

    def _n_kept(self, coded: Coded) -> int:
        if self.limit_tokens is None:
            return len(coded.n_word)
        room = self.limit_tokens - self.place.time
        return int(np.searchsorted(coded.start(self.unit), room, side="right")) - 1

    def _merge(self, index: int, part: CodedPart, coded: Coded, at: Place, continues: bool) -> None:
        """Merge the tables of a part as far as its sentences that are kept have met them, and write its codes."""
        tables = self.tables
        n_known = len(tables.documents)
        tables.documents += part.documents[int(continues) : int(coded.document[-1]) + 1]
        types = tables.types.of(part.types[: _n_met(coded.type_id)])
        codes = {TYPE: types}
        for name, known in tables.annotations.items():
            codes[ANNOTATION + name] = known.of(part.annotations[name][: _n_met(coded.annotations[name])])
        if not self.of_pieces:
            codes[ROW] = self._rows_of(types, part.types)
        concepts = tables.marked_concepts.of(part.marked_concepts[: _n_met(coded.mark_concept)])
        document = coded.document + np.int32(at.document)
        found = replace(coded, mark_concept=concepts[coded.mark_concept], document=document)
        tables.add(found, self.unit, at.time, n_known)
        save_arrays(codes_path(self.folder, index), codes, {"names": json.dumps(list(tables.annotations))})

    def _rows_of(self, types: NDArray[np.int32], names: Sequence[str]) -> NDArray[np.int32]:
        """Return the vocabulary's rows of types and their names; each type of the corpus is looked up once."""
        new = np.flatnonzero(types >= len(self._row)).tolist()  # in the order of their codes, as they were met
        if new:
            self._row = np.concatenate([self._row, self.vocabulary.encode([names[i] for i in new])])
        return self._row[types]


def _n_met(codes: NDArray[np.int32]) -> int:
    """Return how many entries of a table some codes have met: they are numbered as they are met."""
    return int(codes.max()) + 1 if len(codes) else 0


def dims_of(of_pieces: bool, unit: Unit) -> list[str]:
    """Return the dims of the columns of a corpus."""
    other = beside(of_pieces, unit)
    return [TIME] if other is None else [TIME, other]


def read_placed(folder: Path, placed: Placed) -> tuple[Coded, dict[str, NDArray[Any]]]:
    """Return the sentences of a part in the codes of the corpus, and the model's row of each word, if it has one."""
    coded, head = read_coded(part_path(folder, placed.part))
    if placed.goes_on:
        assert head is not None
        coded = coded.with_head(head)
    coded = coded.sentences(0, placed.n_sentence)
    with safe_open(codes_path(folder, placed.part), "numpy") as file:
        names: Sequence[str] = json.loads(file.metadata()["names"])
        types = file.get_tensor(TYPE)
        annotations = {name: file.get_tensor(ANNOTATION + name)[coded.annotations[name]] for name in names}
        rows = {} if coded.pieces is not None else {"token_id": file.get_tensor(ROW)[coded.type_id]}
    return replace(coded, type_id=types[coded.type_id], annotations=annotations), rows
