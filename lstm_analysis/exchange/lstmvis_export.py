"""A run as an LSTMVis project, which the original server opens."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from .. import __version__
from ..disk import write_whole
from ..errors import UsageError, nearest
from ..run import Run
from ..store import new_folder
from .dictionary import unique_names, write_dictionary
from .hdf5 import Array, need_h5py
from .lstmvis_project import CONFIG
from .selection import Selection, as_options

STATES, WORDS, TRACKS = "states.hdf5", "words.hdf5", "tracks.hdf5"
WORD_IDS = "word_ids"
STEMS = {"cell_state": "states", "hidden_state": "output"}
"""Beginning of the paths of datasets, the layer's number counted from 1 after it."""
LABEL_NAMES = {1: "target", 2: "baseline", 3: "left_out"}
ID_OF_LABEL = {1: 1, 0: 2, -1: 3}


@dataclass(frozen=True)
class ExportedTrack:
    """A meta track that is written.

    Parameters
    ----------
    name
        Of the track.
    values
        Its values of the tokens ``[start, stop)``.
    names
        What they stand for, ``None`` for plain numbers.
    """

    name: str
    values: Callable[[int, int], Array]
    names: dict[int, str] | None = None

    def entry(self) -> dict[str, Any]:
        """Return what ``lstm.yml`` says of it."""
        found: dict[str, Any] = {"file": "tracks", "path": self.name}
        if self.names is None:
            return found | {"vis": {"type": "scalar", "range": [0, 1]}}
        return found | {"dict": f"dict_{self.name}", "vis": {"type": "discrete", "range": "dict"}}


def export_lstmvis(selection: Selection, out: Path, concepts: Sequence[str] = ()) -> str:
    """Write a part of a run as an LSTMVis project.

    Cell states are written raw, as ``states1`` ..., hidden states as ``output1`` ... without a further tanh. Word ids
    begin with 1. Annotations of the corpus, sentences, documents and the labels of ``concepts`` are meta tracks.
    White space in a name becomes a visible sign, because LSTMVis could not read it.

    Parameters
    ----------
    selection
        What to write.
    out
        The project's directory; one that is there is replaced.
    concepts
        Concepts of the run whose labels are written.

    Returns
    -------
    One line that says what was written.

    Raises
    ------
    UsageError
        If nothing of it can be shown by LSTMVis, or the run has no such concept.
    """
    states = _layers(selection)
    tracks = [*_tracks(selection), *_label_tracks(selection, concepts)]
    words = selection.words()
    with new_folder(out) as folder:
        folder.mkdir()
        write_dictionary(folder / "words.dict", dict(enumerate(words, 1)))
        for track in tracks:
            if track.names is not None:
                write_dictionary(folder / f"{track.name}.dict", track.names)
        _write_arrays(selection, folder, states, tracks)
        config = _config(selection, list(states), tracks, all(len(word) == 1 for word in words))
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        write_whole(folder / CONFIG, text.encode())
    return f"{out}: {selection.n_time:,} tokens, {', '.join(states)}, {len(tracks)} tracks"


def _layers(selection: Selection) -> dict[str, tuple[str, int, int]]:
    """Return state, place among the chosen layers, and number of neurons of each dataset, by its path."""
    found = {}
    for state, stem in STEMS.items():
        if state not in selection.states:
            continue
        for place, (layer, size) in enumerate(selection.layer_sizes(state).items()):
            if size:
                found[f"{stem}{layer + 1}"] = (state, place, size)
    if not found:
        raise UsageError("LSTMVis shows hidden and cell states, and none of those are chosen or stored.")
    return found


def _tracks(selection: Selection) -> Iterator[ExportedTrack]:
    """Yield the structure of the corpus and its annotations."""
    corpus = selection.corpus
    documents = {i + 1: str(name) for i, name in enumerate(corpus["document_name"].values)}
    yield ExportedTrack("document", lambda a, b: selection.column("document", a, b) + 1, documents)
    yield ExportedTrack("sentence", lambda a, b: selection.column("sentence", a, b))
    known = selection.coded_columns()
    for name, safe in zip(known, unique_names(known), strict=True):
        names = {i + 1: str(value) for i, value in enumerate(corpus[name].values)}
        yield ExportedTrack(safe, _Codes(selection, f"{name}_id"), names)
    for name in selection.number_columns():
        yield ExportedTrack(name, _Column(selection, name))


