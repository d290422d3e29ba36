"""An LSTMVis project as a run: its words as a corpus, its states as activations, its meta tracks as annotations."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import CorpusConfig, InferenceConfig, ModelConfig, Study
from ..disk import check_folder
from ..errors import UsageError, one_of
from ..lock import RunLock
from ..progress import Progress, Step
from ..record import Record
from ..run import Run, open_run
from ..store import remove_leftovers
from ..store_config import StoreConfig
from .coded_values import Coded, Numbers, OpenFiles, open_track
from .dictionary import read_dictionary, unique_names
from .imported_corpus import ImportedCorpus, write_corpus
from .imported_states import ImportedStates, open_states, write_states
from .lstmvis_layout import AUTOMATIC, Boundaries, free_name, scan
from .lstmvis_project import SOURCE_CHOICES, Project, describe_sources, read_project

log = logging.getLogger("lstm_analysis")
UNKNOWN = ("model", "vocabulary", "carry", "surprisal")
"""What a project does not say of itself."""
IMPORTED = "imported"


def import_lstmvis(
    project: str | Path,
    run: str | Path,
    *,
    sources: Mapping[str, str] | None = None,
    document: str | None = None,
    sentence: str | None = None,
    end_of_sentence: str | None = AUTOMATIC,
    limit_tokens: int | None = None,
    force: bool = False,
) -> Run:
    """Make a run of an LSTMVis project.

    Sources of type ``state`` are raw cell states, those of type ``output`` hidden states. A source that is missing for
    a layer is NaN there. Memory is bounded by a shard of 64 MB a variable, the dictionaries, and 8 bytes a sentence.

    Parameters
    ----------
    project
        Directory with ``lstm.yml``.
    run
        Folder of the run that is written.
    sources
        What a source (``file::path``) holds where ``lstm.yml`` says otherwise: ``hidden``, ``cell`` or ``skip``.
    document, sentence
        Meta track whose every change begins a document, or sentence; by default the tracks of these names. Without a
        track there is one document.
    end_of_sentence
        Word that ends a sentence where no track says so; by default ``</s>`` or the like if the dictionary has it.
    limit_tokens
        Import the first tokens only.
    force
        Replace what is in the folder.

    Returns
    -------
    The run, with `corpus` and `activations`.

    Raises
    ------
    UserError
        If the project is malformed, naming file, key and shape, or the folder holds something else.
    """
    folder, path = Path(project), Path(run)
    _check_options(sources or {}, limit_tokens)
    found = read_project(folder, sources)
    check_folder(path)
    limits = Boundaries(document, sentence, end_of_sentence)
    print_ = found.digest(repr(limits), sorted((sources or {}).items()), limit_tokens)
    with OpenFiles() as files:
        corpus, states = _open(found, files, limits, limit_tokens)
        with RunLock(path):
            record = Record(path, _study(found, states))
            record.adopt({"corpus": print_, "activations": print_}, force)
            if not (record.is_done("corpus") and record.is_done("activations")):
                _write(record, found, corpus, states, print_)
            remove_leftovers(path)
    return open_run(path)


def _check_options(sources: Mapping[str, str], limit_tokens: int | None) -> None:
    for name, choice in sources.items():
        if choice not in SOURCE_CHOICES:
            raise UsageError(f"--source {name}={choice}: {one_of(choice, SOURCE_CHOICES)}")
    if limit_tokens is not None and limit_tokens < 1:
        raise UsageError(f"--limit-tokens is {limit_tokens}; it must be at least 1.")


def _open(
    project: Project, files: OpenFiles, boundaries: Boundaries, limit: int | None
) -> tuple[ImportedCorpus, ImportedStates]:
    """Open all that a project names, check that it fits together, and look at every word and track value once."""
    dataset = files.dataset(project.words, "time")
    n_time = len(dataset) if limit is None else limit
    if n_time > len(dataset):
        raise UsageError(f"--limit-tokens is {limit}, but {project.words.path!r} has only {len(dataset)} tokens.")
    states = open_states(files, project.states, len(dataset), limit)
    words = Coded(dataset, project.words, project.dictionary, read_dictionary(project.dictionary, project.escaped))
    tracks = {track.name: open_track(files, track, words, project.escaped) for track in project.tracks}
    for track in project.tracks:
        rows = len(tracks[track.name].dataset)
        if not track.by_word and (rows != len(dataset) if limit is None else rows < n_time):
            raise UsageError(
                f"{track.place.key}: {track.place.path!r} in {track.place.file} has {rows:,} rows, but the words are "
                f"{len(dataset):,} tokens. Remove the track from lstm.yml, or give it a value for each token."
            )
    layout = scan(words, tracks, boundaries, n_time)
    structure = list(boundaries.structure(tracks).values())
    columns = {name: track for name, track in tracks.items() if not any(track is other for other in structure)}
    return ImportedCorpus(words, _named(columns), layout), states


def _named(tracks: Mapping[str, Coded | Numbers]) -> dict[str, Coded | Numbers]:
    """Return tracks by the names of their columns."""
    return dict(zip(unique_names(map(free_name, tracks)), tracks.values(), strict=True))


def _study(project: Project, states: ImportedStates) -> dict[str, Any]:
    """Return what stands in the place of a study: what is known, and no claim on how the states were made."""
    inference = InferenceConfig(surprisal=False, shard_tokens=states.shard)
    corpus, model = CorpusConfig(IMPORTED, (project.name,)), ModelConfig(IMPORTED)
    store = StoreConfig("float16" if states.dtype == "float16" else "float32")
    found = Study(project.name, corpus, model, inference, store, analyses=()).as_dict()
    found["inference"]["carry"] = "unknown"
    return found


def _write(record: Record, project: Project, corpus: ImportedCorpus, states: ImportedStates, print_: str) -> None:
    run, n_time = record.run, corpus.layout.n_time
    for name in project.left_out:
        log.warning("left out: %s", name)
    record.facts[IMPORTED] = {
        "from": "lstmvis",
        "project": project.name,
        "description": project.description,
        "sources": describe_sources(project),
        "layer_sizes": list(states.layer_sizes),
        "tracks": [track.name for track in project.tracks],
        "left_out": list(project.left_out),
        "not_known": list(UNKNOWN),
    }
    products = ("activations.zarr", "commits")  # first, for these are the values that may be refused
    with record.stage("activations", print_, products), Progress(Step("states", "tokens", n_time)) as bar:
        write_states(run, states, corpus, print_, bar)
    with record.stage("corpus", print_, ("corpus.zarr",)) as facts, Progress(Step("corpus", "tokens", n_time)) as bar:
        facts |= write_corpus(run / "corpus.zarr", corpus, states.shard, print_, bar)
