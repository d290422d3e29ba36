"""Stage summary: the states to one mergeable summary, from the store or straight from the model."""

import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
import zarr

from .. import reductions, schema, tasks
from ..cluster import work
from ..errors import UserError
from ..inference.model import LanguageModel
from ..inference.shards import Shard
from ..packed import read_packed, write_packed
from ..store import open_dataset, read_commits, write_dataset
from ..tasks import FAN_IN, Job
from .activations import extract, precision_error
from .lanes import open_reading, read_corpus, read_in_sequence
from .reading import NotForgotten, Reading, forget_reading, keep_model
from .tables import corpus_columns, count_types
from .work import ShardsFailed, Work, explain, log, make_job

PILOT_PASSAGES = 32
PILOT_PASSAGE_TOKENS = 512


def summary_stage(state: Work, model: LanguageModel) -> None:
    """Reduce the states to one summary, from the store or straight from the model."""
    job = make_job(state, model)
    with state.stage("summary", "summary.zarr") as facts:
        keep_model(state, model)
        if not state.stored and not (state.run / "summaries").exists():
            forget_reading(state)
        if not state.stored and job.precision != "float32":
            facts["precision_error"] = precision_error(state, job)
        make_pilot(state, job)
        rows = type_rows(state)
        reading = open_reading(state, job)
        tree = Tree(state, len(reading.shards))
        if state.stored:
            summarize_stored(reading, tree)
        else:
            try:
                facts |= summarize_stream(reading, tree)
            except NotForgotten:
                assert reading.lanes is not None
                read_in_sequence(state, reading.lanes)
                reading = open_reading(state, job)
                tree = Tree(state, len(reading.shards))
                facts |= summarize_stream(reading, tree)
        summary = tree.merge().assign(
            table_type_id=("table_type", rows.table_type_id), duplicate_of=tasks.read_pilot(state.run)["duplicate_of"]
        )
        counts = open_dataset(state.run / "labels.zarr").drop_vars(["label", "n_token"]).load()
        summary = summary.assign_coords(counts.coords).assign(counts.data_vars)
        write_dataset(state.run / "summary.zarr", summary, state.prints["summary"])
    shutil.rmtree(state.run / "summaries", ignore_errors=True)


def summarize_stream(reading: Reading, tree: "Tree") -> dict[str, Any]:
    """Summarise the states of all shards as they come from the model; return facts as `read_corpus` does.

    Lanes that are scouted may be read again from another state, so their summaries are merged in the end.
    """
    if reading.lanes is None or not reading.lanes.scouted:
        reading.job = replace(reading.job, n_merged=len(reading.shards))
    receipts = {i: receipt for i, receipt in read_commits(reading.state.run).items() if tree.covers(i)}
    return read_corpus(reading, "stream", tasks.stream_shard, receipts)


def summarize_stored(reading: Reading, tree: "Tree") -> None:
    """Summarise the stored states of all shards; what is damaged is extracted again and then summarised.

    Raises
    ------
    ShardsFailed
        If a shard fails, or is damaged again as soon as it is written.
    """
    shards = reading.shards
    damaged = summarize_shards(reading, [shard for shard in shards if not tree.covers(shard.index)])
    if damaged:
        extract(reading, damaged)
        damaged = summarize_shards(reading, [shards[i] for i in damaged])
    if damaged:
        raise ShardsFailed(
            {i: f"damaged again right after it was written ({damaged[i]})" for i in damaged}, len(shards)
        )


def summarize_shards(reading: Reading, shards: Sequence[Shard]) -> dict[int, str]:
    """Summarise the stored states of some of the run's shards; return the damaged ones, each with what is wrong."""
    state, damaged = reading.state, {}
    job = replace(reading.job, n_merged=len(reading.shards))
    queue = deque((shard.index, shard, job) for shard in shards)
    with state.progress("summarize", sum(shard.n_token for shard in shards), n_task=len(shards)) as bar:
        for (index, shard, *_), outcome in work(state.client, "summarize", tasks.summarize_shard, queue):
            if isinstance(outcome, BaseException):
                raise ShardsFailed({index: explain(outcome, state.run)}, len(reading.shards)) from outcome
            if outcome is not None:
                damaged[index] = outcome
            bar.update(shard.n_token)
    return damaged


