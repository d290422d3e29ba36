"""The stages of a study, each resumable: corpus, activations, labels, summary, selectivity."""

import errno
import logging
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import xarray as xr
import zarr
from tqdm import tqdm

from . import labels, reductions, schema, selectivity, tasks
from .cluster import work
from .config import AUTOMATIC, Study
from .corpus import CorpusBuilder, read_sentences
from .corpus.writing import write_corpus
from .errors import UserError
from .inference.checkpoints import save_exactly
from .inference.model import LanguageModel
from .inference.shards import Shard, plan_shards
from .record import Record
from .store import FINGERPRINT, create_activations, neuron_chunk, new_store, open_dataset, read_commits, write_dataset
from .tasks import FAN_IN, Job, Receipt

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

UNKNOWN_WARNING = 0.2
FEW_DOCUMENTS = 20
RANK_MEMORY = 2 << 30
"""Bytes that ranking a block of neurons may take on a worker; a longer corpus is scored from histograms."""


class ShardsFailed(UserError):
    """Some shards failed after all retries; the rest is done."""

    def __init__(self, failures: dict[int, str], n_shard: int) -> None:
        shown = "; ".join(f"shard {i}: {text}" for i, text in sorted(failures.items())[:5])
        super().__init__(
            f"{len(failures)} of {n_shard} shards failed and the rest is done: {shown}. Mend the cause and run again: "
            "only these shards are left.",
            exit_code=3,
        )


@dataclass
class Work:
    """A study at work: where, on what, with which fingerprints.

    Parameters
    ----------
    study
        What to do.
    run
        Folder of the run.
    client
        Dask client; ``None`` works in this process.
    record
        The run's ``run.json``.
    prints
        Fingerprint of each stage's inputs.
    """

    study: Study
    run: Path
    client: "Client | None"
    record: Record
    prints: dict[str, str]

    @contextmanager
    def stage(self, name: str, *products: str) -> Iterator[dict[str, Any]]:
        """Run a stage unless it is done."""
        with self.record.stage(name, self.prints[name], products) as facts:
            yield facts

    @property
    def stored(self) -> bool:
        """Whether states are kept on disk."""
        return self.study.store.activations != "none"


def end_symbol(study: Study, model: LanguageModel) -> str | None:
    """Return the symbol that ends each sentence: the study's, or that of a word model's vocabulary."""
    asked = study.corpus.end_of_sentence
    if asked != AUTOMATIC:
        return asked
    return model.vocabulary.end_of_sentence if model.vocabulary.level == "word" else None


def corpus_stage(state: Work, model: LanguageModel) -> None:
    """Read the corpus into ``corpus.zarr`` and put the model beside it."""
    config = state.study.corpus
    with state.stage("corpus", "corpus.zarr", "model.safetensors") as facts:
        sentences = read_sentences(
            config.format, [state.study.resolve(p) for p in config.path], config.sentences, config.documents
        )
        end = end_symbol(state.study, model)
        builder = CorpusBuilder(end, config.limit_tokens)
        save_exactly(state.run / "model.safetensors", model)
        with progress("corpus") as bar:
            facts |= write_corpus(
                state.run / "corpus.zarr",
                sentences,
                builder,
                model.vocabulary.encode,
                model.vocabulary.unknown,
                state.study.inference.shard_tokens,
                state.prints["corpus"],
                bar.update,
            )
        facts |= {"end_of_sentence": end, "unknown_share": facts["n_unknown"] / facts["n_token"]}
    report_corpus(facts)


def report_corpus(facts: dict[str, Any]) -> None:
    """Say what was read, and warn if the model does not know much of it."""
    log.info(
        "corpus: %s tokens in %s sentences of %s documents, %s types, %.2f %% unknown to the model%s",
        *(f"{facts[name]:,}" for name in ("n_token", "n_sentence", "n_document", "n_type")),
        100 * facts["unknown_share"],
        "; stopped at corpus.limit_tokens" if facts["limited"] else "",
    )
    if facts["unknown_share"] > UNKNOWN_WARNING:
        log.warning(
            "%.0f %% of the tokens are unknown to the model and are all read as the same symbol, so its states say "
            "little about them. Usual causes: the model was trained on lower-cased text or with other tokens (clitics, "
            "numbers, punctuation) than the corpus has, or on another language or level (words, characters).",
            100 * facts["unknown_share"],
        )


