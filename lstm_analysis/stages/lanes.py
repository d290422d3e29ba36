"""One stream over many workers: lanes are planned, scouted, read, and checked where they meet.

Every lane but the first begins from a state that was scouted: where the tokens before it lead, read from zeros. Once
all are read, that state is compared with the true end of the lane before. Where the two differ in h or in c, the lane
is read again from the true end until it meets what is there. A model that does not forget is read in sequence.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .. import tasks
from ..cluster import work
from ..errors import UserError
from ..inference.forgetting import agree, differing, probe_positions, warm_up
from ..inference.lanes import Lanes, equal_streams, one_chain, parallel_lanes
from ..store import read_commits
from ..tasks import Job, Receipt
from ..tasks.carried import State, end_path, load_state, start_path
from .reading import NotForgotten, Reading, Task, forget_reading, perplexity
from .settling import Settled, settle
from .work import Work, explain, log

MAX_ROUNDS = 3
N_PROBE_TASK = 2
"""Workers that probe side by side."""


def open_reading(state: Work, job: Job) -> Reading:
    """Return the plan of the reading; it is made once a run and kept in ``run.json``."""
    inference = state.study.inference
    if inference.carry in ("document", "sentence"):
        return Reading(state, job, None)
    facts = state.record.facts.get("lanes")
    if facts is None or facts["fingerprint"] != state.prints["activations"]:
        forget_reading(state)
        facts = {"fingerprint": state.prints["activations"], **_plan(state, job)}
        state.record.facts["lanes"] = facts
        state.record.save()
        log.info("reading: %s", facts["choice"])
    lanes = Lanes(**facts["plan"])
    return Reading(state, replace(job, rows=lanes.rows), lanes)


def _plan(state: Work, job: Job) -> dict[str, Any]:
    inference, n_token = state.study.inference, state.record.facts["corpus"]["n_token"]
    if inference.streams is not None:
        lanes = equal_streams(n_token, inference.streams, inference.shard_tokens)
        return {"plan": asdict(lanes), "choice": describe(lanes, None, False)}
    lag = _probe(state, job, n_token)
    scouted = warm_up(lag, in_effect=job.settles)
    lanes = parallel_lanes(n_token, scouted, inference.shard_tokens)
    return {
        "plan": asdict(lanes),
        "forgetting_tokens": lag,
        "warm_up_tokens": scouted,
        "choice": describe(lanes, lag, job.settles),
    }


def _probe(state: Work, job: Job, n_token: int) -> int | None:
    """Return after how many tokens the model forgets, `None` if it does not."""
    probes, lags = probe_positions(n_token), []
    parts = [probes[i::N_PROBE_TASK] for i in range(N_PROBE_TASK)]
    queue = deque((i, job, part) for i, part in enumerate(parts))
    for _, outcome in work(state.client, "forgetting", tasks.probe_forgetting, queue):
        if isinstance(outcome, BaseException):
            raise UserError(
                f"Measuring how long the model remembers failed: {explain(outcome, state.run)}"
            ) from outcome
        lags.append(outcome)
    return None if None in lags else max(lags)


def describe(lanes: Lanes, lag: int | None, settles: bool) -> str:
    """Return one sentence on how the corpus is read and why."""
    where = "where reading began" + ", saturated cells aside, whose c is corrected in the end," * settles
    if not lanes.scouted:
        return f"{lanes.n_lane} streams of {lanes.length:,} tokens, each from a zero state, {lanes.group} side by side"
    if lanes.n_lane > 1:
        scouted = warm_up(lag, in_effect=settles)
        return (
            f"one stream in {lanes.n_lane} lanes of {lanes.length:,} tokens, {lanes.group} side by side: the model "
            f"forgets {where} within {lag:,} tokens, so each lane is scouted from {scouted:,} tokens "
            "before its start and checked against the end of the lane before it"
        )
    if lag is None:
        return (
            "one stream in sequence, by one worker: the model has a neuron that does not forget where reading began "
            "within a twenty-fourth of the corpus (a counter, an oscillator, or a corpus too short for its memory)"
        )
    return (
        f"one stream in sequence, by one worker: the model remembers {lag:,} tokens, too long for parallel lanes to "
        "pay in a corpus of this length"
    )


def read_corpus(reading: Reading, name: str, task: Task, receipts: dict[int, Receipt]) -> dict[str, Any]:
    """Read all shards that need it, and make lanes that are one stream meet; see `Reading.extract`.

    Returns
    -------
    Facts: tokens predicted, perplexity; for one stream also ``boundary_error`` (part, layer), the largest difference
    where lanes meet; ``n_repaired``, lanes that were read again; ``n_settled``, cells whose c was corrected in a lane,
    and ``settled_effect``, by how much h may be wrong because they were.

    Raises
    ------
    NotForgotten
        If lanes still do not meet after three rounds.
    """
    if reading.lanes is None or not reading.lanes.scouted:
        reading.extract(name, task, receipts)
        return perplexity(receipts)
    scout(reading)
    n_repaired = 0
    for _ in range(MAX_ROUNDS):
        reading.extract(name, task, receipts)
        starts, ends = _edges(reading)
        errors, repaired = check_edges(reading, starts, ends)
        n_repaired += repaired
        if repaired:
            log.info("%s: %d lanes do not begin where the one before ends and are read again", name, repaired)
        elif not drop_overtaken(reading, receipts):
            settled = settle(reading, receipts, starts, ends) if reading.job.settles else Settled()
            if not settled.n_again and not drop_overtaken(reading, receipts):
                return perplexity(receipts) | _edge_facts(errors, receipts, n_repaired, settled)
            n_repaired += settled.n_again
    raise NotForgotten


def _edge_facts(errors: Any, receipts: Mapping[int, Receipt], n_repaired: int, settled: Settled) -> dict[str, Any]:
    """Return how well the lanes meet."""
    error = np.max([errors, *(r["difference"] for r in receipts.values() if "difference" in r)], axis=0)
    facts = {"boundary_error": error.tolist(), "n_repaired": n_repaired}
    return facts | {"n_settled": settled.n_cell, "settled_effect": settled.effect}


def drop_overtaken(reading: Reading, receipts: dict[int, Receipt]) -> int:
    """Forget the shards whose commit is not the one that was received; return their number.

    A worker that Dask gave up may finish its old task after the shard was read again, and overwrite it.
    """
    commits = read_commits(reading.state.run)
    keys = ("start_crc32", "end_crc32", "checksums")
    wrong = [i for i, receipt in receipts.items() if any(commits.get(i, {}).get(k) != receipt.get(k) for k in keys)]
    for index in wrong:
        del receipts[index]
    return len(wrong)


def scout(reading: Reading) -> None:
    """Find the states that lanes begin from, group by group, where they are not known yet."""
    state, lanes = reading.state, reading.lanes
    assert lanes is not None
    groups = [(g, members) for g, members in enumerate(lanes.groups()) if members[-1] > 0]
    length = state.record.facts["lanes"].get("warm_up_tokens")
    queue = deque((g, [lanes.bounds(lane)[0] for lane in members], length, reading.job) for g, members in groups)
    with state.progress("scout", len(groups), unit="groups") as bar:
        for (g, *_), outcome in work(state.client, "scout", tasks.scout_lanes, queue):
            if isinstance(outcome, BaseException):
                raise UserError(f"Scouting the lanes failed: {explain(outcome, state.run)}") from outcome
            reading.starts[g] = outcome
            bar.update()


def check_edges(reading: Reading, starts: State, ends: State) -> tuple[Any, int]:
    """Compare the state each lane began from with the end of the lane before, and correct it where they differ.

    Parameters
    ----------
    reading
        Whose lanes were read.
    starts, ends
        States that each lane began from and ended with, dims (lane, part, layer, neuron).

    Returns
    -------
    The largest difference where lanes meet, dims (part, layer), saturated cells aside if they are settled later, and
    how many lanes have to be read again.
    """
    job, true = reading.job, np.concatenate([np.zeros_like(ends[:1]), ends[:-1]])
    same = agree(starts, true, job.tolerance, in_effect=job.settles)
    difference = np.where(job.settles & differing(starts, true, job.tolerance), 0, np.abs(starts - true))
    reading.begin_anew(np.where(same[:, None, None, None], starts, true), ~same)
    return difference[same].max(axis=(0, 3), initial=0), int((~same).sum())


def _edges(reading: Reading) -> tuple[State, State]:
    """Return the states that each lane began from and ended with, dims (lane, part, layer, neuron)."""
    run, lanes = reading.state.run, reading.lanes
    assert lanes is not None
    followed = {shard.after for shard in reading.shards}
    last = [shard for shard in reading.shards if shard.index not in followed]
    ends = np.concatenate([_loaded(end_path(run, shard.index)) for shard in last])
    starts = np.zeros_like(ends)
    for g, members in enumerate(lanes.groups()):
        if members[-1] > 0:
            starts[members] = _loaded(start_path(run, g))
    starts[0] = 0
    return starts, ends


def _loaded(path: Any) -> State:
    found = load_state(path)
    if found is None:
        raise UserError(f"The carried states in {path} are gone while the run goes on. Run the same command again.")
    return found


def read_in_sequence(state: Work, lanes: Lanes) -> None:
    """Plan the corpus anew as one lane, after its lanes did not meet."""
    log.warning(
        "the lanes do not meet after %d rounds: the model remembers more than was measured; the corpus is now read in "
        "sequence, by one worker",
        MAX_ROUNDS,
    )
    forget_reading(state)
    chain = one_chain(lanes.n_token, lanes.rows, state.study.inference.shard_tokens)
    facts = state.record.facts["lanes"]
    facts |= {"plan": asdict(chain), "choice": "one stream in sequence, by one worker: parallel lanes did not meet"}
    state.record.save()
