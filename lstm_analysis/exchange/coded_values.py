"""What a project's datasets say of each token: word ids and track values, read block by block and checked."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .dictionary import read_dictionary
from .hdf5 import Array, find_dataset, open_hdf5, read_rows
from .lstmvis_project import Place, Track


class OpenFiles(AbstractContextManager["OpenFiles"]):
    """The HDF5 files of a project, each opened once."""

    def __init__(self) -> None:
        self._stack, self._files = ExitStack(), dict[Path, Any]()

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def dataset(self, place: Place, *dims: str) -> Any:
        """Return a dataset of numbers of these dims; errors as of `find_dataset`."""
        if place.file not in self._files:
            self._files[place.file] = self._stack.enter_context(open_hdf5(place.file))
        return find_dataset(self._files[place.file], place.path, place.key, dims)


@dataclass
class Coded:
    """Values along ``time`` that a dictionary names.

    Parameters
    ----------
    dataset
        The ids, dims (time), or of the rows that ``words`` names.
    place
        Where they lie.
    dictionary
        The file of the names, for messages.
    names
        Name of each id.
    words
        Word ids whose rows the values are, ``None`` where they are the tokens' own.
    """

    dataset: Any
    place: Place
    dictionary: Path
    names: dict[int, str]
    words: "Coded | None" = None
    _ids: NDArray[np.int64] = field(init=False)
    _used: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._ids = np.array(sorted(self.names), dtype=np.int64)
        self._used = np.zeros(len(self._ids), bool)

    def ids(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the ids of tokens, dims (time).

        Raises
        ------
        UsageError
            If an id is no whole number, or not in the dictionary.
        """
        values = token_values(self.dataset, self.place, self.words, start, stop)
        found = values.astype(np.int64)
        wrong = (found != values) | (self._ids[self._rank(found)] != found)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise UsageError(
                f"{self.place.key}: the id {values[first]} of token {start + first:,} of {self.place.path!r} in "
                f"{self.place.file} is not in {self.dictionary} ({len(self._ids):,} ids from {self._ids[0]} to "
                f"{self._ids[-1]}). Give the dictionary that the ids were made with."
            )
        return found

    def note(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the ids of tokens, and remember that they occur."""
        found = self.ids(start, stop)
        self._used[self._rank(found)] = True
        return found

    def table(self) -> list[str]:
        """Return the names that occur, in the order of their ids, each once."""
        return list(dict.fromkeys(self.names[int(id_)] for id_ in self._ids[self._used]))

    def codes(self, start: int, stop: int) -> NDArray[np.int32]:
        """Return the index in `table` of tokens, dims (time)."""
        return self._codes_of_ids()[self._rank(self.ids(start, stop))]

    def _codes_of_ids(self) -> NDArray[np.int32]:
        index = {name: code for code, name in enumerate(self.table())}
        return np.array([index.get(self.names[int(id_)], -1) for id_ in self._ids], np.int32)

    def _rank(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)


@dataclass(frozen=True)
class Numbers:
    """Plain numbers along ``time``: a track without a dictionary."""

    dataset: Any
    place: Place
    words: Coded | None = None

    def values(self, start: int, stop: int) -> Array:
        """Return the values of tokens, dims (time)."""
        return token_values(self.dataset, self.place, self.words, start, stop)


def token_values(dataset: Any, place: Place, words: Coded | None, start: int, stop: int) -> Array:
    """Return the values of tokens, dims (time): rows of a dataset, or those that their word ids name."""
    if words is None:
        return read_rows(dataset, start, stop)
    ids = words.ids(start, stop)
    if ids.max() >= len(dataset):
        raise UsageError(
            f"{place.key}: {place.path!r} in {place.file} has {len(dataset):,} rows, one for each word id, but there "
            f"is the word id {ids.max()}."
        )
    return read_rows(dataset, 0, len(dataset))[ids]


def open_track(files: OpenFiles, track: Track, words: Coded, escaped: bool) -> Coded | Numbers:
    """Return what a track says of each token."""
    dataset = files.dataset(track.place, "word id" if track.by_word else "time")
    by = words if track.by_word else None
    if track.dictionary is None:
        return Numbers(dataset, track.place, by)
    return Coded(dataset, track.place, track.dictionary, read_dictionary(track.dictionary, escaped), by)
