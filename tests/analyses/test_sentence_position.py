"""The whole analysis on simulated integrators: estimates, intervals, sizes; blocks of neurons do not matter."""

import numpy as np
import pytest
import xarray as xr
from leaky_integrators import blocks_of_documents, integrate, make_text
from scipy import stats

from lstm_analysis import schema
from lstm_analysis.analyses.sentence_position import (
    BoundaryRows,
    PositionSums,
    conclude_positions,
    measure_positions,
    plan_boundaries,
)
from lstm_analysis.analyses.sentence_position.boundaries import SHORT_LENGTH
from lstm_analysis.errors import UserError

TESTS = ("cliff_r_current", "level_r_current", "level_partial_r_previous")


def measure(text, h, seed=0, n_draw=199, n_block=40, **options):
    """Return what is measured, and the rows at the boundaries."""
    block = blocks_of_documents(int(text.document[-1]) + 1, n_block)
    columns = (text.sentence, text.sentence_position, text.sentence_length, text.document)
    plan = plan_boundaries(*columns, block, seed, **options)
    sums, rows = PositionSums(n_block, h.shape[1]), BoundaryRows(plan, h.shape[1])
    sums.add(block[text.document], h, text.sentence_position)
    rows.add(0, h)
    found = measure_positions(sums, plan, rows.end, rows.next_, rows.before, seed=seed, n_draw=n_draw)
    return found, plan, rows


def layered(measured):
    """Return the variables of neurons with one layer."""
    return xr.Dataset({name: v.expand_dims("layer") if "neuron" in v.dims else v for name, v in measured.items()})


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    text = make_text(rng, n_document=20, n_sentence=20)
    return text, integrate(text, rng, np.array([3.0, 5, 8, 12]), kept=0.3)


def test_what_is_stored_is_in_the_vocabulary(small):
    text, h = small
    h = h.copy()
    h[:, 3] = 0.25
    measured = layered(measure(text, h, n_block=20)[0])
    eta2 = xr.DataArray([[0.5] * 4], dims=("layer", "neuron"))
    found = conclude_positions(measured, eta2, eta2.rename("eta2_type_adjusted"))
    assert "draw" not in found.dims
    assert found.cliff_neuron.values.tolist() == [[1, 1, 1, -1]]
    for name, variable in found.data_vars.items():
        known = schema.VARIABLES[name]
        assert (set(variable.dims) == set(known.dims)) or name == "n_token", name
        assert variable.attrs == known.attrs
        low, high = known.limits
        values = variable.values[np.isfinite(variable.values)]
        assert low is None or (values >= low).all(), name
        assert high is None or (values <= high).all(), name
    assert np.isnan(found.cliff_r_current.values[0, 3])
    assert int(found.fit_reason[0, 3]) == 2


def test_simple_numbers_equal_direct_ones(small):
    text, h = small
    found, plan, rows = measure(text, h, n_block=20)
    position = text.sentence_position
    for p in (0, 7):
        at = h[position == p].astype(float)
        np.testing.assert_allclose(found.tuning_mean[p], at.mean(axis=0))
        np.testing.assert_allclose(found.tuning_sd[p], at.std(axis=0, ddof=1))
    np.testing.assert_allclose(found.value_sd, h.astype(float).std(axis=0, ddof=1))
    cliff = rows.end.astype(float) - rows.next_
    np.testing.assert_allclose(found.cliff_mean, cliff.mean(axis=0))
    np.testing.assert_allclose(found.cliff_sd, cliff.std(axis=0, ddof=1))
    current = plan.length_current.values
    np.testing.assert_allclose(
        found.cliff_by_length.sel(sentence_length_bin=9), cliff[current == 9].mean(axis=0), rtol=1e-12
    )
    assert found.n_boundary_by_length.sum() == found.n_boundary == plan.sizes["boundary"] == 20 * 19
    for n in range(4):
        assert found.cliff_r_current[n] == pytest.approx(stats.pearsonr(current, cliff[:, n]).statistic)
        assert found.level_r_current[n] == pytest.approx(stats.pearsonr(current, rows.next_[:, n]).statistic)
    short = plan.before_time.values >= 0
    rise = (rows.end - rows.before)[short].astype(float)
    np.testing.assert_allclose(found.short_rise, rise.mean(axis=0), rtol=1e-6)
    assert found.n_boundary_short == short.sum() > 3
    assert found.n_boundary_previous < ((current <= SHORT_LENGTH) & (plan.length_previous > 0)).sum()


