"""Stage activations: every shard through the model, its states into ``activations.zarr``."""

import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from .. import tasks
from ..cluster import work
from ..config import Study
from ..errors import UserError
from ..inference.model import LanguageModel
from ..inference.shards import Shard, plan_shards
from ..store import FINGERPRINT, commit_path, create_activations, read_commits
from ..tasks import Job, Receipt
from .work import ShardsFailed, Work, explain, log, make_job, progress


def activations_stage(state: Work, model: LanguageModel) -> None:
    """Read every shard through the model and keep its states in ``activations.zarr``."""
    job, shards = make_job(state, model), plan(state)
    kind = state.study.store.activations
    variables = {"hidden_state": kind}
    variables |= {"cell_state": kind} if job.cell else {}
    variables |= {"surprisal": "float32"} if job.surprisal else {}
    with state.stage("activations", "activations.zarr") as facts:
        path = state.run / "activations.zarr"
        if not path.exists() or zarr.open_group(path, mode="r").attrs[FINGERPRINT] != state.prints["activations"]:
            shutil.rmtree(state.run / "commits", ignore_errors=True)
            sizes = state.record.facts["corpus"]["n_token"], model.n_layer, model.n_neuron
            check_room(state.run, state_bytes(state.study, sizes[0], model))
            create_activations(path, *sizes, variables, job.shard_tokens, state.prints["activations"])
        damaged = find_damaged(state, job, [shards[i] for i in read_commits(state.run)])
        facts |= extract(state, job, shards, damaged)


def find_damaged(state: Work, job: Job, shards: Sequence[Shard]) -> dict[int, str]:
    """Return the shards whose rows on disk are not those that were committed, each with what is wrong."""
    if not shards:
        return {}
    found = {}
    queue = deque((shard.index, shard, job) for shard in shards)
    with progress("verify", sum(shard.n_token for shard in shards)) as bar:
        for (index, shard, *_), outcome in work(state.client, "verify", tasks.find_damage, queue):
            if isinstance(outcome, BaseException):
                raise UserError(f"Verifying shard {index} failed: {explain(outcome, state.run)}") from outcome
            if outcome is not None:
                found[index] = outcome
            bar.update(shard.n_token)
    return found


def extract(state: Work, job: Job, shards: Sequence[Shard], damaged: dict[int, str]) -> dict[str, Any]:
    """Extract the shards that have no commit and those that are damaged; return facts as `read_all` does."""
    for index, reason in sorted(damaged.items()):
        log.warning("the stored states of shard %d are damaged (%s); it is extracted again", index, reason)
        commit_path(state.run, index).unlink(missing_ok=True)
    commits = read_commits(state.run)
    remove_uncommitted(state.run, commits)
    return read_all(state, "extract", tasks.extract_shard, job, shards, commits)


def remove_uncommitted(run: Path, commits: Mapping[int, Receipt]) -> None:
    """Remove stored rows that no commit vouches for: Zarr reads what it replaces, and fails where that is damaged."""
    for folder in (run / "activations.zarr").glob("*/c"):
        for entry in folder.iterdir():
            if entry.name.isdecimal() and int(entry.name) not in commits:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def plan(state: Work) -> list[Shard]:
    """Return the shards of the run's corpus."""
    corpus = zarr.open_group(state.run / "corpus.zarr", mode="r")
    n_token = state.record.facts["corpus"]["n_token"]
    if state.study.inference.carry == "document":
        starts = np.asarray(corpus["document_start"][:])  # type: ignore[index]

        def stream_start(time: int) -> int:
            return int(starts[np.searchsorted(starts, time, side="right") - 1])

    else:
        position = corpus["sentence_position"]

        def stream_start(time: int) -> int:
            return time - int(position[time])  # type: ignore[index, arg-type]

    return plan_shards(n_token, state.study.inference.shard_tokens, stream_start)


def read_all(
    state: Work,
    name: str,
    task: Callable[..., Receipt],
    job: Job,
    shards: Sequence[Shard],
    receipts: dict[int, Receipt],
    *extra: Any,
    redo: Callable[[int], bool] = lambda index: False,
) -> dict[str, Any]:
    """Do the model's reading of all shards that have no receipt yet; a shard that continues waits for its predecessor.

    Returns
    -------
    Facts: tokens predicted and perplexity.
    """
    left = [shard for shard in shards if shard.index not in receipts or redo(shard.index)]
    if len(left) < len(shards):
        log.info("%s: %d of %d shards are there already", name, len(shards) - len(left), len(shards))

    def ready(shard: Shard) -> bool:
        return not shard.continues or shard.index - 1 in receipts

    def arguments(shard: Shard) -> tuple[Any, ...]:
        start = tasks.end_state(receipts[shard.index - 1]) if shard.continues else None
        return (shard.index, shard, job, start, *extra)

    pending = {shard.index for shard in left}
    queue = deque(
        arguments(shard) for shard in left if ready(shard) and not (shard.continues and shard.index - 1 in pending)
    )
    failures: dict[int, str] = {}
    with progress(name, shards[-1].stop, initial=shards[-1].stop - sum(s.n_token for s in left)) as bar:
        for (index, shard, *_), outcome in work(state.client, name, task, queue):
            if isinstance(outcome, BaseException):
                failures[index] = explain(outcome, state.run)
                continue
            receipts[index] = outcome
            bar.update(shard.n_token)
            if index + 1 in pending and shards[index + 1].continues:
                queue.append(arguments(shards[index + 1]))
    for shard in left:
        if shard.index not in receipts and shard.index not in failures:
            failures[shard.index] = "waits for the shard before it"
    if failures:
        raise ShardsFailed(failures, len(shards))
    return perplexity(receipts)


def perplexity(receipts: dict[int, Receipt]) -> dict[str, Any]:
    """Return the perplexity over all shards, summed in their order."""
    n = sum(receipt.get("n_predicted", 0) for receipt in receipts.values())
    if not n:
        return {"n_predicted": 0}
    bits = sum(receipts[i]["surprisal_sum"] for i in sorted(receipts)) / n
    return {"n_predicted": n, "bits_per_token": bits, "perplexity": 2.0**bits}


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
