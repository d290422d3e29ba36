"""What the ``lstm.yml`` of an LSTMVis project says: its words, its states, its tracks, and the files they lie in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError, nearest, one_of
from ..record import fingerprint
from .yaml_node import Node, read_node

CONFIG = "lstm.yml"
STATE_OF_TYPE = {"state": "cell_state", "output": "hidden_state"}
SKIP = "skip"
SOURCE_CHOICES = {"hidden": "hidden_state", "cell": "cell_state", SKIP: SKIP}
MOST_LAYER = 999


@dataclass(frozen=True)
class Place:
    """A dataset of an HDF5 file.

    Parameters
    ----------
    file
        The file.
    path
        Of the dataset in it.
    key
        What names it in ``lstm.yml``, with the file, for messages.
    """

    file: Path
    path: str
    key: str


@dataclass(frozen=True)
class StateSource:
    """Stored states of one layer.

    Parameters
    ----------
    name
        As LSTMVis calls it, ``file::path``.
    place
        Where they lie, dims (time, neuron).
    variable
        ``hidden_state`` or ``cell_state``.
    layer
        As the project counts it.
    """

    name: str
    place: Place
    variable: str
    layer: int


@dataclass(frozen=True)
class Track:
    """A meta track: a value for each token, or for each word id.

    Parameters
    ----------
    name
        Of the track.
    place
        Where it lies.
    dictionary
        File that says what its values stand for, if there is one.
    by_word
        Whether its rows are word ids, not tokens.
    """

    name: str
    place: Place
    dictionary: Path | None
    by_word: bool


@dataclass(frozen=True)
class Project:
    """An LSTMVis project.

    Parameters
    ----------
    folder, name, description
        Of the project.
    words, dictionary
        Word id of each token, and the file of their names.
    states, tracks
        Layers and meta tracks.
    left_out
        Parts of the project that cannot be read, each with the reason.
    escaped
        Whether names in dictionaries are escaped, as those that this package writes.
    """

    folder: Path
    name: str
    description: str
    words: Place
    dictionary: Path
    states: tuple[StateSource, ...]
    tracks: tuple[Track, ...]
    left_out: tuple[str, ...]
    escaped: bool

    @property
    def files(self) -> list[Path]:
        """All files that are read, each once."""
        places = [self.words, *(source.place for source in self.states), *(track.place for track in self.tracks)]
        dictionaries = [track.dictionary for track in self.tracks if track.dictionary is not None]
        found = [self.folder / CONFIG, self.dictionary, *(place.file for place in places), *dictionaries]
        return list(dict.fromkeys(found))

    def digest(self, *options: Any) -> str:
        """Return what tells projects apart: the configuration, and size and time of change of each file."""
        stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in self.files]
        return fingerprint((self.folder / CONFIG).read_text(encoding="utf-8"), stats, *options)


def read_project(folder: Path, sources: Mapping[str, str] | None = None) -> Project:
    """Return what a project's ``lstm.yml`` says; its HDF5 files are not opened.

    Parameters
    ----------
    folder
        The project's directory.
    sources
        What a source (``file::path``) holds where ``lstm.yml`` says otherwise: ``hidden``, ``cell`` or ``skip``.

    Raises
    ------
    UsageError
        At the first thing that is wrong, naming file and key.
    """
    if not (folder / CONFIG).is_file():
        raise UsageError(f"{folder} is no LSTMVis project: it has no {CONFIG}. Give the directory that holds one.")
    top = read_node(folder / CONFIG)
    files = _Files(folder, top.node("files"))
    left_out: list[str] = []
    states = _states(top.node("states"), files, dict(sources or {}), left_out)
    tracks = _tracks(top, files, left_out)
    words = top.node("word_sequence")
    own = top.content.get("lstm_analysis")
    escaped = isinstance(own, dict) and own.get("escaped") is True
    return Project(
        folder, top.text("name", folder.name), top.text("description", ""), files.place(words),
        files.file(words, "dict_file"), states, tracks, tuple(left_out), escaped,
    )  # fmt: skip


class _Files:
    """The files of a project by the names that ``lstm.yml`` gives them."""

    def __init__(self, folder: Path, files: Node) -> None:
        self._folder, self._files = folder, files

    def place(self, node: Node, default: str | None = None) -> Place:
        """Return the dataset that a mapping with ``file`` and ``path`` names."""
        if "file" in node or default is None:
            return Place(self.file(node, "file"), node.text("path"), node.place("path"))
        return Place(self._find(default, node.place("file")), node.text("path"), node.place("path"))

    def file(self, node: Node, key: str) -> Path:
        """Return the file whose name stands under a key."""
        return self._find(node.text(key), node.place(key))

    def _find(self, name: str, key: str) -> Path:
        if name not in self._files:
            known = nearest(name, map(str, self._files.content)) if self._files.content else "that is empty."
            raise UsageError(f"{key} is {name!r}, which is not among files; {known}")
        relative, place = self._files.text(name), self._files.place(name)
        if "\0" in relative:
            raise UsageError(f"{place} is {relative!r}, which is no path.")
        path = (self._folder / relative).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise UsageError(
                f"{place} is {relative!r}, which lies outside {self._folder}, and nothing is read from there. Copy the "
                "file into the project's directory and name the copy."
            )
        if not path.is_file():
            raise UsageError(f"{place} is {relative!r}, but {self._folder / relative} is not there. Copy it there.")
        return path


def _states(states: Node, files: _Files, chosen: dict[str, str], left_out: list[str]) -> tuple[StateSource, ...]:
    default = states.text("file") if "file" in states else None
    found: dict[tuple[str, int], StateSource] = {}
    names = []
    for node in states.nodes("types"):
        name = f"{node.text('file', default)}::{node.text('path')}"
        names.append(name)
        variable = SOURCE_CHOICES[chosen[name]] if name in chosen else _variable(node, name, left_out)
        if variable == SKIP:
            continue
        source = StateSource(name, files.place(node, default), variable, node.whole("layer", MOST_LAYER))
        before = found.setdefault((variable, source.layer), source)
        if before is not source:
            raise UsageError(
                f"{node.place('layer')}: {name} and {before.name} are both {variable} of layer {source.layer}. Leave "
                f"one out: --source {name}={SKIP}."
            )
    if wrong := next((name for name in chosen if name not in names), None):
        raise UsageError(f"--source {wrong}: the project has no such source; {nearest(wrong, names)}")
    if not found:
        raise UsageError(f"{states.place('types')} leaves nothing to import ({'; '.join(left_out) or 'all skipped'}).")
    return tuple(sorted(found.values(), key=lambda source: (source.layer, source.variable)))


def _variable(node: Node, name: str, left_out: list[str]) -> str:
    """Return which states a source holds, as LSTMVis means it: raw c for ``state``, h for ``output``."""
    type_ = node.text("type")
    if type_ not in STATE_OF_TYPE:
        raise UsageError(
            f"{node.place('type')} is {type_!r}; {one_of(type_, STATE_OF_TYPE)} Or say what {name} holds: --source "
            f"{name}=hidden, cell or {SKIP}."
        )
    if node.content.get("unsigned"):
        left_out.append(f"{name}: unsigned halves of states")
        return SKIP
    if type_ == "state" and node.content.get("transform", "tanh") != "tanh":
        raise UsageError(
            f"{node.place('transform')} says that the values of {name} are in [-1, 1] already, so they are no raw cell "
            f"states. Say what they are: --source {name}=hidden if they are h, or ={SKIP}."
        )
    return STATE_OF_TYPE[type_]


def _tracks(top: Node, files: _Files, left_out: list[str]) -> tuple[Track, ...]:
    found = []
    for name, node in top.node("meta").children() if top.content.get("meta") else ():
        index = node.text("index", "self")
        if (type_ := node.text("type", "general")) != "general":
            left_out.append(f"track {name}: of type {type_}")
        elif index not in ("self", "word_sequence"):
            left_out.append(f"track {name}: indexed by {index}")
        else:
            dictionary = files.file(node, "dict") if "dict" in node else None
            found.append(Track(name, files.place(node), dictionary, index != "self"))
    return tuple(found)


def describe_sources(project: Project) -> dict[str, str]:
    """Return what is imported from which source."""
    return {source.name: f"{source.variable} of layer {source.layer}" for source in project.states}
