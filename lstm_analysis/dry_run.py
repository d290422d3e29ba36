"""The plan of a study without running it: shards, bytes, memory and time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cluster import local_size
from .companions import EPOCHS, REPLICATES, TWIN, Companion, companions, replicates
from .config import Study, load_cluster
from .corpus import empty_corpus
from .inference.extraction import choose_device
from .inference.forgetting import in_rows, measure_forgetting, probe_positions, warm_up
from .inference.lanes import equal_streams, parallel_lanes
from .inference.model import LanguageModel
from .inference.reader import StreamReader
from .inference.trial import measure_rate
from .inputs import trained_model, validate
from .memory_plan import concept_bytes, driver_bytes, scheduler_bytes, worker_bytes
from .progress import Progress, Step
from .stages.activations import state_bytes
from .stages.corpus import corpus_builder, study_sentences
from .stages.lanes import describe
from .stages.work import can_settle
from .tables import describe_layers

COUNTED = {REPLICATES: "replicate", EPOCHS: "earlier epoch"}


def describe_plan(study: Study, output: Path | None = None, cluster: Path | None = None) -> str:
    """Return the plan of a study as text.

    The corpus is read once to count its tokens; the speed is measured on the spot on this machine's first device.
    """
    validate(study)
    model = trained_model(study)
    size = count(study, model)
    n_token, n_piece, n_type = size.n_token, size.n_piece, len(size.type_n_token)
    inference = study.inference
    carry, n_shard, n_scouted = explain_carry(study, model, n_token, n_piece)
    rate = measure_rate(
        model, inference.device, inference.surprisal, kernel=inference.kernel, precision=inference.precision
    )
    n_worker = local_size()["n_workers"] if cluster is None or load_cluster(cluster).class_ == "LocalCluster" else None
    workers = n_worker or 1
    beside = companions(study, model)
    readings = 1 + len(beside)
    seconds = readings * (max(n_piece, n_token) + n_scouted) / (rate * workers)
    twice = ", twice that while another model is read" if beside and study.store.activations != "none" else ""
    models = [model, *(trained_model(one.study) for one in replicates(study))]
    memory = max(worker_bytes(study, one, n_token, n_piece / n_token, n_type) for one in models)
    driver = max(driver_bytes(study, one, n_shard, size.n_document, size.type_n_token) for one in models)
    lines = [
        f"study       {study.name}, results in {output or study.output}",
        f"corpus      {n_token:,} tokens in {size.n_sentence:,} sentences of {size.n_document:,} documents",
        f"model       {describe_layers(model.layer_sizes)} neurons, vocabulary of {len(model.vocabulary):,}",
        f"shards      {n_shard:,} of {study.inference.shard_tokens:,} tokens",
        f"carry       {inference.carry}: {carry}",
        f"disk        {state_bytes(study, n_token, model) / 1e9:,.2f} GB for the states "
        f"({study.store.activations}{twice}), {n_token * 40 / 1e9:,.2f} GB at most for the corpus",
        f"memory      {memory / 1e9:,.2f} GB a worker at most, and "
        f"{concept_bytes(study, model, n_token) / 1e6:,.1f} MB for each concept, in the driver too",
        f"            {driver / 1e9:,.2f} GB the driver, {scheduler_bytes(n_shard) / 1e9:,.2f} GB the scheduler "
        "(on this machine the scheduler is a part of the driver)",
        f"time        about {seconds / 60:,.1f} min of inference on {workers} worker{'s' if workers > 1 else ''} at "
        f"{rate:,.0f} tokens/s each, measured now on this machine's {choose_device(study.inference.device)}"
        f"{describe_companions(beside)}; writing, labels, scores and tests come on top",
    ]
    return "\n".join(lines)


def describe_companions(beside: Sequence[Companion]) -> str:
    """Return which companions of the model are counted in."""
    n = Counter(one.stage for one in beside)
    named = ["the random twin"] if n[TWIN] else []
    named += [f"{n[stage]} {what}{'s' if n[stage] > 1 else ''}" for stage, what in COUNTED.items() if n[stage]]
    return f", with {', '.join(named)}" if named else ""


def explain_carry(study: Study, model: LanguageModel, n_token: int, n_piece: int) -> tuple[str, int, int]:
    """Return how states are carried, and for one stream over the corpus why so; shards; tokens read for scouting."""
    inference = study.inference
    if inference.carry in ("document", "sentence"):
        return f"each {inference.carry} is read from a zero state", -(-n_token // inference.shard_tokens), 0
    if inference.streams is not None:
        lanes = equal_streams(n_token, inference.streams, inference.shard_tokens)
        return describe(lanes, None, False), len(lanes.shards()), 0
    reader = StreamReader(model.to(choose_device(inference.device)))
    probes = probe_positions(n_token)
    texts = probe_texts(study, model, probes)
    settles = can_settle(study, model.cell, pieces=n_piece > 0)
    lag = in_rows(measure_forgetting(reader, texts, inference.tolerance, in_effect=settles), probes, texts)
    scouted = warm_up(lag, in_effect=settles)
    lanes = parallel_lanes(n_token, scouted, inference.shard_tokens)
    return describe(lanes, lag, settles), len(lanes.shards()), (lanes.n_lane - 1) * (scouted or 0)


def probe_texts(
    study: Study, model: LanguageModel, probes: Sequence[tuple[int, int, int]]
) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Return the vocabulary indices of the past and of the text of each probe, from another reading of the corpus."""
    found: list[tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]] = [([], []) for _ in probes]
    at = 0
    for ids, edges in read_blocks(study, model):
        n_row = len(edges) - 1
        for bounds, parts in zip(probes, found, strict=True):
            for (first, last), part in zip(pairwise(bounds), parts, strict=True):
                start, stop = max(first - at, 0), min(last - at, n_row)
                if start < stop:
                    part.append(ids[edges[start] : edges[stop]])
        at += n_row
    return [(np.concatenate(past), np.concatenate(text)) for past, text in found]


