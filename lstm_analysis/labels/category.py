"""Semantic categories as concepts: every token of a listed word or phrase is a target."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError
from .intervals import expand
from .lexicon import read_entries, read_lexicon
from .matching import find_phrases
from .phrases import MAX_GAP, Pattern, Phrases, union
from .source import BASELINE, TARGET

YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Categories:
    """Lists of words and phrases, each a concept.

    Parameters
    ----------
    concepts
        The categories; ``""`` for the one that takes the name of the source.
    entries
        The patterns of all categories, each counted without overlap by itself.
    category
        Index of the category that each entry belongs to.
    default_name
        The name a study gives the source if it gives none.
    subtokens
        Whether a word also stands for identifiers that have it as a sub-token.
    """

    concepts: tuple[str, ...]
    entries: Phrases
    category: tuple[int, ...]
    default_name: str = "categories"
    subtokens: bool = False
    of_words: ClassVar[bool] = True

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the names of the categories."""
        return list(self.concepts)

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept): 1 or 0."""
        label = np.full((stop - start, len(self.concepts)), BASELINE, dtype=np.int8)
        begin, end, entry = find_phrases(corpus, self.entries, start, stop, MAX_GAP, self.subtokens)
        token, occurrence = expand(begin, end)
        inside = (token >= start) & (token < stop)
        concept = np.array(self.category, dtype=np.int64)[entry[occurrence[inside]]]
        label[token[inside] - start, concept] = TARGET
        return label


def categories(file: str | PathLike[str], subtokens: bool = False) -> Categories:
    """Read lists of words.

    Parameters
    ----------
    file
        YAML (``.yaml``, ``.yml``): the name of each category and its list of entries. Any other file is text,
        one entry a line, ``#`` begins a comment: one concept, which takes the name of the source. An entry is
        a word, ``prefix*``, or a phrase in the pattern language of the idioms; all is compared in lower case.
    subtokens
        Whether a word, or ``prefix*``, also stands for the identifiers of program code that have it as one of their
        sub-tokens: ``stream`` for ``InputStream`` and ``stream_id``.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If the file is neither, or ``subtokens`` not true or false.
    """
    if not isinstance(subtokens, bool):
        raise UsageError(f"subtokens of the categories must be true or false, found {subtokens!r}.")
    path = Path(file)
    if path.suffix.lower() in YAML_SUFFIXES:
        return _categories(read_lexicon(path), "categories", subtokens)
    return _categories({"": read_entries(path)}, path.stem, subtokens)


def _categories(lexicon: dict[str, tuple[Pattern, ...]], default_name: str, subtokens: bool) -> Categories:
    entries = [(name, pattern) for name, patterns in lexicon.items() for pattern in _merge_words(patterns)]
    index = {name: i for i, name in enumerate(lexicon)}
    return Categories(
        concepts=tuple(lexicon),
        entries=tuple((name, (pattern,)) for name, pattern in entries),
        category=tuple(index[name] for name, _ in entries),
        default_name=default_name,
        subtokens=subtokens,
    )


def _merge_words(patterns: tuple[Pattern, ...]) -> list[Pattern]:
    """Return the patterns with all single words as one, which is looked up in one step."""
    words = union(pattern[0] for pattern in patterns if len(pattern) == 1)
    phrases = list(dict.fromkeys(pattern for pattern in patterns if len(pattern) > 1))
    return [(words,), *phrases] if words else phrases
