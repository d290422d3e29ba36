"""A study from its file to its results: what is checked first, the plan, and the stages in order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from . import labels
from .cluster import check_file, open_client
from .companions import EPOCHS, REPLICATES, Companion, companions, end_epoch, epoch_files
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
from .stages.matched import match_replicate
from .stages.training_dynamics import write_training_dynamics
from .stages.tuning import check_graded
from .stages.work import log
from .store import open_dataset, remove_leftovers
from .submission.status_writer import StatusWriter
from .train import train

PROFILE = "profile.html"
NOT_KEPT = {"corpus", "activations"}
"""Stages whose products a companion loses when it is done."""


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
        beside = companions_left(state, model)
        if todo or beside:
            report = performance_report(run / PROFILE) if profile and not in_process else nullcontext()
            with (
                nullcontext(None) if in_process else open_client(cluster, run) as state.client,
                watch(state.client, study.name) as listeners,
                report,
            ):
                status.watch(state.client)
                state.listeners = (*state.listeners, *listeners)
                run_stages(state, model, sources, todo)
                for stage, found in beside.items():
                    run_companions(state, model, stage, found, sources)
            remove_leftovers(run)
        if todo or beside or not state.record.is_done("report"):
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


def companions_left(state: Work, model: LanguageModel) -> dict[str, list[Companion]]:
    """Return the companions of stages that are not done, by stage."""
    found: dict[str, list[Companion]] = {}
    for one in companions(state.study, model):
        if not state.record.is_done(one.stage):
            found.setdefault(one.stage, []).append(one)
    return found


def run_companions(
    state: Work,
    model: LanguageModel,
    stage: str,
    found: Sequence[Companion],
    sources: Mapping[str, labels.LabelSource],
) -> None:
    """Put a stage's companions through the study, one after the other, each in a folder of the run."""
    with state.stage(stage, *PRODUCTS[stage]):
        for one in found:
            run_companion(state, one, sources)
        if stage == EPOCHS:
            runs = {float(one.name): Run(state.run / one.place) for one in found}
            write_training_dynamics(state, end_epoch(state.study, model, epoch_files(state.study)), runs)


def run_companion(state: Work, one: Companion, sources: Mapping[str, labels.LabelSource]) -> None:
    """Put a model through the study beside the study's model, or what is left of it; its states are not kept."""
    folder = state.run / one.place
    log.info("%s: %s is put through the same study", one.place, describe(one))
    folder.mkdir(parents=True, exist_ok=True)
    model = trained_model(one.study)
    work = start_work(one.study, folder, model, force=True)
    work.client, work.inside, work.beside, work.listeners = state.client, one.place, state.activations, state.listeners
    if state.on_stage is not None:
        work.on_stage = partial(_tell, state.on_stage, one.place)
    left = stages_left(work)
    if not set(left) <= NOT_KEPT or not all(work.record.ended(name) for name in left):
        run_stages(work, model, sources, left)
    if one.stage == REPLICATES and "neuron_matching" in (state.study.analyses or ()):
        match_replicate(state, work)
    for place in [work.activations, *(folder / name for name in (*PRODUCTS["activations"], *PRODUCTS["corpus"][1:]))]:
        remove(place)


def describe(one: Companion) -> str:
    """Return what a companion is, for the log."""
    if one.study.model.twin is not None:
        return f"a random-weights model ({one.study.model.twin})"
    return f"the model after epoch {one.name}" if one.stage == EPOCHS else one.study.model.checkpoint


def _tell(on_stage: Callable[[str], None], place: str, name: str) -> None:
    on_stage(f"{place}/{name}")
