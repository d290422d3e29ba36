"""WordNet's lexicographer classes as concepts: every word whose most frequent sense is of the class is a target."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, nearest
from .function_words import FUNCTION_WORDS
from .matching import sentence_bounds
from .phrases import TypeTable
from .source import BASELINE, LEFT_OUT, TARGET, read_rows
from .wordnet_folder import LEXNAMES, PARTS, Dictionary, read_wordnet

DEBIAN = "/usr/share/wordnet"
INFLECTED = {"noun": -1, "verb": 0}
"""Which word of a lemma of several words may stand in any form."""
Trie = dict[int, tuple["Trie", int | None]]
"""Row of a label table for each phrase that ends at a node, by the `type_id` that leads there."""


@dataclass(frozen=True)
class WordNet:
    """Lexicographer classes, or named groups of them.

    Parameters
    ----------
    concepts
        Name of each concept and its classes.
    min_share
        Share of a word's uses that must be of the concept.
    dictionary
        What WordNet says.
    """

    concepts: tuple[tuple[str, tuple[str, ...]], ...]
    min_share: float
    dictionary: Dictionary = field(repr=False)
    of_words: ClassVar[bool] = True
    default_name: ClassVar[str] = "wordnet"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the names of the concepts."""
        return [name for name, _ in self.concepts]

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept)."""
        words = known_words(self, TypeTable.of(corpus))
        first, last = sentence_bounds(corpus, start, stop)
        type_id = read_rows(corpus, "type_id", first, last)
        row = type_id.astype(np.int64)
        _replace_phrases(row, read_rows(corpus, "sentence", first, last), words.phrases)
        here = slice(start - first, stop - first)
        label: NDArray[np.int8] = words.label[row[here]]
        label[words.has_no_class[type_id[here], np.newaxis] & (label == TARGET)] = LEFT_OUT
        return label


@dataclass(frozen=True, eq=False)
class KnownWords:
    """What a corpus' surface forms and the phrases of them are.

    Parameters
    ----------
    label
        Labels, dims (row, concept); the first rows are the surface forms, then come phrases.
    has_no_class
        Whether a surface form is a function word or a single letter, dim (type).
    phrases
        The phrases of more than one word.
    """

    label: NDArray[np.int8]
    has_no_class: NDArray[np.bool_]
    phrases: Trie


@lru_cache(maxsize=4)
def known_words(source: WordNet, types: TypeTable) -> KnownWords:
    """Return the labels of surface forms and of phrases; kept from one block to the next."""
    dictionary, label = source.dictionary, []
    ids: dict[str, list[int]] = {}
    forms = [form.lower() for form in types.forms]
    has_no_class = np.array([form in FUNCTION_WORDS or len(form) == 1 for form in forms], dtype=bool)
    inflected: dict[str, dict[str, list[int]]] = {part: {} for part in PARTS}
    for type_id, form in enumerate(forms):
        ids.setdefault(form, []).append(type_id)
        readings = [(part, lemma) for part in PARTS for lemma in dictionary.lemmas(form, part)]
        for part, lemma in readings:
            inflected[part].setdefault(lemma, []).append(type_id)
        label.append(_label_row(source, [] if has_no_class[type_id] else readings))
    phrases: Trie = {}
    for lemma, readings in _phrases(dictionary).items():
        words, known = lemma.split("_"), False
        for part, _ in readings:
            slots = [ids.get(word, []) for word in words]
            if part in INFLECTED:
                place = INFLECTED[part]
                slots[place] = slots[place] + inflected[part].get(words[place], [])
            if all(slots):
                known = True
                _insert(phrases, slots, len(label))
        if known:
            label.append(_label_row(source, readings))
    return KnownWords(np.array(label, dtype=np.int8).reshape(-1, len(source.concepts)), has_no_class, phrases)


def _phrases(dictionary: Dictionary) -> dict[str, list[tuple[str, str]]]:
    """Return the lemmas of several words with their parts of speech."""
    found: dict[str, list[tuple[str, str]]] = {}
    for part in PARTS:
        for lemma in dictionary.senses[part]:
            if "_" in lemma:
                found.setdefault(lemma, []).append((part, lemma))
    return found


def _label_row(source: WordNet, readings: Iterable[tuple[str, str]]) -> NDArray[np.int8]:
    """Return the label for each concept of a word that can be read as some lemmas."""
    senses = [sense for part, lemma in readings for sense in source.dictionary.senses[part][lemma]]
    row = np.full(len(source.concepts), BASELINE, dtype=np.int8)
    if not senses:
        return row
    first = LEXNAMES[max(senses, key=lambda sense: sense[1])[0]]
    n_use = sum(count for _, count in senses)
    for concept, (_, classes) in enumerate(source.concepts):
        if first in classes:
            inside = sum(count for number, count in senses if LEXNAMES[number] in classes)
            row[concept] = TARGET if n_use == 0 or inside >= source.min_share * n_use else LEFT_OUT
    return row


def _insert(node: Trie, slots: Sequence[Sequence[int]], row: int) -> None:
    """Add a phrase with all the forms of its words; one that is there already stays."""
    for type_id in slots[0]:
        below, end = node.get(type_id, ({}, None))
        if len(slots) == 1:
            end = row if end is None else end
        else:
            _insert(below, slots[1:], row)
        node[type_id] = (below, end)


def _replace_phrases(row: NDArray[np.int64], sentence: NDArray[np.int64], phrases: Trie) -> None:
    """Give all tokens of a phrase its row, in place: the longest one, from left to right, inside a sentence."""
    tokens, sentences = row.tolist(), sentence.tolist()
    place = 0
    while place < len(tokens):
        node, end, found = phrases, place, None
        here = place
        while here < len(tokens) and sentences[here] == sentences[place] and tokens[here] in node:
            node, last = node[tokens[here]]
            here += 1
            if last is not None:
                end, found = here, last
        if found is None:
            place += 1
        else:
            row[place:end] = found
            place = end


def wordnet(
    path: str | PathLike[str] = DEBIAN,
    classes: Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    min_share: float = 0.0,
) -> WordNet:
    """Label tokens by the lexicographer class of WordNet that their word most often has.

    A word, in lower case, may be a form of several lemmas of several parts of speech, by WordNet's exceptions and its
    regular endings. Of all their senses the one that is used most often in the texts tagged for WordNet decides; of
    equally frequent ones the first in the order noun, verb, adjective, adverb and then of WordNet. Function words and
    single letters, such as *in* (indium), have no class. Lemmas of several words are found as phrases, the longest
    first, the last word of a noun and the first of a verb in any form; their words then have the phrase's class only,
    but function words in it are left out. All other tokens, end symbols too, are baseline. What a word means in its
    sentence is not looked at.

    Parameters
    ----------
    path
        Folder of WordNet 3.0, Debian's ``wordnet-base`` or that of NLTK.
    classes
        Classes to measure, each a concept, such as ``noun.possession``; or the name of each concept and its classes.
        By default all 41 of nouns and verbs.
    min_share
        Words of which a smaller share of uses is of the concept are left out of it, neither target nor baseline; for
        words that are never used in the tagged texts the first sense decides alone.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If the folder is not WordNet, a class is unknown, or ``min_share`` is not between 0 and 1.

    References
    ----------
    Ciaramita and Johnson (2003), Supersense tagging of unknown nouns in WordNet; lexnames(5WN).
    """
    if isinstance(min_share, bool) or not isinstance(min_share, int | float) or not 0 <= min_share <= 1:
        raise UsageError(f"min_share of the label source wordnet must be between 0 and 1, found {min_share!r}.")
    return WordNet(_concepts(classes), float(min_share), read_wordnet(Path(path)))


def _concepts(classes: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if classes is None:
        classes = [name for name in LEXNAMES if name.startswith(("noun.", "verb."))]
    if isinstance(classes, str):
        classes = [classes]
    if not isinstance(classes, Mapping):
        classes = {name: [name] for name in classes} if isinstance(classes, Sequence) else {}
    if not classes:
        raise UsageError("classes of the label source wordnet must name at least one class, such as [noun.possession].")
    return tuple((_text(name), _known(listed)) for name, listed in classes.items())


def _known(listed: Any) -> tuple[str, ...]:
    listed = [listed] if isinstance(listed, str) or not isinstance(listed, Sequence) else listed
    for name in listed or [""]:
        if name not in LEXNAMES:
            raise UsageError(f"{name!r} is no class of WordNet; {nearest(str(name), LEXNAMES)}")
    return tuple(listed)


def _text(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise UsageError(f"classes of the label source wordnet has the name {name!r}, which is not a text. Quote it.")
    return name
