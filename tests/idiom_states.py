"""A planted corpus with its idioms and states, and what is measured of it."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from planted import N_NEURON, Planted, planted_model

from lstm_analysis.analyses.idioms import gather_blocks, measure_idioms
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.labels import idiom_occurrences
from lstm_analysis.labels.idiom import Idioms
from lstm_analysis.labels.phrases import parse_pattern

States = dict[str, NDArray[np.float32]]


@lru_cache(maxsize=2)
def planted_states(seed: int) -> tuple[Planted, xr.Dataset, States]:
    """Return truth, corpus and ``hidden``, ``cell`` (time, layer, neuron), ``surprisal`` (time); reset at documents."""
    truth = planted_model(seed)
    corpus = corpus_dataset(truth.sentences, "</s>", None)
    ids = truth.model.vocabulary.encode([str(form) for form in corpus["type"].values])[corpus["type_id"].values]
    states = {name: np.empty((len(ids), 2, N_NEURON), np.float32) for name in ("hidden", "cell")}
    surprisal = np.empty(len(ids), np.float32)
    edges = [*corpus["document_start"].values.tolist(), len(ids)]
    StreamReader(truth.model).read([Stream(ids[a:b], row=a) for a, b in pairwise(edges)], states, surprisal)
    return truth, corpus, {**states, "surprisal": surprisal}


def occurrences(corpus: xr.Dataset, phrases: list[str]) -> xr.Dataset:
    """Return where the phrases occur."""
    return idiom_occurrences(corpus, Idioms(tuple((phrase, (parse_pattern(phrase),)) for phrase in phrases)))


def measured(plan: xr.Dataset, states: States, block: int = N_NEURON) -> xr.Dataset:
    """Return what is measured of all neurons, in blocks of so many."""
    rows = plan["row_time"].values
    n_layer, n_neuron = states["hidden"].shape[1:]
    parts = [
        (
            layer,
            first,
            measure_idioms(plan, *(states[name][rows, layer, first : first + block] for name in ("hidden", "cell"))),
        )
        for layer in range(n_layer)
        for first in range(0, n_neuron, block)
    ]
    return gather_blocks(parts, [n_neuron] * n_layer)
