"""The finished program on planted truth: what its tests call is what was written into the weights, and nothing else."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import xarray as xr
from planted import N_NEURON, TAU, Neuron, Planted, planted_model
from test_planted import CATEGORY, FOUND, IDIOM, write_planted_study

from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.run import Run
from lstm_analysis.study import run_study

TESTED = ("selectivity={draws: 999, twin: initial}", "analyses=[sentence_position, categories, idioms]")
ALL = set(product(range(2), range(N_NEURON)))


@dataclass(frozen=True)
class Results:
    """A planted truth, the run of its study with all tests, and one that keeps no states."""

    truth: Planted
    run: Run
    none: Run


@pytest.fixture(scope="module", params=[pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 1)])
def tested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder, truth = tmp_path_factory.mktemp("tested"), planted_model(request.param)
    path = write_planted_study(folder, truth)
    none = ("store=none", "selectivity={draws: 999, twin: null}", "analyses=[sentence_position, categories]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        runs = [
            run_study(load_study(path, settings), folder / name, in_process=True)
            for name, settings in (("float32", TESTED), ("none", none))
        ]
    return Results(truth, *runs)


def called(flags: xr.DataArray) -> set[Neuron]:
    return {(int(layer), int(neuron)) for layer, neuron in np.argwhere((flags == 1).values)}


def test_the_category_s_neurons_are_called_and_no_other(tested: Results) -> None:
    expected = {tested.truth.planted[name] for name in FOUND[CATEGORY][0]}
    for run in (tested.run, tested.none):
        found = run.categories.sel(concept=CATEGORY)
        assert called(found["called"]) == expected
        assert set(run.selectivity["type_null"].sel(concept=[IDIOM, "first 3 tokens", "brackets"]).values) != {""}
        for at in expected:
            assert float(run.selectivity["breadth"].sel(concept=CATEGORY)[at]) == 1
            assert float(run.selectivity["p_fwer"].sel(concept=CATEGORY)[at]) == pytest.approx(1 / 1000)
    for decoy in ("one_word", "frequency"):
        assert float(tested.run.selectivity["breadth"].sel(concept=CATEGORY)[tested.truth.decoys[decoy]]) < 0.2


def test_the_idiom_neuron_is_called_and_no_other(tested: Results) -> None:
    found, truth = tested.run.idioms, tested.truth
    assert called(found["idiom_neuron"]) == {truth.planted["idiom"]}
    assert found["idiom_neuron"][truth.decoys["last_word"]] == 0
    assert set(truth.idioms) == set(found["idiom"].values)
    phrases = called(found["phrase_neuron"])
    assert phrases <= {truth.support[name] for name in truth.idioms} | set(truth.noise) | set(truth.support.values())
    assert {truth.support[name] for name in truth.idioms} & phrases


def test_the_cliff_neuron_is_called_with_its_time_constant(tested: Results) -> None:
    found, at = tested.run.sentence_position, tested.truth.planted["position"]
    assert called(found["cliff_neuron"]) == {at}
    assert float(found["tau_arctanh"][at]) == pytest.approx(TAU, rel=0.01)
    assert float(found["cliff_r_current_p"][at]) < 0.01


def test_the_untrained_twin_has_none_of_them(tested: Results) -> None:
    twin = tested.run.twin
    assert twin is not None
    assert not called(twin.categories.sel(concept=CATEGORY)["called"])
    assert not called(twin.idioms["idiom_neuron"])
    assert not called(twin.sentence_position["cliff_neuron"])
    assert not (twin.path / "activations.zarr").exists()


def test_both_ways_to_keep_states_give_the_same_tests_of_words(tested: Results) -> None:
    names = [name for name in tested.none.selectivity if str(name).startswith(("type_", "breadth", "p_type", "q_type"))]
    xr.testing.assert_identical(tested.none.selectivity[names].drop_attrs(), tested.run.selectivity[names].drop_attrs())
    assert "p_shift" not in tested.none.selectivity
    assert float(abs(tested.none.sentence_position["eta2_type_adjusted"]
                     - tested.run.sentence_position["eta2_type_adjusted"]).max()) == 0  # fmt: skip


def test_intervals_hold_their_scores_and_say_how_sure_they_are(tested: Results) -> None:
    scores = tested.run.selectivity
    for name in ("auroc", "d_prime", "mean_difference"):
        low, high, score = scores[f"{name}_low"], scores[f"{name}_high"], scores[name]
        defined = low.notnull()
        assert float(defined.mean()) > 0.5
        assert bool(((low <= score + 1e-9) & (score <= high + 1e-9)).where(defined, True).all()), name
    noise = [tested.truth.noise[i] for i in range(0, len(tested.truth.noise), 7)]
    for at in noise:
        assert float(scores["auroc_high"].sel(concept=CATEGORY)[at] - scores["auroc_low"].sel(concept=CATEGORY)[at]) > 0


def test_every_p_names_its_null(tested: Results) -> None:
    scores = tested.run.selectivity
    assert scores["p_null"].sel(concept=CATEGORY).item() == "word types exchanged within strata"
    assert scores["p_null"].sel(concept="first 3 tokens").item() == "labels shifted within documents"
    untested = scores["p_null"].str.startswith("none")
    assert bool(scores["p_value"].where(untested, np.nan).isnull().all())
    assert bool((scores["n_token"].sel(group="target") > 0).all())
