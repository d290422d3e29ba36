"""The tables of a corpus: what its codes stand for, where its documents begin, which tokens it marks."""

from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError
from .coded import Coded, Integers
from .coding import Codes
from .piece_columns import Unit

MARKS = ("mark_time", "mark_concept", "mark_value")


@dataclass
class Tables:
    """Tables that grow with the sentences of a corpus: bytes a type, a document and a mark, and none a token.

    Parameters
    ----------
    types
        Surface forms and their codes.
    documents, document_starts
        Names of the documents, and the first token of each.
    annotations
        Values of each annotation column and their codes.
    marked_concepts, marks
        Concepts of marked spans and their codes; the columns `mark_time`, `mark_concept` and `mark_value` in parts.
    """

    types: Codes = field(default_factory=Codes)
    documents: list[str] = field(default_factory=list)
    document_starts: "array[int]" = field(default_factory=lambda: array("q"))
    annotations: dict[str, Codes] = field(default_factory=dict)
    marked_concepts: Codes = field(default_factory=Codes)
    marks: list[tuple[NDArray[np.int64], Integers, Integers]] = field(default_factory=list)

    @property
    def n_mark(self) -> int:
        """Number of marked tokens."""
        return sum(len(time) for time, _, _ in self.marks)

    def add(self, coded: Coded, unit: Unit, n_token: int, n_known: int) -> None:
        """Note where documents begin and what is marked.

        Parameters
        ----------
        coded
            Sentences in the codes of these tables, except that their documents are counted from any number.
        unit
            What a place on ``time`` is.
        n_token
            Tokens before them.
        n_known
            Documents that begin before them, counted as theirs are.
        """
        begins = np.flatnonzero(np.diff(coded.document, prepend=n_known - 1))
        self.document_starts.extend((n_token + coded.start(unit)[begins]).tolist())
        if len(coded.mark_word):
            time, concept, value = coded.marked_rows(unit)
            self.marks.append((time + n_token, concept, value))

    def dataset(self, token_names: Sequence[str] | None) -> xr.Dataset:
        """Return the tables, one dim each; ``token_names`` are those of the model's rows where tokens are pieces."""
        tables: dict[str, Iterable[str]] = {"type": self.types, "document_name": self.documents}
        tables |= self.annotations
        tables |= {} if token_names is None else {"token_name": token_names}
        coords = {name: (name, np.array(list(values), dtype=object)) for name, values in tables.items()}
        starts = np.array(self.document_starts, dtype=schema.VARIABLES["document_start"].dtype)
        variables: dict[str, tuple[str, NDArray[np.generic]]] = {"document_start": ("document_name", starts)}
        if self.marks:
            coords["marked_concept"] = ("marked_concept", np.array(list(self.marked_concepts), dtype=object))
            for name, parts in zip(MARKS, zip(*self.marks, strict=True), strict=True):
                variables[name] = ("mark", np.concatenate(parts).astype(schema.VARIABLES[name].dtype))
        return schema.attach_attrs(xr.Dataset(variables, coords))


def refuse_taken(names: Collection[str], numbers: Collection[str], of_pieces: bool) -> None:
    """Refuse columns of annotations, whose tables and codes are stored, and of numbers whose names are taken.

    Raises
    ------
    UserError
        Naming the first.
    """
    taken = {*schema.VARIABLES, *schema.DIMS, *(dim for v in schema.VARIABLES.values() for dim in v.dims)}
    coded = {*names, *(f"{name}_id" for name in names)}
    for name in numbers:
        if name in (taken - schema.NUMBERS.keys()) | coded:
            raise UserError(f"The column of numbers {name!r} cannot be stored: the name is taken. Rename the column.")
    taken |= set(numbers)
    for name in names:
        if name in taken or f"{name}_id" in taken | set(names) or (of_pieces and f"word_{name}" in names):
            raise UserError(
                f"The annotation column {name!r} cannot be stored: the corpus dataset would need the names {name!r} "
                f"and '{name}_id', and one of them is taken. Rename the column, for example to '{name}_tag'."
            )
