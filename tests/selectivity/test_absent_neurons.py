"""Layers of different size: an absent neuron has no score, no rank and no row, and changes nothing for the others."""

import numpy as np
import pytest
from neurons import realistic_neurons
from small_study import SHARES, make_study

from lstm_analysis.reductions import summarize
from lstm_analysis.selectivity import MEASURES, is_present, measure, neuron_table, rank_neurons, rank_scores

SIZES = (2, 4, 3)
PRESENT = np.arange(max(SIZES)) < np.array(SIZES)[:, None]


@pytest.fixture(scope="module", params=["float32", "float16"])
def scores(request):
    """Return the scores of layers of one size, and those of the same with some neurons absent."""
    states, labels, _ = make_study(400, len(SIZES), max(SIZES))
    states, labels = states.astype(request.param), labels.assign_coords(source=("concept", list("iijj")))
    return [measure(summarize(x, labels)) for x in (states, states.where(PRESENT))]


def test_every_score_of_a_present_neuron_is_the_same_and_of_an_absent_one_nan(scores):
    full, padded = scores
    assert set(full.data_vars) == set(padded.data_vars)
    assert {yielded for descriptor in MEASURES.values() for yielded in descriptor.yields} < set(full.data_vars)
    for name in full.data_vars:
        if "neuron" not in full[name].dims:
            np.testing.assert_array_equal(full[name], padded[name])
            continue
        ours, theirs = (x[name].transpose("layer", "neuron", ...).values for x in (padded, full))
        assert ours[PRESENT].tobytes() == theirs[PRESENT].tobytes(), name
        assert np.isnan(ours[~PRESENT]).all(), name


def test_a_constant_neuron_is_there_and_an_absent_one_is_not(scores):
    _, padded = scores
    np.testing.assert_array_equal(is_present(padded), PRESENT)
    assert np.isnan(padded.auroc[:, 0, 0]).all(), "neuron 0:0 is constant"
    assert is_present(padded.drop_vars("value_min")).all()


def test_the_table_has_a_row_for_each_neuron_that_is_there(scores):
    full, padded = (neuron_table(x) for x in scores)
    there = full[PRESENT[full["layer"], full["neuron"]]].reset_index(drop=True)
    assert len(padded) == len(SHARES) * sum(SIZES)
    assert padded.dtypes.equals(there.dtypes)
    assert padded.equals(there)


@pytest.mark.parametrize("by", MEASURES)
def test_absent_neurons_are_never_ranked(scores, by):
    full, padded = scores
    every = rank_neurons(full, by=by, concept="rare", n=None)
    wanted = every[PRESENT[every["layer"], every["neuron"]]].reset_index(drop=True)
    assert rank_neurons(padded, by=by, concept="rare", n=None).equals(wanted)


@pytest.mark.parametrize("absent", [[5], [0, 1, 2], [0, 1, 2, 3, 4, 5], list(range(8)), list(range(12))])
def test_exact_ranks_of_a_block_with_absent_neurons(absent):
    values, label = realistic_neurons(n_token=2_000)
    values = np.concatenate([values, -values], axis=1)
    padded = values.copy()
    padded[:, absent] = np.nan
    here = np.delete(np.arange(values.shape[1]), absent)
    for full, ours in zip(rank_scores(values, label), rank_scores(padded, label), strict=True):
        assert full[:, here].tobytes() == ours[:, here].tobytes()
        assert np.isnan(ours[:, absent]).all()
        assert np.isfinite(full).all()