def make_job(state: Work, model: LanguageModel) -> Job:
    """Return what the tasks of the study need to know."""
    inference = state.study.inference
    few = state.record.facts["corpus"]["n_document"] < FEW_DOCUMENTS
    return Job(
        run=state.run.resolve(),
        model_digest=model.digest,
        carry=inference.carry,
        cell="cell" in inference.states and state.stored,
        surprisal=inference.surprisal,
        dtype=state.study.store.activations,
        device=inference.device,
        shard_tokens=inference.shard_tokens,
        context_group="sentence" if few else "document",
    )


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
            check_room(state.run, state_bytes(state.study, *sizes))
            create_activations(path, *sizes, variables, job.shard_tokens, state.prints["activations"])
        commits = read_commits(state.run)
        facts |= read_all(state, "extract", tasks.extract_shard, job, shards, commits)


def state_bytes(study: Study, n_token: int, n_layer: int, n_neuron: int) -> int:
    """Return the bytes that the states of a study take on disk."""
    size = {"float32": 4, "float16": 2, "none": 0}[study.store.activations]
    return n_token * n_layer * n_neuron * len(study.inference.states) * size


def check_room(run: Path, needed: int) -> None:
    """Refuse to begin what cannot fit on the disk."""
    free = shutil.disk_usage(run).free
    if needed > free:
        raise UserError(
            f"The states need {needed / 1e9:,.1f} GB, but the disk of {run} has {free / 1e9:,.1f} GB free. Make room, "
            "give --output on another disk, or keep less: store: {activations: float16}, inference.states: [hidden], or "
            "store: none."
        )


