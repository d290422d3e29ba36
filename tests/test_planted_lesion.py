"""Lesions of planted neurons: who carries a prediction is found, who is read by nobody is not, chance is chance."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import xarray as xr
from planted import N_NEURON, Planted, planted_model
from test_planted import CATEGORY, POSITION, write_planted_study

from lstm_analysis import study as study_module
from lstm_analysis.analyses.lesion import dissociations, unused
from lstm_analysis.config import load_study
from lstm_analysis.lesions import lesion
from lstm_analysis.run import Run
from lstm_analysis.study import run_study

PLAIN = ("selectivity={draws: 0, twin: null}", "analyses=[]", "inference.shard_tokens=65536")


@dataclass(frozen=True)
class Results:
    """A planted truth, its run, and lesions of all neurons of the upper layer, and of the planted ones of the lower."""

    truth: Planted
    run: Run
    found: xr.Dataset

    def of(self, name: str, concept: str, prediction: str = "next") -> xr.Dataset:
        layer, neuron = self.truth.planted[name]
        return self.found.sel(lesion=f"{layer}:{neuron}", concept=concept, prediction=prediction)


@pytest.fixture(scope="module", params=[0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder, truth = tmp_path_factory.mktemp("lesions"), planted_model(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        settings = load_study(write_planted_study(folder, truth), PLAIN)
        run = run_study(settings, folder / "run", in_process=True)
    neurons = [*product([1], range(N_NEURON)), truth.planted["category"]]
    chosen = {truth.planted[name]: [CATEGORY] for name in ("category_used", "category_copy", "category")}
    chosen[truth.planted["position"]] = [POSITION]
    found = lesion(run, neurons, n_token=150, n_before=16, n_random=40, chosen_for=chosen)
    return Results(truth, run, found)


def test_the_neuron_that_the_decoder_reads_costs_its_concept(results: Results) -> None:
    for name in ("category_used", "category"):
        found = results.of(name, CATEGORY)
        assert float(found["delta_loss"]) > 0.2
        assert float(found["p_value"]) == pytest.approx(1 / 41)
        assert float(found["p_fwer"]) == pytest.approx(1 / 41)
        itself = results.of(name, CATEGORY, "token")  # it knows the word that was read: on that word itself it says less
        assert abs(float(itself["delta_loss"])) < float(found["delta_loss"]) / 3


def test_a_copy_that_nobody_reads_costs_nothing_and_is_called_unused(results: Results) -> None:
    copy = results.of("category_copy", CATEGORY)
    assert abs(float(copy["delta_loss"])) < 1e-5
    assert float(copy["p_value"]) > 0.05
    layer, neuron = results.truth.planted["category_copy"]
    names = results.found["lesion"].values
    listed = {(str(names[row.lesion]), str(results.found["concept"].values[row.concept])) for row in unused(results.found)}
    assert listed == {(f"{layer}:{neuron}", CATEGORY)}


def test_position_and_category_dissociate(results: Results) -> None:
    names, concepts = results.found["lesion"].values, results.found["concept"].values
    position, used = (f"{a}:{b}" for a, b in (results.truth.planted[name] for name in ("position", "category_used")))
    pairs = {
        frozenset(((names[row.lesion], concepts[row.concept]), (names[row.other_lesion], concepts[row.other_concept])))
        for row in dissociations(results.found)
    }
    assert frozenset(((position, POSITION), (used, CATEGORY))) in pairs


def test_noise_neurons_cost_as_much_as_noise_neurons(results: Results) -> None:
    noise = [f"{layer}:{neuron}" for layer, neuron in results.truth.noise if layer == 1]
    p = results.found["p_value"].sel(lesion=noise, concept=[CATEGORY, POSITION, "brackets"]).values.ravel()
    assert np.isfinite(p).all()
    assert (p <= 0.1).mean() < 0.2
    assert (p <= 0.5).mean() == pytest.approx(0.5, abs=0.15)


def test_the_intact_model_is_that_of_the_run(results: Results) -> None:
    bits = results.run.activations["surprisal"].values
    sd = np.nanstd(bits) * np.log(2) / np.sqrt(2000)
    mean = np.nanmean(bits) * np.log(2)
    assert float(results.found["intact_loss_overall"]) == pytest.approx(mean, abs=4 * sd)
    assert int(results.found["n_token_overall"]) > 1900
