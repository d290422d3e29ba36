"""Where sentences and documents of an LSTMVis project begin, and which words and values occur."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import schema
from ..errors import UsageError, nearest
from ..progress import Progress, Step
from ..vocabulary import END_NAMES
from .coded_values import Coded, Numbers

AT_ONCE = 1 << 20
"""Tokens that are looked at in one go."""
AUTOMATIC = "automatic"

Starts = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Sentences and documents.

    Parameters
    ----------
    n_time
        Tokens.
    sentences, documents
        First token of each.
    document_names
        Name of each document.
    """

    n_time: int
    sentences: Starts
    documents: Starts
    document_names: list[str]

    def columns(self, start: int, stop: int) -> dict[str, NDArray[np.int64]]:
        """Return `document`, `sentence`, `sentence_position` and `sentence_length` of tokens, dims (time)."""
        time = np.arange(start, stop)
        sentence = np.searchsorted(self.sentences, time, side="right") - 1
        ends = np.append(self.sentences[1:], self.n_time)
        return {
            "document": np.searchsorted(self.documents, time, side="right") - 1,
            "sentence": sentence,
            "sentence_position": time - self.sentences[sentence],
            "sentence_length": ends[sentence] - self.sentences[sentence],
        }


@dataclass(frozen=True)
class Boundaries:
    """What says where sentences and documents begin.

    Parameters
    ----------
    document, sentence
        Name of a track whose every change begins a new one; by default those called ``document`` and ``sentence`` if
        there are any.
    end_of_sentence
        Word that ends a sentence where no track says so; by default ``</s>`` or the like, ``None`` for none.
    """

    document: str | None = None
    sentence: str | None = None
    end_of_sentence: str | None = AUTOMATIC

    def structure(self, tracks: Mapping[str, Coded | Numbers]) -> dict[str, Coded | Numbers]:
        """Return the tracks that say where a ``document`` and a ``sentence`` begin.

        Raises
        ------
        UsageError
            If there is no such track.
        """
        found = {}
        for level in ("document", "sentence"):
            name = getattr(self, level)
            if name is not None and name not in tracks:
                hint = nearest(name, tracks) if tracks else "it has no track."
                raise UsageError(f"--{level} {name}: the project has no such track; {hint}")
            if (name or level) in tracks:
                found[level] = tracks[name or level]
        return found

    def end_ids(self, words: Coded) -> NDArray[np.int64]:
        """Return the ids of the words that end a sentence.

        Raises
        ------
        UsageError
            If the dictionary lacks the word that was asked for.
        """
        ends = END_NAMES if self.end_of_sentence == AUTOMATIC else (self.end_of_sentence,)
        found = [id_ for id_, name in words.names.items() if name in ends]
        if not found and self.end_of_sentence not in (AUTOMATIC, None):
            hint = nearest(str(self.end_of_sentence), words.names.values())
            raise UsageError(f"--end-of-sentence {self.end_of_sentence!r} is not in {words.dictionary}; {hint}")
        return np.array(found, np.int64)


def scan(words: Coded, tracks: Mapping[str, Coded | Numbers], boundaries: Boundaries, n_time: int) -> Layout:
    """Read words and tracks once: note what occurs, and find where sentences and documents begin.

    Memory is 8 bytes for each sentence and document.
    """
    with Progress(Step("scan", "tokens", n_time)) as bar:
        return _scan(words, tracks, boundaries, n_time, bar)


def _scan(
    words: Coded, tracks: Mapping[str, Coded | Numbers], boundaries: Boundaries, n_time: int, bar: Progress
) -> Layout:
    structure, ends = boundaries.structure(tracks), boundaries.end_ids(words)
    found: dict[str, list[Starts]] = {"document": [np.zeros(1, np.int64)], "sentence": []}
    last: dict[str, NDArray[np.generic]] = {}
    for start, stop in blocks(n_time):
        ids = words.note(start, stop)
        for track in tracks.values():
            if isinstance(track, Coded):
                track.note(start, stop)
            elif track.words is not None:
                track.values(start, stop)  # refuses a word id that it has no row for
        for level, track in structure.items():
            values = track.ids(start, stop) if isinstance(track, Coded) else track.values(start, stop)
            before = last.get(level, values[:1])
            found[level].append(start + np.flatnonzero(np.concatenate([before, values[:-1]]) != values))
            last[level] = values[-1:]
        if "sentence" not in structure:
            found["sentence"].append(start + 1 + np.flatnonzero(np.isin(ids, ends)))
        bar.update(stop - start)
    documents = np.concatenate(found["document"])
    sentences = np.unique(np.concatenate([documents, *found["sentence"]]))
    return Layout(n_time, sentences[sentences < n_time], documents, _names(structure.get("document"), documents))


def _names(track: Coded | Numbers | None, documents: Starts) -> list[str]:
    """Return what a track calls the documents, as far as it says."""
    if track is None:
        return ["0"]
    if isinstance(track, Coded):
        return [track.names[int(track.ids(start, start + 1)[0])] for start in documents.tolist()]
    return [str(track.values(start, start + 1)[0]) for start in documents.tolist()]


def blocks(n_time: int, at_once: int = AT_ONCE) -> Iterator[tuple[int, int]]:
    """Yield spans that tile ``[0, n_time)``."""
    yield from ((start, min(start + at_once, n_time)) for start in range(0, n_time, at_once))


def free_name(name: str) -> str:
    """Return the name of a track as an annotation column, another one where the corpus needs it itself.

    >>> free_name("pos"), free_name("document")
    ('pos', 'document_track')
    """
    taken = {*schema.VARIABLES, *schema.DIMS, *(dim for v in schema.VARIABLES.values() for dim in v.dims)}
    return f"{name}_track" if {name, f"{name}_id", f"word_{name}"} & taken else name
