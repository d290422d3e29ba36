"""Idioms as concepts: the final word of an occurrence is the target."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError
from .intervals import Positions, expand
from .lexicon import read_lexicon
from .matching import find_phrases
from .occurrence import occurrence_dataset
from .phrases import MAX_GAP, Phrases
from .source import BASELINE, LEFT_OUT, TARGET
from .word_view import first_tokens, word_view

BLOCK = 1 << 16


@dataclass(frozen=True)
class Idioms:
    """A lexicon of idioms; its concepts are any idiom, pooled, and each idiom.

    A model that reads from left to right has not seen the idiom before its final word, so that is the target.
    The other tokens of the occurrence, those in its gaps too, are neither target nor baseline. In the pooled
    concept a token that is the final word of one idiom and inside another is a target.

    Parameters
    ----------
    phrases
        Name and patterns of each idiom.
    max_gap
        Most tokens that a gap spans.
    """

    phrases: Phrases
    max_gap: int = MAX_GAP
    of_words: ClassVar[bool] = True
    default_name: ClassVar[str] = "idiom"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return ``""`` for any idiom and the name of each."""
        return ["", *(name for name, _ in self.phrases)]

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept)."""
        label = np.full((stop - start, 1 + len(self.phrases)), BASELINE, dtype=np.int8)
        begin, end, idiom = find_phrases(corpus, self.phrases, start, stop, self.max_gap)
        token, occurrence = expand(begin, end)
        _assign(label, token - start, idiom[occurrence] + 1, LEFT_OUT)
        _assign(label, end - 1 - start, idiom + 1, TARGET)
        return label


def _assign(label: NDArray[np.int8], row: Positions, concept: NDArray[np.int64], value: int) -> None:
    """Write the value for each concept and the pooled one, in place; rows outside the block are skipped."""
    inside = (row >= 0) & (row < len(label))
    label[row[inside], 0] = value
    label[row[inside], concept[inside]] = value


def idioms(file: str | PathLike[str], max_gap: int = MAX_GAP) -> Idioms:
    """Read a lexicon of idioms.

    Parameters
    ----------
    file
        YAML: the name of each idiom and its pattern, or a list of patterns. A pattern is slots between blanks:
        a word, ``prefix*``, ``{a|b}`` (one of these) or ``~`` (any 1 to ``max_gap`` tokens, as few as
        possible). Patterns and text are compared in lower case, inside one sentence.
    max_gap
        Most tokens that a gap spans.

    Returns
    -------
    The label source. Its unnamed concept pools all idioms; each idiom is a concept of its own.

    Raises
    ------
    UsageError
        If the file is not such a lexicon.
    """
    if not isinstance(max_gap, int) or isinstance(max_gap, bool) or max_gap < 1:
        raise UsageError(f"max_gap of the idioms must be a whole number from 1 on, found {max_gap!r}.")
    return Idioms(tuple(read_lexicon(Path(file)).items()), max_gap)


def idiom_occurrences(corpus: xr.Dataset, source: Idioms) -> xr.Dataset:
    """Return where each idiom occurs.

    Parameters
    ----------
    corpus
        Corpus, in memory or lazy; it is read in blocks.
    source
        The idioms.

    Returns
    -------
    Dataset with dim ``occurrence``, in the order of their final words: `occurrence_start`, `occurrence_stop`
    (half-open on ``time``), `occurrence_idiom` (index in ``idiom``), `occurrence_value`, which is 1 because a lexicon
    cannot tell literal uses, and the table ``idiom``. It is empty if none occurs.
    """
    columns: list[list[NDArray[np.int64]]] = []
    words = word_view(corpus)
    for start in range(0, words.sizes["time"], BLOCK):
        stop = min(start + BLOCK, words.sizes["time"])
        begin, end, idiom = find_phrases(words, source.phrases, start, stop, source.max_gap)
        here = np.flatnonzero((end > start) & (end <= stop))
        here = here[np.lexsort((idiom[here], begin[here], end[here]))]
        columns.append([begin[here], end[here], idiom[here]])
    begins, ends, found = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    begins, ends = first_tokens(corpus, begins), first_tokens(corpus, ends)
    return occurrence_dataset(begins, ends, found, np.ones_like(found), [name for name, _ in source.phrases])