def test_neurons_do_not_depend_on_those_beside_them(small):
    text, h = small
    whole = measure(text, h, n_draw=49, n_block=20)[0]
    for n in range(4):
        alone = measure(text, h[:, n : n + 1], n_draw=49, n_block=20)[0]
        for name, variable in alone.items():
            values = whole[name].isel(neuron=[n]) if "neuron" in variable.dims else whole[name]
            np.testing.assert_allclose(variable, values, rtol=1e-6, err_msg=name)


def test_without_boundaries_there_are_curves_and_nothing_else(small):
    text, h = small
    found = measure(text, h, carry="sentence", n_block=20)[0]
    assert np.isfinite(found.tau).all()
    assert found.n_boundary == 0
    for name in ("cliff_mean", "cliff_sd", "short_rise", *TESTS, *(f"{test}_p" for test in TESTS)):
        assert np.isnan(found[name]).all(), name
    eta2 = xr.DataArray([[0.9] * 4], dims=("layer", "neuron"))
    concluded = conclude_positions(layered(found), eta2, eta2)
    assert (concluded.cliff_neuron == -1).all()
    assert np.isnan(concluded.cliff_r_current_p_fwer).all()


def test_an_absent_neuron_and_a_single_document(small):
    text, h = small
    h = h.copy()
    h[:, 1] = np.nan
    found = measure(text, h, n_block=20)[0]
    for name in ("tuning_mean", "tau", "cliff_mean", "cliff_mean_low", "short_rise", "level_r_current_p", "value_sd"):
        assert np.isnan(found[name].isel(neuron=1)).all(), name
    text = make_text(np.random.default_rng(1), n_document=1, n_sentence=60)
    h = integrate(text, np.random.default_rng(2), np.array([4.0, 6]))
    found = measure(text, h, n_block=1)[0]
    assert (found.fit_reason_arctanh == 6).all()
    assert np.isnan(found.tau_low).all()
    assert np.isfinite(found.tau).all()
    assert np.isnan(found.cliff_mean_low).all()
    assert np.isfinite(found.cliff_r_current_p).all()


def test_states_of_another_plan_are_refused(small):
    text, h = small
    _, plan, rows = measure(text, h, n_block=20)
    with pytest.raises(UserError, match="next_ has shape"):
        measure_positions(PositionSums(20, 4), plan, rows.end, rows.next_[1:], rows.before, seed=0)


def simulate(n_text, n_neuron, **options):
    """Share of tau's intervals that cover it; of tests at .05 that reject; the same of naive correlations."""
    covers, rejects, naive = [], {name: [] for name in TESTS}, []
    for seed in range(n_text):
        rng = np.random.default_rng(seed)
        text, tau = make_text(rng), np.exp(rng.uniform(np.log(3), np.log(10), n_neuron))
        found, plan, rows = measure(text, integrate(text, rng, tau, **options), seed)
        covers.append((found.tau_arctanh_low.values <= tau) & (tau <= found.tau_arctanh_high.values))
        known = plan.length_previous.values > 0
        cliff = (rows.end - rows.next_)[known].astype(float)
        naive.append(stats.pearsonr(plan.length_previous.values[known, None].astype(float), cliff, axis=0).pvalue)
        for name in TESTS:
            rejects[name].append(found[f"{name}_p"].values <= 0.05)
    return np.mean(covers), {name: np.mean(r) for name, r in rejects.items()}, np.mean(np.array(naive) <= 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{}, {"word": 0.2, "noise": 0.2}, {"word": 0.1, "noise": 0.2, "document": 0.2}],
    ids=["plain", "words", "topics"],
)
def test_complete_reset(options):
    """A naive correlation with the previous length is always significant; the stratified one is at its level."""
    covers, rejects, naive = simulate(25, 24, **options)
    assert 0.9 <= covers <= 0.975
    assert naive >= 0.97
    assert 0.025 <= rejects["level_partial_r_previous"] <= 0.07
    assert 0.03 <= rejects["level_r_current"] <= 0.075
    assert rejects["cliff_r_current"] == 1


@pytest.mark.slow
def test_incomplete_reset_is_found():
    _, rejects, _ = simulate(6, 24, kept=0.8, noise=0.05)
    assert rejects["level_r_current"] == 1
    assert rejects["level_partial_r_previous"] > 0.6


def test_complete_and_incomplete_reset_in_one_text():
    covers, rejects, naive = simulate(2, 30)
    assert covers > 0.85
    assert naive > 0.9
    assert rejects["level_partial_r_previous"] < 0.15
    _, rejects, _ = simulate(1, 30, kept=0.8, noise=0.05)
    assert rejects["level_r_current"] == 1
