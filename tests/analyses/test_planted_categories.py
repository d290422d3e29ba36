"""Categories on a model whose neurons were written by hand: all planted ones are called, no noise and no decoy."""

from itertools import pairwise

import numpy as np
import pytest
from planted import END, N_NEURON, planted_model
from type_world import World, type_tables

from lstm_analysis.analyses.categories import categories
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.selectivity import type_scores


def states(truth, ids, document):
    """Values of the model's neurons, dims (time, neuron) of both layers, reset at documents."""
    edges = [0, *(np.flatnonzero(np.diff(document)) + 1), len(ids)]
    hidden = np.empty((len(ids), 2, N_NEURON), np.float32)
    streams = [Stream(ids[a:b], row=a) for a, b in pairwise(edges)]
    StreamReader(truth.model).read(streams, {"hidden": hidden}, np.empty(len(ids), np.float32))
    return hidden.reshape(len(ids), -1).astype(np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_planted_categories_are_called_and_nothing_else(seed):
    truth = planted_model(seed)
    corpus = corpus_dataset(truth.sentences, END, None)
    types, type_id = corpus["type"].values, corpus.type_id.values
    ids = truth.model.vocabulary.encode(list(types))[type_id]
    world = World(type_id, corpus.document.values, np.full(len(types), -1))
    rng = np.random.default_rng(seed)
    ordinary = np.setdiff1d(np.arange(len(types)), np.flatnonzero(np.isin(types, truth.category)))
    fakes = [rng.choice(ordinary, 40, replace=False) for _ in range(5)]
    members = [np.flatnonzero(np.isin(types, truth.category)), *fakes]
    tables = type_tables(world, states(truth, ids, world.document), members, n_layer=2)
    scores = type_scores(tables, draws=499)
    found = categories(scores, tables, types)
    called = {tuple(map(int, place)) for place in np.argwhere(found.called.values[0] == 1)}
    planted = {truth.planted[name] for name in ("category", "category_used", "category_copy")}
    assert planted <= called
    assert not called & (set(truth.decoys.values()) | set(truth.noise))
    for place in planted:
        assert scores.breadth.values[0][place] == 1
    assert (found.n_called[1:] == 0).all()
