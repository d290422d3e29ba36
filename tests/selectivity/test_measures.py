"""Every measure against its slow loop and scikit-learn, and the laws they share."""

import numpy as np
import pytest
import reference
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from neurons import KINDS, realistic_neurons
from sklearn import metrics
from small_study import SHARES, make_study

from lstm_analysis import schema
from lstm_analysis.errors import UserError
from lstm_analysis.reductions import pilot_edges, summarize
from lstm_analysis.selectivity import MEASURES, measure, rank_scores

BESIDE = ("n_token", "value_min", "value_max")
TWO_SIGNED = [name for name, measure_ in MEASURES.items() if measure_.two_signed]


def summary_of(values, label, n_bin=256, pilot=None):
    """Summary of plain values (time, neuron) and labels (time, concept)."""
    states = xr.DataArray(np.asarray(values, np.float32)[:, None], dims=("time", "layer", "neuron"))
    names = [f"concept {k}" for k in range(label.shape[1])]
    labels = xr.Dataset({"label": (("time", "concept"), label.astype(np.int8))}, {"concept": names})
    return summarize(states, labels, bin_edge=pilot_edges(states[:pilot], n_bin))


@pytest.fixture(scope="module")
def small():
    states, labels, _ = make_study(200, n_layer=1)
    edges = pilot_edges(states, n_bin=40)
    return states.values[:, 0], labels.label.values, edges.values[0], measure(summarize(states, labels, bin_edge=edges))


def cases(small):
    values, label, edges, scores = small
    for k in range(label.shape[1]):
        for j in range(1, values.shape[1]):
            bins = [reference.bin_of(v, edges[j]) for v in values[:, j]]
            yield values[:, j], bins, label[:, k], scores.isel(concept=k, layer=0, neuron=j)


def test_scores_of_the_moments_equal_the_loop(small):
    for values, _, label, found in cases(small):
        assert found.mean_difference == pytest.approx(reference.mean_difference(values, label), abs=1e-14)
        assert found.d_prime == pytest.approx(reference.d_prime(values, label), rel=1e-13)


def test_scores_of_the_histograms_equal_the_loop_on_bins(small):
    for _, bins, label, found in cases(small):
        assert found.auroc == pytest.approx(reference.auroc(bins, label), abs=1e-14)
        assert found.auroc_error_bound == pytest.approx(reference.tie_bound(bins, label), abs=1e-14)
        assert found.average_precision == pytest.approx(reference.average_precision(bins, label), abs=1e-14)
        coarse = reference.sixteenths(bins, label)
        assert found.mutual_information == pytest.approx(reference.mutual_information(coarse, label), abs=1e-13)


def test_scores_equal_scikit_learn_on_bins(small):
    for _, bins, label, found in cases(small):
        bins, known = np.array(bins), label >= 0
        assert found.auroc == pytest.approx(metrics.roc_auc_score(label[known], bins[known]), abs=1e-12)
        precision = metrics.average_precision_score(label[known], bins[known])
        assert found.average_precision == pytest.approx(precision, abs=1e-12)
        coarse = np.array(reference.sixteenths(bins, label))
        nats = metrics.mutual_info_score(label[known], coarse[known])
        assert found.mutual_information == pytest.approx(nats / np.log(2), abs=1e-12)


def test_counts_and_prevalence_stand_beside_the_scores(small):
    _, label, _, scores = small
    for k, name in enumerate(SHARES):
        at = scores.sel(concept=name)
        n_target, n_baseline = (label[:, k] == 1).sum(), (label[:, k] == 0).sum()
        assert at.n_token.sel(group="target") == n_target
        assert at.n_token.sel(group="baseline") == n_baseline
        assert at.prevalence == pytest.approx(n_target / (n_target + n_baseline), abs=1e-15)


@settings(max_examples=20)
@given(hnp.arrays(np.int8, (30, 2), elements=st.sampled_from([-1, 0, 1])), st.integers(0, 50))
def test_swapping_target_and_baseline_turns_the_sign(label, seed):
    values = np.random.default_rng(seed).choice(np.linspace(-1, 1, 9), (30, 2))
    swapped = np.where(label < 0, label, 1 - label)
    here, there = (measure(summary_of(values, x, n_bin=6)) for x in (label, swapped))
    for name in TWO_SIGNED:
        neutral = MEASURES[name].neutral
        np.testing.assert_allclose(here[name] - neutral, neutral - there[name], atol=1e-12)
    np.testing.assert_allclose(here.mutual_information, there.mutual_information, atol=1e-12)


def test_left_out_tokens_change_no_score(small):
    values, label, _, scores = small
    kept = label[:, 3] >= 0
    states = xr.DataArray(values[kept][:, None], dims=("time", "layer", "neuron"))
    labels = xr.Dataset({"label": (("time", "concept"), label[kept][:, 3:])})
    edges = xr.DataArray(small[2][None], dims=("layer", "neuron", "edge"))
    xr.testing.assert_equal(
        measure(summarize(states, labels, bin_edge=edges)).drop_vars("n_token"),
        scores.isel(concept=[3]).drop_vars(["n_token", "concept"]),
    )


