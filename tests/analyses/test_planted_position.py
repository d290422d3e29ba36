"""Planted truth: the position neuron is called with its tau, and no noise neuron, decoy or other planted one."""

import itertools
import math

import numpy as np
import pytest
import xarray as xr
from leaky_integrators import blocks_of_documents
from numpy.typing import NDArray
from one_pass_tables import one_pass
from planted import END, N_DOCUMENT, N_NEURON, TAU, Planted, planted_model

from lstm_analysis.analyses.sentence_position import (
    BoundaryRows,
    PositionSums,
    conclude_positions,
    eta2_type_adjusted,
    measure_positions,
    plan_boundaries,
)
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.reductions import summarize, tuning_from_summary


def read(truth: Planted, corpus: xr.Dataset) -> NDArray[np.float32]:
    """Return h (time, layer, neuron), reset at documents."""
    ids = truth.model.vocabulary.encode([str(corpus["type"].values[i]) for i in corpus["type_id"].values])
    starts = [*corpus["document_start"].values.tolist(), len(ids)]
    streams = [Stream(np.asarray(ids[a:b], np.int32), row=a) for a, b in itertools.pairwise(starts)]
    hidden = np.empty((len(ids), 2, N_NEURON), np.float32)
    StreamReader(truth.model).read(streams, {"hidden": hidden})
    return hidden


def analyse(corpus: xr.Dataset, hidden: NDArray[np.float32], seed: int) -> xr.Dataset:
    """Return the concluded analysis of states reset at documents."""
    names = ("sentence", "sentence_position", "sentence_length", "document", "type_id")
    column = {name: corpus[name].values for name in names}
    block = blocks_of_documents(N_DOCUMENT, N_DOCUMENT)
    plan = plan_boundaries(*(column[name] for name in names[:4]), block, seed)
    measured, adjusted = [], []
    for layer in range(hidden.shape[1]):
        h = np.ascontiguousarray(hidden[:, layer])
        sums, rows = PositionSums(N_DOCUMENT, N_NEURON), BoundaryRows(plan, N_NEURON)
        sums.add(block[column["document"]], h, column["sentence_position"])
        rows.add(0, h)
        measured.append(measure_positions(sums, plan, rows.end, rows.next_, rows.before, seed=seed, n_draw=199))
        adjusted.append(eta2_type_adjusted(one_pass(h, column["type_id"], column["sentence_position"], 5)))
    whole = {
        name: xr.concat([part[name] for part in measured], "layer") if "neuron" in measured[0][name].dims else variable
        for name, variable in measured[0].items()
    }
    states = xr.DataArray(hidden, dims=("time", "layer", "neuron"))
    labels = xr.Dataset({"label": (("time", "concept"), np.zeros((len(hidden), 1), np.int8))})
    place = xr.DataArray(column["sentence_position"], dims="time")
    eta2 = tuning_from_summary(summarize(states, labels, sentence_position=place))["eta2"]
    return conclude_positions(
        xr.Dataset(whole), eta2, xr.concat([part["eta2_type_adjusted"] for part in adjusted], "layer")
    )


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_the_position_neuron_alone_is_called(seed: int) -> None:
    truth = planted_model(seed)
    corpus = corpus_dataset(truth.sentences, END, None)
    found = analyse(corpus, read(truth, corpus), seed)
    at = truth.planted["position"]
    assert np.argwhere(found["cliff_neuron"].values == 1).tolist() == [list(at)]
    one = found.isel(layer=at[0], neuron=at[1])
    assert one["tau_arctanh_low"] - 1e-3 <= TAU <= one["tau_arctanh_high"] + 1e-3
    assert one["amplitude_arctanh"].item() == pytest.approx(0.9 * math.exp(-1 / TAU), abs=1e-4)
    assert one["r2_arctanh"] > 0.999999
    assert one["eta2_type_adjusted"] > 0.999
    assert one["cliff_r_current_p_fwer"] <= 0.01
    assert one["cliff_mean_low"] > 0.5
    assert np.isnan(one["level_r_current"]), "after a complete reset the level is constant"
    end = found.isel(layer=0, neuron=truth.support["end_symbol"][1])
    assert end["cliff_mean"] > 3 * end["value_sd"], "a switch at the end symbol has a cliff, too"
    assert np.isnan(end["eta2_type_adjusted"]), "but its words decide it"
    noise = tuple(np.array(truth.noise).T)
    assert np.nanmin(found["level_partial_r_previous_p_fwer"].values[noise]) > 0.05
