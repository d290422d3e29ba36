"""The values of an annotation column as concepts, for example parts of speech."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, UserError, nearest
from .source import BASELINE, LEFT_OUT, TARGET, read_rows

MOST_VALUES = 1000


@dataclass(frozen=True)
class PartOfSpeech:
    """The values of an annotation column, or named groups of them; tokens without a value are left out.

    Parameters
    ----------
    column
        Name of the annotation.
    tags
        Name of each concept and its values, ``prefix*`` for all that begin so; ``None``: each value is one.
    """

    column: str = "pos"
    tags: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    of_words: ClassVar[bool] = True
    default_name: ClassVar[str] = "part_of_speech"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the concepts.

        Raises
        ------
        UserError
            If the corpus has no such column, the column no value, or a tag is not among its values.
        """
        return [name for name, _ in self._groups(corpus)]

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept)."""
        groups = self._groups(corpus)
        values = _values(corpus, self.column)
        table = np.full((len(values), len(groups)), BASELINE, dtype=np.int8)
        for concept, (_, group) in enumerate(groups):
            table[[value in group for value in values], concept] = TARGET
        table[[value == "" for value in values]] = LEFT_OUT
        label: NDArray[np.int8] = table[read_rows(corpus, f"{self.column}_id", start, stop)]
        return label

    def _groups(self, corpus: xr.Dataset) -> list[tuple[str, frozenset[str]]]:
        values = sorted(set(_values(corpus, self.column)) - {""})
        if not values:
            raise UserError(f"The annotation {self.column!r} of the corpus is empty: no token has a value.")
        if self.tags is not None:
            return [(name, _group(tags, values)) for name, tags in self.tags]
        if len(values) > MOST_VALUES:
            raise UserError(
                f"The annotation {self.column!r} has {len(values)} values, and each would be a concept; more "
                f"than {MOST_VALUES} are hardly meant. Name those to measure, such as tags: {{noun: [NN*]}}."
            )
        return [(value, frozenset([value])) for value in values]


def part_of_speech(column: str = "pos", tags: Mapping[str, str | Sequence[str]] | None = None) -> PartOfSpeech:
    """Label tokens by an annotation column of the corpus.

    Parameters
    ----------
    column
        Name of the annotation, for example ``pos``.
    tags
        Name of each concept and its values (case matters; ``prefix*`` for all that begin so). By default each
        value of the column is a concept.

    Returns
    -------
    The label source. Tokens without a value, such as end symbols, are left out.

    Raises
    ------
    UsageError
        If ``column`` is not a text or ``tags`` not such a mapping.

    >>> part_of_speech(tags={"noun": "NN*", "verb": ["VB", "VBD"]}).tags
    (('noun', ('NN*',)), ('verb', ('VB', 'VBD')))
    """
    if not isinstance(column, str) or not column:
        raise UsageError(f"column must be the name of an annotation of the corpus, found {column!r}.")
    if tags is None:
        return PartOfSpeech(column)
    if not isinstance(tags, Mapping) or not tags:
        raise UsageError(f"tags must map names to lists of values, such as {{noun: [NN*]}}, found {tags!r}.")
    return PartOfSpeech(column, tuple((name, _listed(name, values)) for name, values in tags.items()))


def _listed(name: object, values: object) -> tuple[str, ...]:
    listed = [values] if isinstance(values, str) else values
    if not (isinstance(name, str) and name and isinstance(listed, Sequence) and listed):
        raise UsageError(f"tags maps {name!r} to {values!r}; each name needs a list of at least one value.")
    for value in listed:
        if not isinstance(value, str) or not value:
            raise UsageError(f"tags has for {name!r} the value {value!r}, which is not a text. Put it in quotes.")
    return tuple(listed)


def _values(corpus: xr.Dataset, column: str) -> list[str]:
    known = sorted(str(name) for name in corpus.coords if name != "type" and f"{name}_id" in corpus)
    if column not in known:
        if not known:
            raise UserError(
                f"The corpus has no annotation {column!r}, nor any other. Read it from files that have some, such "
                "as CoNLL-U or TSV."
            )
        raise UserError(f"The corpus has no annotation {column!r}, only {', '.join(known)}; {nearest(column, known)}")
    return list(corpus[column].to_numpy().tolist())


def _group(tags: Sequence[str], values: Sequence[str]) -> frozenset[str]:
    """Return the values of the corpus that the tags name; none if they never occur."""
    prefixes = tuple(tag[:-1] for tag in tags if tag.endswith("*") and len(tag) > 1)
    return frozenset(value for value in values if value in tags or value.startswith(prefixes))
