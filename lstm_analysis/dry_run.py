"""The plan of a study without running it: shards, bytes, memory and time."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cluster import local_size
from .config import Study, load_cluster
from .corpus import empty_corpus
from .inference.extraction import choose_device
from .inference.forgetting import in_rows, measure_forgetting, probe_positions, warm_up
from .inference.input_table import table_bytes
from .inference.lanes import equal_streams, parallel_lanes
from .inference.model import LanguageModel
from .inference.reader import StreamReader
from .inference.trial import measure_rate
from .inputs import trained_model, validate
from .progress import Progress, Step
from .reductions.histogram import N_BIN
from .reductions.type_table import MAX_GROUP, MAX_TYPE, MIN_GROUP_TOKEN, MIN_TYPE_TOKEN
from .stages.activations import state_bytes
from .stages.corpus import corpus_builder, study_sentences
from .stages.lanes import describe
from .stages.selectivity import RANK_MEMORY, rank_bytes
from .stages.work import can_settle
from .state_store import neuron_chunk
from .study import has_twin
from .tables import describe_layers
from .tasks.columns import MOST_TOKENS
from .tasks.significance import SHIFT_MEMORY

PROGRAM_BYTES = 640 << 20
"""Resident size of a process that has done a small study of a tiny model."""
COLUMN_COPIES = 10
"""Copies of a passage's values that testing a block of neurons holds: values, ranks, bins and their products."""


def describe_plan(study: Study, output: Path | None = None, cluster: Path | None = None) -> str:
    """Return the plan of a study as text.

    The corpus is read once to count its tokens; the speed is measured on the spot on this machine's first device.
    """
    validate(study)
    model = trained_model(study)
    n_token, n_sentence, n_document, n_piece, n_type = count(study, model)
    inference = study.inference
    carry, n_shard, n_scouted = explain_carry(study, model, n_token, n_piece)
    rate = measure_rate(
        model, inference.device, inference.surprisal, kernel=inference.kernel, precision=inference.precision
    )
    n_worker = local_size()["n_workers"] if cluster is None or load_cluster(cluster).class_ == "LocalCluster" else None
    workers = n_worker or 1
    readings = 2 if has_twin(study) else 1
    seconds = readings * (max(n_piece, n_token) + n_scouted) / (rate * workers)
    twice = ", twice that while the random twin is read" if readings == 2 and study.store.activations != "none" else ""
    memory = worker_bytes(study, model, n_token, n_piece / n_token, n_type)
    lines = [
        f"study       {study.name}, results in {output or study.output}",
        f"corpus      {n_token:,} tokens in {n_sentence:,} sentences of {n_document:,} documents",
        f"model       {describe_layers(model.layer_sizes)} neurons, vocabulary of {len(model.vocabulary):,}",
        f"shards      {n_shard:,} of {study.inference.shard_tokens:,} tokens",
        f"carry       {inference.carry}: {carry}",
        f"disk        {state_bytes(study, n_token, model) / 1e9:,.2f} GB for the states "
        f"({study.store.activations}{twice}), {n_token * 40 / 1e9:,.2f} GB at most for the corpus",
        f"memory      {memory / 1e9:,.2f} GB a worker at most, and "
        f"{concept_bytes(study, model, n_token) / 1e6:,.1f} MB for each concept",
        f"time        about {seconds / 60:,.1f} min of inference on {workers} worker{'s' if workers > 1 else ''} at "
        f"{rate:,.0f} tokens/s each, measured now on this machine's {choose_device(study.inference.device)}"
        f"{', the random twin included' if readings == 2 else ''}; writing, labels, scores and tests come on top",
    ]
    return "\n".join(lines)


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


def count(study: Study, model: LanguageModel) -> tuple[int, int, int, int, int]:
    """Return tokens, sentences, documents, pieces of words (0 for whole words) and types of the study's corpus.

    Raises
    ------
    UserError
        If there is no sentence.
    """
    builder, n_piece = corpus_builder(study, model), 0
    with Progress(Step("count", "tokens", None)) as bar:
        for block in builder.blocks(study_sentences(study), study.inference.shard_tokens):
            bar.update(block.sizes["time"])
            n_piece += block.sizes.get("piece", 0)
    if not builder.n_token:
        raise empty_corpus(study.corpus.limit_tokens, builder.limited)
    return builder.n_token, builder.n_sentence, len(builder.documents), n_piece, len(builder.types)


def concept_bytes(study: Study, model: LanguageModel, n_token: int) -> int:
    """Return a bound on a worker's memory for a concept: three copies of its histograms, or its labels for ranking."""
    histograms = 3 * 2 * model.n_layer * model.n_neuron * N_BIN * 4
    return max(histograms, n_token if study.store.activations != "none" else 0)


def worker_bytes(
    study: Study, model: LanguageModel, n_token: int, pieces_per_token: float = 0.0, n_type: int = 0
) -> int:
    """Return a bound on a worker's memory: the program, and what takes most of reading, ranking and testing.

    Parameters
    ----------
    study, model
        What is to be done.
    n_token
        Tokens of the corpus.
    pieces_per_token
        Pieces that the model reads for a word of the corpus; 0 where it reads the tokens themselves.
    n_type
        Types of the corpus.
    """
    stored = study.store.activations != "none"
    state = min(n_token, study.inference.shard_tokens) * model.n_layer * model.n_neuron * 4
    n_state = len(study.inference.kept(model.cell)) if stored else 1
    shard = state * max(2 * n_state + 2, (1 + pieces_per_token) * n_state)  # while it is written, or read out
    ranking = rank_bytes(n_token, model.n_neuron, n_concept=0) if stored else 0
    testing = column_bytes(model, n_token) if stored and study.selectivity.draws else 0
    rest = max(min(ranking, RANK_MEMORY), testing)
    return PROGRAM_BYTES + max(_model_bytes(study, model) + int(shard) + table_bytes_of(model, n_token, n_type), rest)


def table_bytes_of(model: LanguageModel, n_token: int, n_type: int) -> int:
    """Return a bound on three copies of the sums by type and by group of documents: two are merged into one."""
    rows = min(n_type, n_token // MIN_TYPE_TOKEN, MAX_TYPE) + min(n_token // MIN_GROUP_TOKEN + 1, MAX_GROUP)
    return 3 * 8 * rows * model.n_layer * model.n_neuron


def column_bytes(model: LanguageModel, n_token: int) -> int:
    """Return a bound on testing a block of neurons: its draws, and some copies of the passage that it reads.

    A passage holds whole documents; one document that is longer is held as a whole.
    """
    return SHIFT_MEMORY + COLUMN_COPIES * 4 * min(n_token, MOST_TOKENS) * neuron_chunk(model.n_neuron)


def _model_bytes(study: Study, model: LanguageModel) -> int:
    """Return a bound on what the model takes: its weights, again packed, and its table, held twice while it is made.

    A lower precision is judged by two readers more.
    """
    weights = 2 * 4 * model.n_parameter + 2 * table_bytes(model)
    return weights if study.inference.precision == "float32" else 2 * weights
