"""The structure of program code as concepts: what a token is inside of, what it is, and its place in the line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UsageError, UserError, nearest
from .line_place import LINE_COLUMNS, line_ends, line_starts
from .source import BASELINE, LEFT_OUT, TARGET, read_rows

Rule = Callable[[xr.Dataset, int, int], NDArray[np.int8]]
"""Gives the labels of a concept for the tokens of an interval, dims (time)."""


@dataclass(frozen=True)
class Structure:
    """Concepts of the structure of program code.

    Parameters
    ----------
    concepts
        Names of the concepts; ``None`` for all that the corpus has.
    depth
        Depth from which on a token is a target of the concepts of depth; ``None`` for no such concepts.
    """

    concepts: tuple[str, ...] | None = None
    depth: int | None = None
    of_words: ClassVar[bool] = True
    default_name: ClassVar[str] = "structure"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the concepts.

        Raises
        ------
        UserError
            If the corpus has no column of structure, or not one of the concepts.
        """
        return list(self._rules(corpus))

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept)."""
        label = np.stack([rule(corpus, start, stop) for rule in self._rules(corpus).values()], axis=1)
        for name in schema.NUMBERS:
            if name in corpus:
                label[read_rows(corpus, name, start, stop) == schema.MISSING] = LEFT_OUT
                break
        return label

    def _rules(self, corpus: xr.Dataset) -> dict[str, Rule]:
        known = {**_text_rules(corpus), **_line_rules(corpus), **_depth_rules(corpus, self.depth)}
        if not known:
            raise UserError(
                "The label source structure needs a corpus with columns of the structure of code, and this one has "
                "none. Read Java (corpus.format: java), with structure: true for the columns of its syntax tree."
            )
        for name in self.concepts or ():
            if name not in known:
                raise UserError(
                    f"The structure of the corpus has no concept {name!r}; {nearest(name, known)} What a syntax tree "
                    "says, such as loop, is there if the corpus is read with structure: true and has some."
                )
        return known if self.concepts is None else {name: known[name] for name in self.concepts}


def structure(concepts: str | Sequence[str] | None = None, depth: int | None = None) -> Structure:
    """Label tokens by the structure of program code.

    The columns of the corpus decide which concepts there are, each if it occurs: of ``inside`` its regions, such as
    ``loop`` and ``comment``; of ``statement`` ``statement if`` and the like, for the innermost statement; of ``method``
    ``method start`` and ``method end``, the braces of its body; of ``role`` ``declaration``, whose baseline are the
    names that are used, all else is left out; of the places in the line ``line start`` and ``line end``, the first and
    the last token that begins in a line. Baseline are all other tokens but end symbols, which are left out.

    Parameters
    ----------
    concepts
        Names of the concepts to measure, by default all.
    depth
        Adds a concept for each column of depth, such as ``brace depth at least 3`` for ``depth: 3``.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If ``concepts`` is no list of texts, or ``depth`` not a whole number from 1 on.

    >>> structure(["loop", "line start"]).concepts
    ('loop', 'line start')
    """
    named = (concepts,) if isinstance(concepts, str) else concepts
    if named is not None and not (
        isinstance(named, Sequence) and named and all(isinstance(name, str) and name for name in named)
    ):
        raise UsageError(f"concepts of the label source structure must be a list such as [loop], found {concepts!r}.")
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 1):
        raise UsageError(f"depth of the label source structure must be a whole number from 1 on, found {depth!r}.")
    return Structure(None if named is None else tuple(dict.fromkeys(named)), depth)


def _text_rules(corpus: xr.Dataset) -> dict[str, Rule]:
    """Return the concepts of the text columns."""
    rules: dict[str, Rule] = {}
    inside, statement, method, role = (_values(corpus, column) for column in ("inside", "statement", "method", "role"))
    for region in sorted({region for value in inside for region in value.split()}):
        targets = [region in value.split() for value in inside]
        rules[region] = partial(_by_value, "inside", np.where(targets, TARGET, BASELINE))
    if "declaration" in role:
        says = {"declaration": TARGET, "use": BASELINE}
        rules["declaration"] = partial(_by_value, "role", np.array([says.get(value, LEFT_OUT) for value in role]))
    for column, values, wanted in (("statement", statement, set(statement)), ("method", method, {"start", "end"})):
        for value in sorted(wanted & set(values) - {""}, reverse=column == "method"):
            targets = [other == value for other in values]
            rules[f"{column} {value}"] = partial(_by_value, column, np.where(targets, TARGET, BASELINE))
    return rules


def _line_rules(corpus: xr.Dataset) -> dict[str, Rule]:
    """Return the concepts of the place in the line."""
    there = all(name in corpus for name in LINE_COLUMNS)
    return {"line start": line_starts, "line end": line_ends} if there else {}


def _depth_rules(corpus: xr.Dataset, depth: int | None) -> dict[str, Rule]:
    """Return the concepts of depth."""
    if depth is None:
        return {}
    columns = [name for name in schema.NUMBERS if name.endswith("_depth") and name in corpus]
    return {f"{name.replace('_', ' ')} at least {depth}": partial(_deep, name, depth) for name in columns}


def _values(corpus: xr.Dataset, column: str) -> list[str]:
    return list(corpus[column].to_numpy().tolist()) if f"{column}_id" in corpus else []


def _by_value(column: str, says: NDArray[np.int64], corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
    label: NDArray[np.int8] = says[read_rows(corpus, f"{column}_id", start, stop)].astype(np.int8)
    return label


def _deep(column: str, depth: int, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
    label: NDArray[np.int8] = (read_rows(corpus, column, start, stop) >= depth).astype(np.int8)
    return label