@pytest.mark.parametrize("name", MEASURES)
def test_undefined_is_nan_with_its_counts(name):
    label = np.zeros((40, 3), np.int8)
    label[:, 1], label[:10, 2] = 1, 1
    values = np.linspace(-1, 1, 120).reshape(40, 3)
    values[:, 2] = 0.5 + np.linspace(0, 0.99e-5, 40)
    scores = measure(summary_of(values, label), [name])
    assert scores[name][:2].isnull().all(), "a group is empty"
    assert scores[name][2, 0, :2].notnull().all()
    assert scores[name][2, 0, 2].isnull(), "the neuron is constant at the resolution"
    assert scores.n_token.values.tolist() == [[40, 0], [0, 40], [30, 10]]
    assert set(scores.data_vars) == {*MEASURES[name].yields, *BESIDE}


def test_a_gated_off_neuron_has_no_score_and_one_that_opens_has():
    rng = np.random.default_rng(0)
    values = 1e-9 * rng.standard_normal((500, 2))
    values[7, 1] = 0.5
    scores = measure(summary_of(values, rng.integers(0, 2, (500, 1))))
    assert scores.auroc.isnull().values.ravel().tolist() == [True, False]


def test_d_prime_needs_two_tokens_and_some_variance():
    values = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.5, 1.0]])
    scores = measure(summary_of(values, np.array([[0, 0], [0, 0], [1, 1], [-1, 1]])), ["d_prime", "mean_difference"])
    assert scores.d_prime.isnull().values[:, 0].tolist() == [[True, True], [False, True]]
    assert scores.mean_difference.values[:, 0].tolist() == [[1.0, 1.0], [0.75, 1.0]]


def test_miller_madow_is_the_mean_information_of_independent_tokens():
    rng = np.random.default_rng(0)
    values, label = rng.uniform(-1, 1, (800, 300)), rng.random((800, 1)) < 0.3
    scores = measure(summary_of(values, label), ["mutual_information"])
    assert scores.mutual_information.mean() == pytest.approx(scores.mutual_information_bias.mean().item(), rel=0.05)
    assert scores.mutual_information_bias.values == pytest.approx(15 / (2 * 800 * np.log(2)))


@pytest.mark.parametrize("seed", range(3))
def test_histogram_auroc_is_within_its_bound_and_close_on_realistic_neurons(seed):
    values, label = realistic_neurons(seed=seed)
    scores = measure(summary_of(values, label, pilot=8_000), ["auroc", "average_precision"])
    exact = rank_scores(values, label)
    error = np.abs(scores.auroc.values[:, 0] - exact.auroc)
    assert (error <= scores.auroc_error_bound.values[:, 0] + 1e-12).all()
    assert error.max() <= 0.002, dict(zip(KINDS, error.max(0), strict=True))
    assert exact.auroc.max() > 0.8, "some neurons know their concept"
    error = np.abs(scores.average_precision.values[:, 0] - exact.average_precision)
    assert (error <= scores.average_precision_error_bound.values[:, 0] + 1e-12).all()
    assert error.max() <= 0.05, dict(zip(KINDS, error.max(0), strict=True))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([2, 4, 20]))
def test_error_bounds_hold_for_any_bins(seed, n_bin):
    rng = np.random.default_rng(seed)
    values = rng.choice(np.linspace(-1, 1, rng.integers(2, 60), dtype=np.float32), (60, 3))
    label = (rng.random((60, 2)) < rng.uniform(0, 1, 2)).astype(np.int8)
    scores, exact = measure(summary_of(values, label, n_bin)), rank_scores(values, label)
    for name in ("auroc", "average_precision"):
        error = np.abs(scores[name].values[:, 0] - getattr(exact, name))
        bound = scores[f"{name}_error_bound"].values[:, 0]
        assert ((error <= bound + 1e-12) | np.isnan(error)).all()


def test_a_detector_of_a_rare_concept_keeps_its_precision():
    rng = np.random.default_rng(0)
    label = (rng.random((50_000, 1)) < 0.001).astype(np.int8)
    values = np.tanh(0.3 * rng.standard_normal((50_000, 1)) + 3 * label)
    scores = measure(summary_of(values, label, pilot=16_384), ["average_precision"])
    exact = rank_scores(values.astype(np.float32), label).average_precision.item()
    assert exact > 0.99
    assert scores.average_precision.item() == pytest.approx(exact, abs=0.15)


def test_a_lazy_summary_gives_the_same_scores():
    states, labels, _ = make_study(200)
    xr.testing.assert_identical(measure(summarize(states.chunk(time=33), labels)), measure(summarize(states, labels)))


def test_names_choose_what_is_measured(small):
    summary = summary_of(small[0], small[1])
    assert set(measure(summary, ["d_prime"]).data_vars) == {"d_prime", *BESIDE}
    assert set(measure(summary, "d_prime").data_vars) == {"d_prime", *BESIDE}
    with pytest.raises(UserError, match=r"unknown measure 'aucroc'; did you mean 'auroc'\?"):
        measure(summary, ["auroc", "aucroc"])


def test_every_score_is_in_the_vocabulary(small):
    for name, variable in small[3].data_vars.items():
        assert variable.dims == schema.VARIABLES[name].dims
        assert variable.dtype == schema.VARIABLES[name].dtype
        low, high = schema.VARIABLES[name].limits
        assert low is None or variable.min() >= low
        assert high is None or variable.max() <= high
    assert set(MEASURES) <= {yielded for descriptor in MEASURES.values() for yielded in descriptor.yields}


def test_the_summary_is_not_changed(small):
    summary = summary_of(small[0], small[1])
    before = summary.copy(deep=True)
    measure(summary)
    xr.testing.assert_identical(summary, before)
