"""What is measured of each neuron, against scikit-learn and slow loops."""

import numpy as np
import pytest
import xarray as xr
from idiom_states import measured, occurrences, planted_states
from sklearn.metrics import roc_auc_score

from lstm_analysis.analyses.idioms import gather_blocks, measure_idioms, plan_idioms
from lstm_analysis.analyses.idioms.activity import THRESHOLDS
from lstm_analysis.analyses.idioms.controls import CONTRASTS, ROLES
from lstm_analysis.analyses.idioms.measure import READOUTS
from lstm_analysis.errors import UserError


@pytest.fixture(scope="module")
def planted():
    truth, corpus, states = planted_states(0)
    plan = plan_idioms(corpus, occurrences(corpus, list(truth.idioms)), states["surprisal"], n_window=60)
    return plan, states


def read_out(plan, column, role, idiom, readout):
    """Return the readout of a role's windows, a list of numbers rounded to the resolution."""
    here = np.flatnonzero((plan["window_role"] == ROLES.index(role)) & (plan["window_idiom"] == idiom))
    found = []
    for first, length, after in (
        plan[["window_first", "window_length", "window_next"]].isel(window=here).to_array().T.values
    ):
        phrase = [float(column[row]) for row in range(first, first + length)]
        if readout == "final+1" and after < 0:
            continue
        value = {"final": phrase[-1], "final+1": float(column[after]), "mean": np.mean(phrase), "max": max(phrase)}[
            readout
        ]
        found.append(round(value / 1e-5))
    return found


def test_auroc_is_that_of_scikit_learn(planted):
    plan, states = planted
    hidden = states["hidden"][plan["row_time"].values, 1, :12]
    found = measure_idioms(plan, hidden)["auroc"]
    n_compared = 0
    for contrast in ("tail", "matched"):
        for idiom in (0, 3, 9):
            for readout in READOUTS:
                for neuron in (0, 4, 11):
                    target, control = (
                        read_out(plan, hidden[:, neuron], role, idiom, readout) for role in ("idiomatic", contrast)
                    )
                    score = float(found.sel(contrast=contrast, readout=readout)[idiom, neuron])
                    if min(len(target), len(control)) >= 5:
                        label = [1] * len(target) + [0] * len(control)
                        assert score == pytest.approx(roc_auc_score(label, target + control), abs=1e-12)
                        n_compared += 1
    assert n_compared > 50
    assert found.sel(contrast="literal").isnull().all()


def slow_activity(plan, column, threshold, flank):
    """Return whether a neuron is active at each place."""
    length = plan["phrase_length"].values[plan["place_phrase"].values]
    found = []
    for first, n, *beside in zip(
        plan["place_first"].values, length, plan["place_before"].values, plan["place_after"].values, strict=True
    ):
        on = all(column[row] >= np.float32(threshold) for row in range(first, first + n))
        off = all(column[row] < np.float32(threshold) for row in beside if row >= 0)
        found.append(on and (flank == "any" or off))
    return np.array(found)


def test_activity_equals_the_slow_loop(planted):
    plan, states = planted
    hidden, cell = (states[name][plan["row_time"].values, 0, 30:42] for name in ("hidden", "cell"))
    found = measure_idioms(plan, hidden, cell)
    for state, values in (("hidden", hidden), ("tanh_cell", np.tanh(cell))):
        for threshold in (0.1, 0.3, 0.7):
            for flank in ("any", "off"):
                slow = np.sum([slow_activity(plan, column, threshold, flank) for column in values.T], axis=0)
                assert slow.max() > 0
                chosen = found["n_active_place"].sel(state=state, threshold=threshold, flank=flank)
                assert chosen.values.tolist() == slow.tolist()
    first, n_place = plan["phrase_first_place"].values, plan["phrase_n_place"].values
    active = np.array([slow_activity(plan, column, 0.3, "any") for column in hidden.T])
    share = np.array([active[:, a : a + n].mean(axis=1) for a, n in zip(first, n_place, strict=True)]) >= 0.5
    np.testing.assert_array_equal(found["is_active"].values, share[plan["idiom_phrase"].values])
    idiom, phrase = plan["collocation_idiom"].values, plan["collocation_phrase"].values
    for i in range(plan.sizes["idiom"]):
        np.testing.assert_allclose(found["active_base_rate"][i], share[phrase[idiom == i]].mean(axis=0), atol=1e-6)


def test_nothing_depends_on_how_neurons_are_cut(planted):
    plan, states = planted
    some = {name: states[name][:, :, :20] for name in ("hidden", "cell")}
    xr.testing.assert_identical(measured(plan, some, 20), measured(plan, some, 7))


def test_constant_and_absent_neurons_are_undefined(planted):
    plan, _ = planted
    hidden = np.random.default_rng(0).normal(size=(plan.sizes["row"], 3)).astype(np.float32)
    hidden[:, 1] = 0.3 + 4e-6 * (hidden[:, 1] > 0)
    hidden[:, 2] = np.nan
    found = measure_idioms(plan, hidden, hidden)
    for name in ("auroc", "auroc_variance", "p_above", "p_below"):
        assert found[name].isel(neuron=[1, 2]).isnull().all()
        assert found[name].isel(neuron=0).notnull().any()
    alone = measure_idioms(plan, hidden[:, :2], hidden[:, :2])
    np.testing.assert_array_equal(found["n_active_place"], alone["n_active_place"])
    smaller = gather_blocks([(0, 0, found), (1, 0, found)], [3, 2])
    assert smaller["auroc"][..., 1, 2].isnull().all()
    assert not smaller["is_active"][..., 1, 2].any()
    np.testing.assert_array_equal(smaller["n_active_place"], 2 * found["n_active_place"])


def test_values_equal_at_the_resolution_are_tied(planted):
    plan, _ = planted
    noise = np.random.default_rng(1).random((plan.sizes["row"], 1), np.float32) * 4e-6
    noise[0] = 1  # not constant, but tied nearly everywhere
    auroc = measure_idioms(plan, noise)["auroc"].sel(readout="final", contrast="tail")
    assert abs(auroc - 0.5).max() < 0.02


def test_the_vocabularies_of_contrasts_and_thresholds():
    assert CONTRASTS == ("literal", "tail", "head", "matched")
    assert THRESHOLDS == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def test_states_of_other_rows_are_refused(planted):
    plan, _ = planted
    with pytest.raises(UserError, match="row_time"):
        measure_idioms(plan, np.zeros((3, 2), np.float32))