def read_all(
    state: Work,
    name: str,
    task: Callable[..., Receipt],
    job: Job,
    shards: Sequence[Shard],
    receipts: dict[int, Receipt],
    *extra: Any,
    done: Callable[[int], None] = lambda index: None,
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
            done(index)
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


def explain(error: BaseException, run: Path) -> str:
    """Return one sentence on why a task failed; a full disk stops the run.

    Raises
    ------
    UserError
        If the disk is full.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(run).free
        raise UserError(
            f"The disk of {run} is full ({free / 1e6:,.0f} MB free). What was finished is kept: make room and run the "
            "same command again. store: {activations: float16} halves the space, store: none needs next to none."
        ) from None
    if type(error).__name__ == "KilledWorker":
        return f"its worker died each time, most likely out of memory ({error})"
    if not isinstance(error, UserError):
        log.debug("task failed", exc_info=error)
    return f"{type(error).__name__}: {error}" if not isinstance(error, UserError) else str(error)


def labels_stage(state: Work, model: LanguageModel) -> None:
    """Label every token for every concept into ``labels.zarr``."""
    corpus = open_dataset(state.run / "corpus.zarr")
    sources = labels.build_sources(state.study.concepts, state.study.folder)
    names, origin = labels.concept_names(corpus, sources)
    job, shards = make_job(state, model), plan(state)
    counts = labels.LabelCounts.empty(names, corpus.sizes["type"], corpus.sizes["document_name"])
    with state.stage("labels", "labels.zarr") as facts, new_store(state.run / "labels.zarr") as folder:
        group = zarr.open_group(folder, mode="w", zarr_format=3)
        group.create_array(
            "label",
            shape=(shards[-1].stop, len(names)),
            chunks=(job.shard_tokens, len(names)),
            dtype="int8",
            fill_value=-1,
            dimension_names=schema.VARIABLES["label"].dims,
            attributes=dict(schema.VARIABLES["label"].attrs),
        )
        queue = deque((shard.index, shard, job, sources, folder.resolve()) for shard in shards)
        with progress("label", shards[-1].stop) as bar:
            for (_, shard, *_), outcome in work(state.client, "label", tasks.label_shard, queue):
                if isinstance(outcome, BaseException):
                    raise outcome
                counts = counts.merge(outcome)
                bar.update(shard.n_token)
        table = counts.finalise().assign_coords(source=("concept", np.array(origin, dtype=object)))
        table.assign_attrs({FINGERPRINT: state.prints["labels"]}).to_zarr(
            folder, mode="a", consolidated=False, zarr_format=3
        )
        facts |= {"n_concept": len(names), "empty": labels.empty_concepts(table)}
    for name in facts["empty"]:
        log.warning("the concept %r matches nothing in this corpus; its scores are NaN with counts 0", name)


def summary_stage(state: Work, model: LanguageModel) -> None:
    """Reduce the states to one summary, from the store or straight from the model."""
    job, shards = make_job(state, model), plan(state)
    with state.stage("summary", "summary.zarr") as facts:
        edges = bin_edges(state, job)
        tree = Tree(state, len(shards))
        if state.stored:
            queue = deque((s.index, s, job, edges) for s in shards if not tree.covers(s.index))
            with progress("summarize", shards[-1].stop) as bar:
                for (index, shard, *_), outcome in work(state.client, "summarize", tasks.summarize_shard, queue):
                    if isinstance(outcome, BaseException):
                        raise ShardsFailed({index: explain(outcome, state.run)}, len(shards)) from outcome
                    bar.update(shard.n_token)
        else:
            facts |= read_all(
                state, "stream", tasks.stream_shard, job, shards, read_commits(state.run), edges,
                redo=lambda index: not tree.covers(index),
            )  # fmt: skip
        summary = tree.merge()
        counts = open_dataset(state.run / "labels.zarr").drop_vars(["label", "n_token"]).load()
        summary = summary.assign_coords(counts.coords).assign(counts.data_vars)
        write_dataset(state.run / "summary.zarr", summary, state.prints["summary"])
    shutil.rmtree(state.run / "summaries", ignore_errors=True)


def bin_edges(state: Work, job: Job) -> xr.DataArray:
    """Return the histogram edges of each neuron, from a seeded pilot; kept with the partial summaries."""
    path = state.run / "summaries" / "bin_edge.zarr"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        spans = pilot_spans(state, job)
        (_, outcome), *_ = work(state.client, "pilot", tasks.pilot_states, deque([(0, job, spans)]))
        if isinstance(outcome, BaseException):
            raise outcome
        pilot = xr.DataArray(outcome, dims=schema.VARIABLES["hidden_state"].dims)
        write_dataset(path, reductions.pilot_edges(pilot).to_dataset(name="bin_edge"), state.prints["summary"])
    return open_dataset(path)["bin_edge"].load()


def pilot_spans(state: Work, job: Job) -> list[tuple[int, int]]:
    """Return documents or sentences in a seeded random order, as many as a pilot can need."""
    corpus = zarr.open_group(state.run / "corpus.zarr", mode="r")
    rng, n_token = np.random.default_rng(state.study.seed), state.record.facts["corpus"]["n_token"]
    if job.carry == "document":
        starts = np.append(np.asarray(corpus["document_start"][:]), n_token)  # type: ignore[index]
        return [(int(starts[i]), int(starts[i + 1])) for i in rng.permutation(len(starts) - 1)]
    position, length = corpus["sentence_position"], corpus["sentence_length"]
    spans = []
    for time in rng.integers(0, n_token, 4096):
        start = int(time) - int(position[int(time)])  # type: ignore[index, arg-type]
        spans.append((start, start + int(length[start])))  # type: ignore[index, arg-type]
    return spans


class Tree:
    """The merging of partial summaries: a fixed tree by index, whose nodes are stores that replace their children.

    Sums are integers, so the order of merging does not show in the result.
    """

    def __init__(self, state: Work, n_shard: int) -> None:
        self.state, self.sizes = state, [n_shard]
        while self.sizes[-1] > 1:
            self.sizes.append(-(-self.sizes[-1] // FAN_IN))

    def covers(self, index: int) -> bool:
        """Whether the shard's summary is on disk, alone or merged."""
        run = self.state.run
        return any(tasks.partial_path(run, k, index // FAN_IN**k).exists() for k in range(len(self.sizes)))

    def merge(self) -> xr.Dataset:
        """Merge all levels and return the root."""
        run = self.state.run
        for level in range(1, len(self.sizes)):
            queue: deque[tuple[Any, ...]] = deque()
            for node in range(self.sizes[level]):
                children = range(node * FAN_IN, min((node + 1) * FAN_IN, self.sizes[level - 1]))
                if not tasks.partial_path(run, level, node).exists() and not self._above(level, node):
                    queue.append((node, level, list(children), run.resolve()))
            for _, outcome in work(self.state.client, f"merge-{level}", tasks.merge_partials, queue):
                if isinstance(outcome, BaseException):
                    raise UserError(f"Merging the summaries failed: {explain(outcome, run)}")
        return open_dataset(tasks.partial_path(run, len(self.sizes) - 1, 0)).load()

    def _above(self, level: int, node: int) -> bool:
        levels = range(level + 1, len(self.sizes))
        return any(tasks.partial_path(self.state.run, k, node // FAN_IN ** (k - level)).exists() for k in levels)


def selectivity_stage(state: Work, model: LanguageModel) -> None:
    """Score every neuron for every concept; tuning curves, contexts and the ranked table."""
    job, names = make_job(state, model), list(state.study.selectivity.measures)
    products = ("selectivity.zarr", "sentence_position.zarr", "contexts.zarr", "neurons.parquet")
    with state.stage("selectivity", *products) as facts:
        summary = open_dataset(state.run / "summary.zarr").load()
        scores = selectivity.measure(summary, names)
        facts["exact"] = False
        if state.stored and {"auroc", "average_precision"} & set(names):
            scores, facts["exact"] = exact_scores(state, job, model, scores)
        print_ = state.prints["selectivity"]
        write_dataset(state.run / "selectivity.zarr", scores, print_)
        write_dataset(state.run / "sentence_position.zarr", reductions.tuning_from_summary(summary), print_)
        contexts = summary[[name for name in summary if str(name).startswith("context_")]]
        write_dataset(state.run / "contexts.zarr", contexts, print_)
        table = selectivity.neuron_table(scores)
        temporary = state.run / ".neurons.parquet"
        table.to_parquet(temporary, index=False)
        temporary.replace(state.run / "neurons.parquet")


def exact_scores(state: Work, job: Job, model: LanguageModel, scores: xr.Dataset) -> tuple[xr.Dataset, bool]:
    """Put exact ranks of the stored states in place of the histograms' auroc and average precision."""
    n_token, n_concept = state.record.facts["corpus"]["n_token"], scores.sizes["concept"]
    chunk = neuron_chunk(model.n_neuron)
    budget = min(RANK_MEMORY, psutil.virtual_memory().available // 8)
    if n_token * (4 * chunk + n_concept + 24) > budget:
        log.warning("the corpus is too long to rank in memory; auroc and average_precision come from histograms")
        return scores, False
    blocks = [
        ((layer, first), layer, slice(first, min(first + chunk, model.n_neuron)), job)
        for layer in range(model.n_layer)
        for first in range(0, model.n_neuron, chunk)
    ]
    exact = {name: scores[name].copy() for name in ("auroc", "average_precision") if name in scores}
    with progress("rank", len(blocks), unit=" blocks") as bar:
        for (_, layer, neurons, _), outcome in work(state.client, "rank", tasks.rank_block, deque(blocks)):
            if isinstance(outcome, BaseException):
                raise UserError(f"Ranking failed: {explain(outcome, state.run)}")
            for name, values in exact.items():
                values[{"layer": layer, "neuron": neurons}] = outcome[name]
            bar.update()
    for name, values in exact.items():
        scores[name] = values.where(scores[name].notnull())
    if "auroc" in exact:
        scores["auroc_error_bound"] = xr.zeros_like(scores["auroc_error_bound"]).where(scores["auroc"].notnull())
    return scores, True


def progress(name: str, total: int | None = None, initial: int = 0, unit: str = " tokens") -> "tqdm[Any]":
    """Return a progress bar on stderr with rate and time left."""
    return tqdm(total=total, initial=initial, desc=name, unit=unit, unit_scale=True, mininterval=1.0, leave=True)
