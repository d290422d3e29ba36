"""Lesions of planted neurons: who carries a prediction is found, who is read by nobody is not, chance is chance."""

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr
from planted import Planted, planted_model
from test_planted import CATEGORY, POSITION, write_planted_study

from lstm_analysis import study as study_module
from lstm_analysis.analyses.lesion import dissociations, unused
from lstm_analysis.config import load_study
from lstm_analysis.lesions import lesion
from lstm_analysis.run import Run
from lstm_analysis.stages import lesion_plan
from lstm_analysis.study import run_study

PLAIN = ("selectivity={draws: 0, twin: null}", "analyses=[]", "inference.shard_tokens=65536")
N_NOISE, N_EVERYWHERE = 20, 200

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Results:
    """A planted truth, its run, and lesions of planted neurons and of noise neurons of the upper layer."""

    truth: Planted
    run: Run
    found: xr.Dataset

    def of(self, name: str, concept: str, prediction: str = "next") -> xr.Dataset:
        layer, neuron = self.truth.planted[name]
        return self.found.sel(lesion=f"{layer}:{neuron}", concept=concept, prediction=prediction)


@pytest.fixture(scope="module", params=range(3))
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder, truth = tmp_path_factory.mktemp("lesions"), planted_model(request.param)
    chosen = {truth.planted[name]: [CATEGORY] for name in ("category_used", "category_copy", "category")}
    noise = [neuron for neuron in truth.noise if neuron[0] == 1][:N_NOISE]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        settings = load_study(write_planted_study(folder, truth), PLAIN)
        run = run_study(settings, folder / "run", in_process=True)
        patch.setattr(lesion_plan, "N_EVERYWHERE", N_EVERYWHERE)
        found = lesion(run, [*chosen, *noise], n_token=40, n_before=16, n_random=40, chosen_for=chosen)
    return Results(truth, run, found)


def test_the_neuron_that_the_decoder_reads_costs_its_concept(results: Results) -> None:
    for name in ("category_used", "category"):
        found = results.of(name, CATEGORY)
        assert float(found["delta_loss"]) > 0.2
        assert float(found["p_value"]) == pytest.approx(1 / 41)
        assert float(found["p_fwer"]) <= 0.1
        itself = results.of(
            name, CATEGORY, "token"
        )  # it knows the word that was read: on that word itself it says less
        assert abs(float(itself["delta_loss"])) < float(found["delta_loss"]) / 3


def test_a_copy_that_nobody_reads_costs_nothing_and_is_called_unused(results: Results) -> None:
    copy = results.of("category_copy", CATEGORY)
    assert abs(float(copy["delta_loss"])) < 1e-5
    assert float(copy["p_value"]) > 0.05
    layer, neuron = results.truth.planted["category_copy"]
    names = results.found["lesion"].values
    listed = {
        (str(names[row.lesion]), str(results.found["concept"].values[row.concept])) for row in unused(results.found)
    }
    assert listed == {(f"{layer}:{neuron}", CATEGORY)}


def test_a_neuron_that_costs_nothing_dissociates_nothing(results: Results) -> None:
    layer, neuron = results.truth.planted["category_copy"]
    copy = results.found["lesion"].values.tolist().index(f"{layer}:{neuron}")
    assert not any(copy in (row.lesion, row.other_lesion) for row in dissociations(results.found))


def test_noise_neurons_cost_as_much_as_noise_neurons(results: Results) -> None:
    noise = [f"{layer}:{neuron}" for layer, neuron in results.truth.noise if layer == 1][:N_NOISE]
    p = results.found["p_value"].sel(lesion=noise, concept=[CATEGORY, POSITION, "brackets"]).values.ravel()
    assert np.isfinite(p).all()
    assert (p <= 0.1).mean() < 0.25
    assert (p <= 0.5).mean() == pytest.approx(0.5, abs=0.25)


def test_the_intact_model_is_that_of_the_run(results: Results) -> None:
    bits = results.run.activations["surprisal"].values
    sd = np.nanstd(bits) * np.log(2) / np.sqrt(N_EVERYWHERE)
    mean = np.nanmean(bits) * np.log(2)
    assert float(results.found["intact_loss_overall"]) == pytest.approx(mean, abs=4 * sd)
    assert int(results.found["n_token_overall"]) > 0.9 * N_EVERYWHERE
