"""Planted truth: the counters are called, and no noise neuron, no decoy and no neuron of a random network."""

from functools import cache

import numpy as np
import pytest
import xarray as xr
from graded_states import analysed
from planted_graded import Code, planted_counters, read, write_code

from lstm_analysis.analyses.tuning.conclusion import MIN_ETA2, MIN_R
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.inference.twin import random_twin

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]


@cache
def planted(seed: int) -> tuple[xr.Dataset, dict[str, int]]:
    """Return what is found in the planted model, and where its neurons are."""
    code = write_code(seed)
    model, names = planted_counters(code, seed)
    return of(model, code), names


def of(model: LanguageModel, code: Code, draws: int = 99) -> xr.Dataset:
    return analysed(read(model, code), code.type_id, code.document_start, code.graded, draws=draws).squeeze("layer")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_counters_alone_are_called(seed: int) -> None:
    found, names = planted(seed)
    for variable, neuron in (("brace_depth", "depth"), ("column", "column")):
        one = found.sel(variable=variable)
        assert np.flatnonzero(one["graded_neuron"] == 1).tolist() == [names[neuron]]
        counter = one.isel(neuron=names[neuron])
        assert counter["eta2_type_adjusted"] > 0.95
        assert counter["r_low"] > 0.9
        assert counter["p_fwer"] == pytest.approx(0.01)
        curve = counter["tuning_mean"].values[(one["n_token"] > 30).values]
        assert (np.diff(curve) > 0).mean() > 0.9
    depth = found.sel(variable="brace_depth").isel(neuron=names["depth"])
    level = np.tanh(0.25 * np.arange(7))
    np.testing.assert_allclose(depth["tuning_mean"][2:6], level[2:6], atol=0.05)  # a closing brace counts itself


@pytest.mark.parametrize("seed", SEEDS)
def test_decoys_are_significant_and_not_called(seed: int) -> None:
    found, names = planted(seed)
    for variable in found["variable"].values:
        one = found.sel(variable=variable)
        assert np.isnan(one["eta2_type_adjusted"][names["brace"]]), "its word decides it"
        assert (one["graded_neuron"][[names["brace"], names["end"]]] == -1).all()
        assert one["graded_neuron"][names["echo"]] == 0
        assert (one["p_fwer"] <= 0.05).sum() > 5, "a p alone would call noise neurons"


@pytest.mark.parametrize("kind", ["initial", "shuffled"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_neuron_of_a_random_network_is_called(seed: int, kind: str) -> None:
    code = write_code(seed)
    found = of(random_twin(planted_counters(code, seed)[0], seed, kind), code, draws=19)
    strength = np.minimum(found["eta2_type_adjusted"] / MIN_ETA2, abs(found["r"]) / MIN_R)
    assert float(strength.max()) < 0.9
