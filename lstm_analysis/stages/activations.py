"""Stage activations: every shard through the model, its states into ``activations.zarr``."""

import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import schema, tasks
from ..cluster import work
from ..config import Study
from ..errors import UserError
from ..inference.forgetting import N_PROBE
from ..inference.model import LanguageModel
from ..inference.shards import Shard
from ..store import add_attrs, commit_path, create_activations, read_commits, read_fingerprint, remove_rows
from ..tasks import Job, Receipt
from .lanes import open_reading, read_corpus, read_in_sequence
from .reading import NotForgotten, Reading, forget_reading, keep_model
from .work import Work, explain, log, make_job

PROBE_TOKENS = 512


def activations_stage(state: Work, model: LanguageModel) -> None:
    """Read every shard through the model and keep its states in ``activations.zarr``."""
    job = make_job(state, model)
    with state.stage("activations", product(state)) as facts:
        keep_model(state, model)
        if job.precision != "float32":
            facts["precision_error"] = precision_error(state, job)
        reading = open_reading(state, job)
        try:
            facts |= keep_states(reading, model)
        except NotForgotten:
            assert reading.lanes is not None
            read_in_sequence(state, reading.lanes)
            facts |= keep_states(open_reading(state, job), model)
        sizes = {"layer_sizes": list(model.layer_sizes)}
        add_attrs(state.activations, reading_attrs(state, facts) | sizes)


def product(state: Work) -> str:
    """Return what ``run.json`` calls the states: a file of the run's folder, or a URL."""
    place = state.activations
    return place.name if isinstance(place, Path) else place


def precision_error(state: Work, job: Job) -> dict[str, list[float]]:
    """Measure what the precision costs on a few passages of the corpus; the largest error by state, dims (layer)."""
    n_token = state.record.facts["corpus"]["n_token"]
    spans = [(past, min(past + PROBE_TOKENS, n_token)) for past in range(0, n_token, -(-n_token // N_PROBE))]
    (_, outcome), *_ = work(state.client, "precision", tasks.probe_precision, deque([(0, job, spans)]))
    if isinstance(outcome, BaseException):
        raise UserError(f"Measuring the error of {job.precision} failed: {explain(outcome, state.run)}") from outcome
    found: dict[str, list[float]] = outcome
    log.warning(
        "products in %s: states differ from float32 by up to %s on %d passages of %d tokens",
        job.precision,
        ", ".join(f"{max(errors):.2g} ({name})" for name, errors in found.items()),
        len(spans),
        PROBE_TOKENS,
    )
    return found


def keep_states(reading: Reading, model: LanguageModel) -> dict[str, Any]:
    """Make the store if it is not there, and extract what it lacks; return facts as `read_corpus` does."""
    state, job = reading.state, reading.job
    path = state.activations
    found = read_fingerprint(path)
    if found != state.prints["activations"]:
        if found is not None and not isinstance(path, Path):
            raise UserError(
                f"{path} holds the states of another run. Give the run another name (--output), another store.url, or "
                "remove what is there."
            )
        forget_reading(state)
        if isinstance(path, Path):
            check_room(state.run, state_bytes(state.study, reading.n_token, model))
        variables = {schema.STORED_STATE[name]: job.dtype for name in job.states}
        variables |= {"surprisal": "float32"} if job.surprisal else {}
        sizes = reading.n_token, model.n_layer, model.n_neuron
        create_activations(path, *sizes, variables, job.rows, state.prints["activations"], job.coordinates)
    damaged = find_damaged(reading, [shard for shard in reading.shards if shard.index in read_commits(state.run)])
    return extract(reading, damaged)


def mend_states(state: Work, model: LanguageModel) -> None:
    """Read the shards again whose states an earlier program stored and which are not what was committed."""
    reading = open_reading(state, make_job(state, model))
    commits = read_commits(state.run)
    damaged = find_damaged(reading, [shard for shard in reading.shards if shard.index in commits])
    damaged |= {shard.index: "its commit is lost" for shard in reading.shards if shard.index not in commits}
    if damaged:
        keep_model(state, model)
        extract(reading, damaged)


def find_damaged(reading: Reading, shards: Sequence[Shard]) -> dict[int, str]:
    """Return the shards whose rows on disk are not those that were committed, each with what is wrong."""
    if not shards:
        return {}
    state, found = reading.state, {}
    queue = deque((shard.index, shard, reading.job) for shard in shards)
    with state.progress("verify", sum(shard.n_token for shard in shards), n_task=len(shards)) as bar:
        for (index, shard, *_), outcome in work(state.client, "verify", tasks.find_damage, queue):
            if isinstance(outcome, BaseException):
                raise UserError(f"Verifying shard {index} failed: {explain(outcome, state.run)}") from outcome
            if outcome is not None:
                found[index] = outcome
            bar.update(shard.n_token)
    return found


def extract(reading: Reading, damaged: dict[int, str]) -> dict[str, Any]:
    """Extract the shards that have no commit and those that are damaged; return facts as `read_corpus` does."""
    run = reading.state.run
    for index, reason in sorted(damaged.items()):
        log.warning("the stored states of shard %d are damaged (%s); it is extracted again", index, reason)
        commit_path(run, index).unlink(missing_ok=True)
    commits = read_commits(run)
    remove_uncommitted(reading, commits)
    return read_corpus(reading, "extract", tasks.extract_shard, commits)


def remove_uncommitted(reading: Reading, commits: Mapping[int, Receipt]) -> None:
    """Remove stored rows that no commit vouches for: Zarr reads what it replaces, and fails where that is damaged."""
    rows = reading.job.rows
    kept = {
        number
        for shard in reading.shards
        if shard.index in commits
        for start, stop in shard.spans
        for number in range(start // rows, -(-stop // rows))
    }
    remove_rows(reading.state.activations, kept)


def reading_attrs(state: Work, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return how states were carried, for the store's attributes."""
    inference, lanes = state.study.inference, state.record.facts.get("lanes", {})
    attrs: dict[str, Any] = {"carry": inference.carry, "precision": inference.precision}
    attrs |= {"precision_error": facts["precision_error"]} if "precision_error" in facts else {}
    if inference.carry in ("continuous", "streams"):
        attrs |= {name: lanes["plan"][name] for name in ("n_lane", "length")}
    if inference.carry == "continuous":
        attrs |= {"tolerance": inference.tolerance, "choice": lanes["choice"]}
        attrs |= {name: lanes.get(name) for name in ("forgetting_tokens", "warm_up_tokens")}
        attrs |= {name: facts[name] for name in ("boundary_error", "n_settled", "settled_effect")}
    return attrs


def state_bytes(study: Study, n_token: int, model: LanguageModel) -> int:
    """Return the bytes that the states of a study take on disk."""
    size = {"float32": 4, "float16": 2, "none": 0}[study.store.activations]
    return n_token * model.n_layer * model.n_neuron * len(study.inference.kept(model.cell)) * size


def check_room(run: Path, needed: int) -> None:
    """Refuse to begin what cannot fit on the disk."""
    free = shutil.disk_usage(run).free
    if needed > free:
        raise UserError(
            f"The states need {needed / 1e9:,.1f} GB, but the disk of {run} has {free / 1e9:,.1f} GB free. Make room, "
            "give --output on another disk, or keep less: store: {activations: float16}, inference.states: [hidden], "
            "or store: none."
        )