def make_pilot(state: Work, job: Job) -> None:
    """Keep beside the partial summaries what a seeded pilot of tokens says; see `tasks.read_pilot`."""
    path = tasks.pilot_path(state.run)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        spans = pilot_spans(state, job)
        (_, outcome), *_ = work(state.client, "pilot", tasks.pilot_states, deque([(0, job, spans)]))
        if isinstance(outcome, BaseException):
            raise UserError(f"Reading the pilot for the histograms failed: {explain(outcome, state.run)}") from outcome
        pilot = xr.DataArray(outcome, dims=schema.VARIABLES["hidden_state"].dims)
        found = reductions.pilot_edges(pilot).to_dataset(name="bin_edge")
        found["duplicate_of"] = (("layer", "neuron"), reductions.duplicate_groups(outcome))
        write_packed(path, found)


def type_rows(state: Work) -> reductions.TypeRows:
    """Return which types and groups of documents have sums of their own; kept with the partial summaries."""
    corpus = corpus_columns(state.run)
    counts, n_token = count_types(corpus), state.record.facts["corpus"]["n_token"]
    rows = reductions.plan_type_rows(counts, np.asarray(corpus["document_start"][:]), n_token)
    if rows.n_type == reductions.MAX_TYPE:
        log.warning(
            "%s types have %s tokens or more; tests that exchange words know the %s most frequent ones",
            f"{int((counts >= reductions.MIN_TYPE_TOKEN).sum()):,}", reductions.MIN_TYPE_TOKEN, f"{rows.n_type:,}",
        )  # fmt: skip
    tasks.keep_type_rows(state.run, rows)
    return rows


def pilot_spans(state: Work, job: Job) -> list[tuple[int, int]]:
    """Return documents or sentences in a seeded random order, as many as a pilot can need."""
    corpus = zarr.open_group(state.run / "corpus.zarr", mode="r")
    rng, n_token = np.random.default_rng(state.study.seed), state.record.facts["corpus"]["n_token"]
    if job.carry == "document":
        starts = np.append(np.asarray(corpus["document_start"][:]), n_token)  # type: ignore[index]
        return [(int(starts[i]), int(starts[i + 1])) for i in rng.permutation(len(starts) - 1)]
    if job.carry != "sentence":
        starts = rng.integers(0, n_token, PILOT_PASSAGES)
        return [(int(start), min(int(start) + PILOT_PASSAGE_TOKENS, n_token)) for start in starts]
    spans: dict[int, int] = {}
    for time in rng.integers(0, n_token, PILOT_PASSAGES):
        passage = slice(int(time), int(time) + PILOT_PASSAGE_TOKENS)
        position, length = (
            job.column("corpus.zarr", f"sentence_{name}", (passage.start, passage.stop))
            for name in ("position", "length")
        )
        first = np.arange(passage.start, passage.start + len(position)) - position
        spans |= dict(zip(first.tolist(), (first + length).tolist(), strict=True))
    return list(spans.items())


class Tree:
    """The merging of partial summaries; see `tasks.summaries`. Sums are integers, so the order does not show."""

    def __init__(self, state: Work, n_shard: int) -> None:
        self.state, self.sizes = state, tasks.tree_sizes(n_shard)
        self._there = tasks.partials_there(state.run)

    def covers(self, index: int) -> bool:
        """Whether the shard's summary was on disk at the beginning, alone or merged."""
        return self._is_in(0, index)

    def merge(self) -> xr.Dataset:
        """Merge what workers have not merged yet and return the root."""
        run, n_shard = self.state.run, self.sizes[0]
        for level in range(1, len(self.sizes)):
            self._there = tasks.partials_there(run)
            left = [node for node in range(self.sizes[level]) if not self._is_in(level, node)]
            queue = deque((node, level, tasks.children_of(level, node, n_shard), run.resolve()) for node in left)
            for _, outcome in work(self.state.client, f"merge-{level}", tasks.merge_partials, queue):
                if isinstance(outcome, BaseException):
                    raise UserError(f"Merging the summaries failed: {explain(outcome, run)}")
        return read_packed(tasks.partial_path(run, len(self.sizes) - 1, 0))

    def _is_in(self, level: int, index: int) -> bool:
        levels = range(level, len(self.sizes))
        return any((k, index // FAN_IN ** (k - level)) in self._there for k in levels)