@dataclass(frozen=True)
class _Column:
    selection: Selection
    name: str

    def __call__(self, start: int, stop: int) -> Array:
        return self.selection.column(self.name, start, stop)


class _Codes(_Column):
    def __call__(self, start: int, stop: int) -> Array:
        return super().__call__(start, stop) + 1


def _label_tracks(selection: Selection, concepts: Sequence[str]) -> Iterator[ExportedTrack]:
    if not concepts:
        return
    run: Run = selection.run
    known = [str(name) for name in run.labels["concept"].values]
    for concept in concepts:
        if concept not in known:
            raise UsageError(f"--concept {concept!r}: {run.path} has no such concept; {nearest(concept, known)}")
    label = run.in_place("labels")["label"]
    for concept, name in zip(concepts, unique_names(f"concept_{name}" for name in concepts), strict=True):
        column = label.isel(concept=known.index(concept))

        def ids(start: int, stop: int, column: Any = column) -> NDArray[np.int8]:
            values = column.isel(time=slice(start, stop)).values
            return np.select([values == 1, values == 0], [ID_OF_LABEL[1], ID_OF_LABEL[0]], ID_OF_LABEL[-1])

        yield ExportedTrack(name, ids, LABEL_NAMES)


def _write_arrays(
    selection: Selection, folder: Path, states: dict[str, tuple[str, int, int]], tracks: Sequence[ExportedTrack]
) -> None:
    """Write states, word ids and tracks, one block of tokens after the other."""
    h5py, n_time = need_h5py(), selection.n_time
    with (
        h5py.File(folder / STATES, "w") as state_file,
        h5py.File(folder / WORDS, "w") as word_file,
        h5py.File(folder / TRACKS, "w") as track_file,
    ):
        arrays = {
            path: state_file.create_dataset(path, (n_time, size), selection.dtype)
            for path, (_, _, size) in states.items()
        }
        ids = word_file.create_dataset(WORD_IDS, (n_time,), "int32")
        for start, stop in selection.blocks("export"):
            rows = slice(start - selection.start, stop - selection.start)
            ids[rows] = selection.column(selection.word_codes(), start, stop) + 1
            for state in dict.fromkeys(state for state, _, _ in states.values()):
                values = selection.values(state, start, stop)
                for path in [path for path, found in states.items() if found[0] == state]:
                    arrays[path][rows] = values[:, states[path][1], : states[path][2]]
            for track in tracks:
                values = track.values(start, stop)
                if track.name not in track_file:
                    track_file.create_dataset(track.name, (n_time,), values.dtype)
                track_file[track.name][rows] = values


def _config(
    selection: Selection, paths: Sequence[str], tracks: Sequence[ExportedTrack], characters: bool
) -> dict[str, Any]:
    """Return the content of ``lstm.yml``."""
    files = {"states": STATES, "words": WORDS, "tracks": TRACKS, "dictionary": "words.dict"}
    files |= {f"dict_{track.name}": f"{track.name}.dict" for track in tracks if track.names is not None}
    types: list[dict[str, Any]] = []
    for path in paths:
        if path.startswith("states"):
            types.append({"type": "state", "layer": int(path.removeprefix("states")), "path": path})
        else:
            layer = int(path.removeprefix("output"))
            types.append({"type": "output", "layer": layer, "path": path, "transform": "none"})
    name = str(selection.run.record["name"])
    written = f"tokens {selection.start} to {selection.stop} of {name}, written by lstm-analysis {__version__}"
    return {
        "name": name,
        "description": written,
        "files": files,
        "word_sequence": {"file": "words", "path": WORD_IDS, "dict_file": "dictionary"},
        "states": {"file": "states", "types": types},
        "meta": {track.name: track.entry() for track in tracks},
        "etc": {"regex_search": characters},
        "lstm_analysis": {"escaped": True, **as_options(selection)},
    }
