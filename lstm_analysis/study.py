"""A study from its file to its results: what is checked first, the plan, and the stages in order."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from . import labels
from .cluster import check_file, open_client
from .config import Study
from .dashboard import watch
from .inference.model import LanguageModel
from .inputs import check_model, corpus_files, fingerprints, model_facts, trained_model, validate
from .locations import remove
from .lock import RunLock
from .packed import remove_damaged
from .record import PRODUCTS, Record, read_record
from .report import write_report
from .run import Run, open_run
from .stages import STAGES, Work
from .stages.activations import mend_states
from .stages.tuning import check_graded
from .stages.work import log
from .store import open_dataset, remove_leftovers
from .submission.status_writer import StatusWriter
from .train import train

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
    corpus = open_dataset(state.run / "corpus.zarr")
    labels.concept_names(corpus, sources)  # a misfit shall not wait for states
    check_graded(corpus, state.study.graded)
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
    analyses = tuple(name for name in state.study.analyses or () if name != "lesion")  # it has nothing to lose
    study = dataclasses.replace(
        state.study, model=model_config, selectivity=selectivity, inference=inference, analyses=analyses
    )
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
