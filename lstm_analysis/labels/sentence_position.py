"""The place in the sentence as a concept: its first or its last tokens."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError
from .source import read_rows


@dataclass(frozen=True)
class Position:
    """The first or the last tokens of each sentence; one unnamed concept.

    Parameters
    ----------
    first, last
        How many tokens are targets; exactly one of the two is given.
    """

    first: int | None = None
    last: int | None = None
    of_words: ClassVar[bool] = True

    @property
    def default_name(self) -> str:
        """``first 3 tokens`` or ``last 3 tokens``."""
        side, n = ("first", self.first) if self.first is not None else ("last", self.last)
        return f"{side} token" if n == 1 else f"{side} {n} tokens"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the one unnamed concept."""
        return [""]

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept): 1 or 0."""
        place = read_rows(corpus, "sentence_position", start, stop)
        if self.first is not None:
            target = place < self.first
        else:
            target = place >= read_rows(corpus, "sentence_length", start, stop) - self.last
        return target[:, np.newaxis].astype(np.int8)


def position(first: int | None = None, last: int | None = None) -> Position:
    """Label the first or the last tokens of each sentence.

    Parameters
    ----------
    first, last
        How many tokens are targets; exactly one of the two. The end symbol is a token of its sentence, and of a
        shorter sentence all tokens are targets.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If both are given, or none, or it is not a whole number from 1 on.

    >>> position(first=3).default_name
    'first 3 tokens'
    """
    given = {name: n for name, n in (("first", first), ("last", last)) if n is not None}
    if len(given) != 1:
        raise UsageError(f"The label source position needs either first or last, found {given or 'none of them'}.")
    for name, n in given.items():
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise UsageError(f"{name} of the label source position must be a whole number from 1 on, found {n!r}.")
    return Position(first, last)
