"""How much memory the programs of a study take at most: a worker, the driver, the scheduler."""

import numpy as np
from numpy.typing import NDArray

from .analyses.neuron_matching import N_BEST
from .analyses.neuron_matching.columns import MOST_TOKENS as MULTIPLIED
from .config import Study
from .inference.input_table import table_bytes
from .inference.model import LanguageModel
from .neuron_pairs import MOST_WHOLE
from .reductions.gram import MOST_TOKENS as MOST_TOKENS_AT_ONCE
from .reductions.histogram import N_BIN
from .reductions.type_table import MAX_GROUP, MAX_TYPE, MIN_GROUP_TOKEN, MIN_TYPE_TOKEN
from .schema import N_VALUE_ROW
from .stages.selectivity import RANK_MEMORY, rank_bytes
from .stages.work import needs_gram
from .state_store import neuron_chunk
from .tasks.columns import MOST_TOKENS
from .tasks.pairs import PAIR_NEURONS
from .tasks.significance import SHIFT_MEMORY

PROGRAM_BYTES = 640 << 20
"""Resident size of a process that has done a small study of a tiny model."""
COLUMN_COPIES = 10
"""Copies of a passage's values that testing a block of neurons holds: values, ranks, bins and their products."""
SHARD_BYTES, TYPE_BYTES, DOCUMENT_BYTES = 3_000, 320, 140
"""What the driver keeps of a shard (its commit), of a type and of a document (tables, counts of labels)."""
PLANNED_TOKEN_BYTES = 32
"""What the driver holds of a token while it plans the tests of idioms and of sentence boundaries."""
SCHEDULER_BYTES, SCHEDULED_SHARD_BYTES = 512 << 20, 600
"""A scheduler that has imported what the tasks need, torch too, and knows the state of each shard for its page."""
PAIR_BYTES, GROUP_PAIR_BYTES = 56, 8
"""What the tests over words hold of a pair of a frequent type and a group of documents, and of a pair of groups."""
GRADED_LAGS, GRADED_ROWS = 2 * 6_800, 8 * 65 * N_VALUE_ROW
"""Lags of unfinished shift groups, and numbers by block and value, that the analysis of a graded variable holds of a
neuron: sums, and means that each leave a block out."""
PLANNED_ANALYSES = {"idioms", "neuron_matching", "periodicity", "sentence_position"}
WORD_ANALYSES = {"pca", "probes"}
GRAM_COPIES, GRAM_ROW_BYTES = 6, 12 * MOST_TOKENS_AT_ONCE
"""Numbers of 8 bytes for a pair of neurons while Grams are merged, or a basis is made; what a neuron takes beside."""
PAIR_COPIES, BEST_BYTES = 5, 12
"""Copies of the values that are multiplied, float64, and bytes of a neuron that is kept as like another."""


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
    by_columns = study.selectivity.draws or "periodicity" in (study.analyses or ())
    testing = column_bytes(study, model, n_token) if stored and by_columns else 0
    rest = max(min(ranking, RANK_MEMORY), testing, pair_bytes(study, model, n_type))
    sums = sum_bytes(study, model, n_token, n_type)
    return PROGRAM_BYTES + max(_model_bytes(study, model) + int(shard) + sums, rest)


def sum_bytes(study: Study, model: LanguageModel, n_token: int, n_type: int) -> int:
    """Return a bound on the sums of the one pass but histograms."""
    tables = table_bytes_of(model, n_token, n_type) + graded_bytes(study, model, n_type)
    return tables + gram_bytes(study, model)


def gram_bytes(study: Study, model: LanguageModel) -> int:
    """Return a bound on the products of every two neurons, 0 where no analysis asks for them."""
    n_neuron = model.n_layer * model.n_neuron
    return n_neuron * (8 * GRAM_COPIES * n_neuron + GRAM_ROW_BYTES) if needs_gram(study) else 0