def read_blocks(study: Study, model: LanguageModel) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Yield, block by block of the corpus, what the model reads and where in it each row begins, and the end."""
    builder = corpus_builder(study, model)
    token_of_type, pieces, n_gone = np.zeros(0, np.int32), np.zeros(0, np.int32), 0
    for block in builder.blocks(study_sentences(study), study.inference.shard_tokens):
        edges = np.arange(block.sizes["time"] + 1)
        if "piece_id" in block:  # its pieces are those of the sentences read so far: some rows come later
            first, stop = block["piece_first"].values, int(block["piece_last"].values[-1]) + 1
            pieces = np.concatenate([pieces, block["piece_id"].values])
            pieces, n_gone = pieces[first[0] - n_gone :], int(first[0])
            yield pieces, np.append(first, stop) - n_gone
        elif "token_id" in block:
            yield block["token_id"].values, edges
        else:
            new = list(builder.types)[len(token_of_type) :]
            token_of_type = np.concatenate([token_of_type, model.vocabulary.encode(new)]) if new else token_of_type
            yield token_of_type[block["type_id"].values], edges


@dataclass(frozen=True)
class CorpusSize:
    """Tokens, sentences, documents, pieces of words (0 for whole words) and tokens of each type, dims (type)."""

    n_token: int
    n_sentence: int
    n_document: int
    n_piece: int
    type_n_token: NDArray[np.int64]


def count(study: Study, model: LanguageModel) -> CorpusSize:
    """Return the size of the study's corpus.

    Raises
    ------
    UserError
        If there is no sentence.
    """
    builder, n_piece, type_n_token = corpus_builder(study, model), 0, np.zeros(0, np.int64)
    with Progress(Step("count", "tokens", None)) as bar:
        for block in builder.blocks(study_sentences(study), study.inference.shard_tokens):
            bar.update(block.sizes["time"])
            n_piece += block.sizes.get("piece", 0)
            here = np.bincount(block["type_id"].values, minlength=len(builder.types))
            here[: len(type_n_token)] += type_n_token
            type_n_token = here
    if not builder.n_token:
        raise empty_corpus(study.corpus.limit_tokens, builder.limited)
    return CorpusSize(builder.n_token, builder.n_sentence, len(builder.documents), n_piece, type_n_token)
