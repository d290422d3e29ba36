"""The values of an annotation column as concepts, for example parts of speech."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, UserError, nearest, one_of
from .source import BASELINE, LEFT_OUT, TARGET, read_rows

MOST_VALUES = 1000
NONE = ("", "_")
"""How files write that a token has no value."""
WITHOUT_VALUE = {"left_out": LEFT_OUT, "baseline": BASELINE}


@dataclass(frozen=True)
class Annotation:
    """The values of an annotation column, or named groups of them.

    Parameters
    ----------
    column
        Name of the annotation.
    tags
        Name of each concept and its values, ``prefix*`` for all that begin so; ``None``: each value is one.
    continued
        Prefixes of values that are taken off.
    without_value
        What a token without a value is: a key of `WITHOUT_VALUE`.
    default_name
        The name a study gives the source if it gives none.
    """

    column: str
    tags: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    continued: tuple[str, ...] = ()
    without_value: str = "left_out"
    default_name: str = "annotation"
    of_words: ClassVar[bool] = True

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
        values = self._values(corpus)
        table = np.full((len(values), len(groups)), BASELINE, dtype=np.int8)
        for concept, (_, group) in enumerate(groups):
            table[[value in group for value in values], concept] = TARGET
        table[[value == "" for value in values]] = WITHOUT_VALUE[self.without_value]
        label: NDArray[np.int8] = table[read_rows(corpus, f"{self.column}_id", start, stop)]
        return label

    def _values(self, corpus: xr.Dataset) -> list[str]:
        """Return what each code of the column says, ``""`` where that is nothing."""
        return [_without_prefix(value, self.continued) for value in _values(corpus, self.column)]

    def _groups(self, corpus: xr.Dataset) -> list[tuple[str, frozenset[str]]]:
        values = sorted(set(self._values(corpus)) - {""})
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


def annotation(
    column: str,
    tags: Mapping[str, str | Sequence[str]] | None = None,
    continued: str | Sequence[str] = (),
    without_value: str = "left_out",
) -> Annotation:
    """Label tokens by an annotation column of the corpus.

    Parameters
    ----------
    column
        Name of the annotation, for example ``lexname``.
    tags
        Name of each concept and its values (case matters; ``prefix*`` for all that begin so). By default each
        value of the column is a concept.
    continued
        Prefix, or prefixes, that mark how a value of several words goes on, such as ``I-`` in ``I-noun.act``: it is
        taken off, so that all words have the value.
    without_value
        What tokens without a value are, that is ``_`` or nothing, as end symbols have: ``left_out``, neither target nor
        baseline, fits a column that tags every word, such as parts of speech; ``baseline`` fits one that names only
        what is of interest, such as semantic classes, where all other words are what to compare with.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If ``column`` is not a text, ``tags`` not such a mapping, or another value is not one of these.

    >>> annotation("api", {"io": ["java.io*", "java.nio*"], "security": "java.security*"}).tags
    (('io', ('java.io*', 'java.nio*')), ('security', ('java.security*',)))
    """
    if not isinstance(column, str) or not column:
        raise UsageError(f"column must be the name of an annotation of the corpus, found {column!r}.")
    if not isinstance(without_value, str) or without_value not in WITHOUT_VALUE:
        raise UsageError(f"without_value is {without_value!r}; {one_of(str(without_value), WITHOUT_VALUE)}")
    prefixes = (continued,) if isinstance(continued, str) else continued
    if not isinstance(prefixes, Sequence) or not all(isinstance(prefix, str) and prefix for prefix in prefixes):
        raise UsageError(f"continued must be a prefix of values, such as I-, or a list of them, found {continued!r}.")
    if tags is not None and (not isinstance(tags, Mapping) or not tags):
        raise UsageError(f"tags must map names to lists of values, such as {{noun: [NN*]}}, found {tags!r}.")
    named = None if tags is None else tuple((name, _listed(name, values)) for name, values in tags.items())
    return Annotation(column, named, tuple(prefixes), without_value)


def part_of_speech(
    column: str = "pos",
    tags: Mapping[str, str | Sequence[str]] | None = None,
    continued: str | Sequence[str] = (),
    without_value: str = "left_out",
) -> Annotation:
    """Label tokens by their parts of speech: an `annotation` whose column is ``pos`` by default.

    >>> part_of_speech(tags={"noun": "NN*", "verb": ["VB", "VBD"]}).tags
    (('noun', ('NN*',)), ('verb', ('VB', 'VBD')))
    """
    return replace(annotation(column, tags, continued, without_value), default_name="part_of_speech")


def _listed(name: object, values: object) -> tuple[str, ...]:
    listed = [values] if isinstance(values, str) else values
    if not (isinstance(name, str) and name and isinstance(listed, Sequence) and listed):
        raise UsageError(f"tags maps {name!r} to {values!r}; each name needs a list of at least one value.")
    for value in listed:
        if not isinstance(value, str) or not value:
            raise UsageError(f"tags has for {name!r} the value {value!r}, which is not a text. Put it in quotes.")
    return tuple(listed)


def _without_prefix(value: str, prefixes: Sequence[str]) -> str:
    """Return a value without the first prefix that it begins with, ``""`` if it is none."""
    prefix = next((prefix for prefix in prefixes if value.startswith(prefix) and value != prefix), "")
    value = value.removeprefix(prefix)
    return "" if value in NONE else value


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
