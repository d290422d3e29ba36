"""Tuning curves by position in the sentence."""

import dask
import flox.xarray
import numpy as np
import pytest
import reference
import xarray as xr
from dask.callbacks import Callback
from small_study import make_study

from lstm_analysis.errors import UserError
from lstm_analysis.reductions import summarize, tuning_curve, tuning_from_summary


@pytest.fixture
def study():
    return make_study(n_token=400)


def test_curve_equals_xarray_and_flox(study):
    states, _, columns = study
    by = columns["sentence_position"].rename("sentence_position")
    curve = tuning_curve(states, by, n_position=75)
    present = curve.isel(sentence_position=slice(0, 70))
    exact = states.astype(np.float64)
    grouped = exact.groupby(by)
    np.testing.assert_allclose(present.tuning_mean, grouped.mean().transpose(*curve.tuning_mean.dims), atol=2**-31)
    np.testing.assert_allclose(present.tuning_sd, grouped.std(ddof=1).transpose(*curve.tuning_mean.dims), atol=2**-30)
    flox_sd = flox.xarray.xarray_reduce(exact, by, func="std", ddof=1).transpose("sentence_position", ...)
    np.testing.assert_allclose(present.tuning_sd, flox_sd, atol=2**-30)
    np.testing.assert_array_equal(present.n_token, np.bincount(by))


def test_the_last_position_holds_all_later_ones(study):
    states, _, columns = study
    by = columns["sentence_position"]
    curve = tuning_curve(states, by)
    assert curve.sizes["sentence_position"] == 61
    later = states.values[by.values >= 60]
    assert curve.n_token[60] == len(later)
    np.testing.assert_allclose(curve.tuning_mean[60], later.mean(0, dtype=np.float64), atol=2**-31)


def test_a_position_without_tokens_is_nan_with_its_count(study):
    states, _, columns = study
    curve = tuning_curve(states[:3], columns["sentence_position"][:3])
    assert curve.n_token[1] == 0
    assert curve.tuning_mean[1].isnull().all()
    assert curve.tuning_mean[0].notnull().all()
    assert curve.tuning_sd[0].isnull().all()


@pytest.mark.parametrize("chunks", [50, (399, 1), (0, 400)])
def test_a_lazy_curve_is_lazy_and_the_same(study, chunks):
    states, _, columns = study
    by = columns["sentence_position"]
    ran = []
    with Callback(pretask=lambda key, *_: ran.append(key)), dask.config.set(scheduler="synchronous"):
        curve = tuning_curve(states.chunk(time=chunks, neuron=2), by)
        assert ran == []
        xr.testing.assert_identical(curve.compute(), tuning_curve(states, by))


def test_summary_gives_the_same_curve_and_eta2_of_the_loop(study):
    states, labels, columns = study
    by = columns["sentence_position"]
    curve = tuning_from_summary(summarize(states, labels, sentence_position=by))
    xr.testing.assert_identical(curve.drop_vars("eta2"), tuning_curve(states, by))
    for (i, j), eta2 in np.ndenumerate(curve.eta2.values):
        if (i, j) == (0, 0):
            assert np.isnan(eta2), "neuron 0:0 is constant"
        else:
            expected = reference.eta2(states.values[:, i, j], np.minimum(by.values, 60).tolist())
            assert eta2 == pytest.approx(expected, abs=1e-12)


def test_eta2_is_unbiased_for_neurons_that_ignore_the_position():
    rng = np.random.default_rng(0)
    states = xr.DataArray(rng.uniform(-1, 1, (300, 1, 500)), dims=("time", "layer", "neuron"))
    by = xr.DataArray(np.arange(300) % 30, dims="time")
    labels = xr.Dataset({"label": (("time", "concept"), np.zeros((300, 1), np.int8))})
    eta2 = tuning_from_summary(summarize(states, labels, sentence_position=by)).eta2
    assert abs(eta2.mean().item()) < 4 * eta2.std().item() / 500**0.5
    assert (29 / 299) > 0.09, "what the uncorrected ratio would be on average"


def test_eta2_is_one_for_a_neuron_that_is_the_position():
    by = xr.DataArray(np.arange(300) % 30, dims="time")
    states = (by / 30).expand_dims(layer=1, neuron=1).transpose("time", "layer", "neuron")
    labels = xr.Dataset({"label": (("time", "concept"), np.zeros((300, 1), np.int8))})
    assert tuning_from_summary(summarize(states, labels, sentence_position=by)).eta2.item() == 1


def test_errors_say_what_is_wrong(study):
    states, labels, columns = study
    with pytest.raises(UserError, match="no sums by position"):
        tuning_from_summary(summarize(states, labels))
    with pytest.raises(UserError, match="hidden_state, not cell_state"):
        tuning_curve(states * 3, columns["sentence_position"])
    with pytest.raises(UserError, match="n_position is 0"):
        tuning_curve(states, columns["sentence_position"], n_position=0)