def table_bytes_of(model: LanguageModel, n_token: int, n_type: int) -> int:
    """Return a bound on three copies of the sums by type and by group of documents: two are merged into one."""
    rows = min(n_type, n_token // MIN_TYPE_TOKEN, MAX_TYPE) + min(n_token // MIN_GROUP_TOKEN + 1, MAX_GROUP)
    return 3 * 8 * rows * model.n_layer * model.n_neuron


def graded_bytes(study: Study, model: LanguageModel, n_type: int) -> int:
    """Return a bound on three copies of the sums by value of graded variables, and of their counts by type."""
    row = 4 * model.n_layer * model.n_neuron + min(n_type, MAX_TYPE)
    return 3 * 8 * len(study.graded) * N_VALUE_ROW * row


def column_bytes(study: Study, model: LanguageModel, n_token: int) -> int:
    """Return a bound on testing a block of neurons: its draws, and some copies of the passage that it reads.

    A passage holds whole documents; one document that is longer is held as a whole.
    """
    n_neuron = neuron_chunk(model.n_neuron)
    graded = len(study.graded) * n_neuron * (8 * (study.selectivity.draws + GRADED_LAGS) + 8 * GRADED_ROWS)
    return max(SHIFT_MEMORY, graded) + COLUMN_COPIES * 4 * min(n_token, MOST_TOKENS) * (n_neuron + len(study.graded))


def pair_bytes(study: Study, model: LanguageModel, n_type: int) -> int:
    """Return a bound on correlating two blocks of neurons: values and residuals, and three tables of types."""
    if "neuron_matching" not in (study.analyses or ()):
        return 0
    n_neuron = 2 * min(PAIR_NEURONS, model.n_neuron)
    return 8 * n_neuron * (PAIR_COPIES * MULTIPLIED + 3 * min(n_type, MAX_TYPE)) + 8 * 4 * n_neuron**2


def matching_bytes(study: Study, model: LanguageModel) -> int:
    """Return a bound on what the driver holds of pairs of neurons: all of them, four arrays deep, or the best only.

    Results of pairs of blocks come first, then what they are put together to.
    """
    if "neuron_matching" not in (study.analyses or ()):
        return 0
    n_neuron = model.n_layer * model.n_neuron
    n_block = model.n_layer * -(-model.n_neuron // PAIR_NEURONS)
    best = n_block * n_neuron * N_BEST * BEST_BYTES
    return 2 * best + (8 * 8 * n_neuron**2 if n_neuron <= MOST_WHOLE else 0)


def _model_bytes(study: Study, model: LanguageModel) -> int:
    """Return a bound on what the model takes: its weights, again packed, and its table, held twice while it is made.

    A lower precision is judged by two readers more.
    """
    weights = 2 * 4 * model.n_parameter + 2 * table_bytes(model)
    return weights if study.inference.precision == "float32" else 2 * weights


def driver_bytes(
    study: Study, model: LanguageModel, n_shard: int, n_document: int, type_n_token: NDArray[np.integer]
) -> int:
    """Return a bound on the memory of the driver, which holds no states: tables of the corpus, plans and the summary.

    Parameters
    ----------
    study, model
        What is to be done.
    n_shard, n_document
        Shards and documents of the corpus.
    type_n_token
        Tokens of each type, dims (type).
    """
    n_type, n_token = len(type_n_token), int(type_n_token.sum())
    planned = study.store.activations != "none" and (study.analyses is None or PLANNED_ANALYSES & set(study.analyses))
    tables = SHARD_BYTES * n_shard + TYPE_BYTES * n_type + DOCUMENT_BYTES * n_document
    plans = PLANNED_TOKEN_BYTES * n_token if planned else 0
    of_words = study.selectivity.draws or WORD_ANALYSES & set(study.analyses or ())
    tests = word_test_bytes(n_document, type_n_token) if of_words else 0
    sums = sum_bytes(study, model, n_token, n_type) + matching_bytes(study, model)
    return PROGRAM_BYTES + tables + plans + sums + tests


def word_test_bytes(n_document: int, type_n_token: NDArray[np.integer]) -> int:
    """Return a bound on counts of types by group of documents, and on the system that takes the groups out."""
    n_group = min(n_document, int(type_n_token.sum()) // MIN_GROUP_TOKEN + 1, MAX_GROUP)
    frequent = np.sort(type_n_token[type_n_token >= MIN_TYPE_TOKEN])[-MAX_TYPE:]
    return PAIR_BYTES * int(np.minimum(frequent, n_group).sum()) + GROUP_PAIR_BYTES * n_group**2


def scheduler_bytes(n_shard: int) -> int:
    """Return a bound on the memory of the scheduler: it holds no more than the tasks of the window, and the page."""
    return SCHEDULER_BYTES + SCHEDULED_SHARD_BYTES * n_shard
