"""Since which epoch neurons are selective: against slow loops, by hand, in size, and what is refused."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import reference_dynamics as reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstm_analysis import schema
from lstm_analysis.analyses.training_dynamics import NEUTRAL, AtEpoch, training_dynamics
from lstm_analysis.analyses.training_dynamics.since import lasting_since
from lstm_analysis.analyses.training_dynamics.untrained import untrained_floor
from lstm_analysis.errors import UserError
from lstm_analysis.selectivity import MEASURES, leading_measure

EPOCHS = (0.0, 0.25, 1.0, 3.0)
DIMS, N_CONCEPT, N_LAYER, N_NEURON = ("concept", "layer", "neuron"), 3, 2, 40
ALPHA = 0.05


def make_scores(rng: np.random.Generator, strength: float, measure: str = "auroc") -> xr.Dataset:
    """Random scores; the first neurons grow with ``strength``; 1:3 is constant; the last concept has no score."""
    shape = (N_CONCEPT, N_LAYER, N_NEURON)
    effect = rng.normal(0, 0.03, shape)
    effect[:, 0, :8] += strength * np.linspace(-0.4, 0.4, 8)
    effect[:, 1, 3] = effect[-1] = np.nan
    p_fwer = rng.choice([0.001, 0.04, 0.05, 0.3], shape, p=[0.4, 0.3, 0.1, 0.2])
    values = {
        measure: np.clip(NEUTRAL[measure] + effect, 0, 1) if measure == "auroc" else effect,
        "p_fwer": np.where(np.isnan(effect), np.nan, p_fwer),
        "type_smd": effect, "type_smd_odd": effect + rng.normal(0, 0.1, shape),
        "type_smd_even": effect + rng.normal(0, 0.1, shape),
    }  # fmt: skip
    coords = {"concept": ["law", "money", "never"], "source": ("concept", ["categories"] * 3)}
    return xr.Dataset({name: (DIMS, value) for name, value in values.items()}, coords)


def make_epochs(seed: int = 0, measure: str = "auroc") -> list[AtEpoch]:
    rng = np.random.default_rng(seed)
    neurons, variable = ("layer", "neuron"), ("variable", "layer", "neuron")

    def flag(dims: tuple[str, ...], low: int = -1) -> tuple[tuple[str, ...], np.ndarray]:
        sizes = {"concept": N_CONCEPT, "layer": N_LAYER, "neuron": N_NEURON, "variable": 2}
        return dims, rng.integers(low, 2, [sizes[dim] for dim in dims]).astype(np.int8)

    def number(dims: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
        return dims, flag(dims, 0)[1] * 0.3

    def graded() -> xr.Dataset:
        found = {name: number(variable) for name in ("r", "eta2", "eta2_type_adjusted")}
        return xr.Dataset(found | {"graded_neuron": flag(variable)}, {"variable": ["depth", "column"]})

    return [
        AtEpoch(
            epoch=epoch,
            scores=make_scores(rng, strength, measure),
            categories=xr.Dataset({"called": flag(DIMS)}),
            sentence_position=xr.Dataset(
                {name: number(neurons) for name in ("eta2", "eta2_type_adjusted", "tau")}
                | {"cliff_neuron": flag(neurons)}
            ),
            idioms=xr.Dataset({"idiom_neuron": (neurons, flag(neurons, 0)[1].astype(bool))}),
            tuning=graded(),
            periodicity=xr.Dataset({"rhythm": flag(neurons)}),
            validation_perplexity=100 / (1 + epoch),
        )
        for epoch, strength in zip(EPOCHS, (0, 0.2, 0.7, 1), strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("measure", ["auroc", "d_prime"])
def test_dates_are_those_of_slow_loops(measure: str) -> None:
    at = make_epochs(measure=measure)
    found, neutral = training_dynamics(at, ALPHA, same_start=True), NEUTRAL[measure]
    floors = [
        reference.floor(at[0].scores[measure].values[k].ravel().tolist(), neutral, ALPHA, measure == "auroc")
        for k in range(N_CONCEPT)
    ]
    np.testing.assert_allclose(found["untrained_floor"], floors, rtol=1e-12)
    dated = 0
    for place in product(range(N_CONCEPT), range(N_LAYER), range(N_NEURON)):
        score, p = ([float(one.scores[name].values[place]) for one in at] for name in (measure, "p_fwer"))
        since = reference.selective_since(EPOCHS, score, p, neutral, ALPHA, floors[place[0]])
        np.testing.assert_equal(float(found["selective_since"].values[place]), since)
        np.testing.assert_equal(float(found["half_since"].values[place]), reference.half_since(EPOCHS, score, neutral))
        for e in range(len(EPOCHS)):
            selective = reference.selective(score[e], p[e], neutral, ALPHA, floors[place[0]])
            assert bool(found["selective"].values[(e, *place)]) == selective
        dated += since == since
    assert dated >= 6
    assert not found["selective"].values[0].any()  # nobody is farther away than the best of the untrained network
    np.testing.assert_array_equal(found["n_selective"], found["selective"].sum(["layer", "neuron"]))


def test_the_best_neurons_and_their_scores_are_those_of_slow_loops() -> None:
    at = make_epochs(1)
    found = training_dynamics(at, ALPHA, same_start=True)
    for k, e in product(range(N_CONCEPT), range(len(EPOCHS))):
        score, last = (one.scores["auroc"].values[k].ravel().tolist() for one in (at[e], at[-1]))
        best, final = reference.strongest(score, 0.5), reference.strongest(last, 0.5)
        here = found.isel(concept=k, epoch=e)
        assert (int(here["best_layer"]), int(here["best_neuron"])) == (
            divmod(best, N_NEURON) if best >= 0 else (-1, -1)
        )
        np.testing.assert_equal(float(here["best_score"]), score[best] if best >= 0 else np.nan)
        np.testing.assert_equal(float(here["final_best_score"]), score[final] if final >= 0 else np.nan)
        for half, other in (("odd", "even"), ("even", "odd")):
            chosen = reference.strongest(at[-1].scores[f"type_smd_{half}"].values[k].ravel().tolist(), 0)
            there = at[e].scores[f"type_smd_{other}"].values[k].ravel()
            smd = float(here["held_out_smd"].sel(half=half))
            np.testing.assert_equal(smd, there[chosen] if chosen >= 0 else np.nan)
    untrained = np.abs(at[0].scores["auroc"].values - 0.5).reshape(N_CONCEPT, -1)
    np.testing.assert_allclose(found["untrained_best"], [*np.nanmax(untrained[:-1], axis=1), np.nan])


def test_flags_are_dated_where_they_last() -> None:
    at = make_epochs(2)
    found = training_dynamics(at, ALPHA, same_start=True)
    flags = {
        "called_since": ("categories", "called"), "cliff_since": ("sentence_position", "cliff_neuron"),
        "idiom_since": ("idioms", "idiom_neuron"), "periodic_since": ("periodicity", "rhythm"),
        "graded_since": ("tuning", "graded_neuron"),
    }  # fmt: skip
    for since, (store, name) in flags.items():
        values = np.stack([getattr(one, store)[name].values for one in at]).reshape(len(at), -1)
        expected = [reference.first_lasting(EPOCHS, (column == 1).tolist()) for column in values.T]
        np.testing.assert_array_equal(found[since].values.ravel(), expected)
        assert np.isfinite(expected).any()
        assert np.isnan(expected).any()
    one, last = at[1], at[-1]
    assert one.tuning is not None
    assert last.sentence_position is not None
    np.testing.assert_array_equal(found["n_called"], (found["called"] == 1).sum(["layer", "neuron"]))
    np.testing.assert_array_equal(found["graded_r"][1], one.tuning["r"])
    np.testing.assert_array_equal(found["tau"][-1], last.sentence_position["tau"])
    assert found["variable"].values.tolist() == ["depth", "column"]


def test_every_variable_is_in_the_vocabulary_with_its_dims_and_type() -> None:
    found = training_dynamics(make_epochs(), ALPHA, same_start=True)
    others = set(MEASURES) - {"auroc"}
    assert set(map(str, found.variables)) - {"concept", "source", "variable", "half"} == (
        set(schema.TRAINING_DYNAMICS) - others
    )
    for name in (*found.data_vars, "epoch"):
        variable = schema.TRAINING_DYNAMICS[str(name)]
        assert found[name].dims == variable.dims, name
        assert found[name].dtype == np.dtype(variable.dtype), name
        assert found[name].attrs == variable.attrs
        low, high = variable.limits
        assert low is None or not (found[name] < low).any(), name
        assert high is None or not (found[name] > high).any(), name
    assert found.attrs["measure"] == "auroc"
    assert found.attrs["rule"].startswith("selective: ")


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 4))))
def test_what_lasts_holds_from_its_date_on_and_not_just_before(holds: np.ndarray) -> None:
    epochs = np.cumsum(np.arange(1, len(holds) + 1)) / 4
    for since, column in zip(lasting_since(epochs, holds), holds.T, strict=True):
        assert np.isnan(since) == (not column[-1])
        if column[-1]:
            assert column[epochs >= since].all()
            assert not column[epochs < since][-1:].any()


def test_later_looks_date_no_more_neurons() -> None:
    at = make_epochs(3)
    every, ends = (
        training_dynamics(at, ALPHA, same_start=True),
        training_dynamics([at[0], at[-1]], ALPHA, same_start=True),
    )
    np.testing.assert_array_equal(every["selective_since"].isnull(), ends["selective_since"].isnull())


def test_a_neuron_that_turns_round_is_dated_by_its_last_direction() -> None:
    at = make_epochs(4)
    for one, score in zip(at, (0.5, 0.99, 0.01, 0.01), strict=True):
        one.scores["auroc"][0, 1, 5], one.scores["p_fwer"][0, 1, 5] = score, 0.001
    found = training_dynamics(at, ALPHA, same_start=True).isel(concept=0, layer=1, neuron=5)
    assert found["selective"].values.tolist() == [False, True, True, True]
    assert float(found["selective_since"]) == float(found["half_since"]) == 1.0


def test_to_another_untrained_network_no_neuron_is_followed_back() -> None:
    at = make_epochs(2)
    own, other = (training_dynamics(at, ALPHA, same_start=same) for same in (True, False))
    late = training_dynamics(at[1:], ALPHA, same_start=True)
    dates = [str(name) for name in own if str(name).endswith("_since")]
    assert len(dates) == 7
    for name in dates:
        if name != "selective_since":  # no untrained neuron is selective
            xr.testing.assert_equal(other[name], late[name])
            assert (own[name] == 0).any()
    xr.testing.assert_equal(other["selective_since"], own["selective_since"])
    for name in ("final_best_score", "held_out_smd"):
        assert other[name].isel(epoch=0).isnull().all()
        xr.testing.assert_equal(other[name].isel(epoch=slice(1, None)), own[name].isel(epoch=slice(1, None)))
    xr.testing.assert_equal(other["best_score"], own["best_score"])
    xr.testing.assert_equal(other["untrained_floor"], own["untrained_floor"])
    assert (own.attrs["same_start"], other.attrs["same_start"]) == (1, 0)


def test_without_the_untrained_network_or_tests_nobody_is_selective_and_the_rule_says_why() -> None:
    at = make_epochs()
    late = training_dynamics(at[1:], ALPHA, same_start=True)
    assert late["untrained_floor"].isnull().all()
    assert "without the untrained network" in late.attrs["rule"]
    untested = training_dynamics(
        [replace(one, scores=one.scores.drop_vars("p_fwer")) for one in at], ALPHA, same_start=True
    )
    assert "makes no tests" in untested.attrs["rule"]
    assert "p_fwer" not in untested
    for found in (late, untested):
        assert not found["selective"].any()
        assert found["selective_since"].isnull().all()
        assert found["half_since"].notnull().any()
        assert found["called_since"].notnull().any()


def test_what_the_study_leaves_out_is_left_out() -> None:
    words = ["type_smd", "type_smd_odd", "type_smd_even"]
    at = [AtEpoch(epoch=one.epoch, scores=one.scores.drop_vars(words)) for one in make_epochs()]
    found = training_dynamics(at, ALPHA, same_start=True)
    assert not {"called", "n_called", "rhythm", "cliff_since", "graded_r", "held_out_smd", "half"} & set(
        found.variables
    )
    assert found["validation_perplexity"].isnull().all()


def test_inputs_stay_as_they_are() -> None:
    at, same = make_epochs(), make_epochs()
    training_dynamics(at, ALPHA, same_start=True)
    for one, other in zip(at, same, strict=True):
        xr.testing.assert_identical(one.scores, other.scores)


def test_results_that_do_not_fit_are_refused() -> None:
    at = make_epochs()
    with pytest.raises(UserError, match="two epochs or more"):
        training_dynamics(at[:1], same_start=True)
    with pytest.raises(UserError, match="in their order"):
        training_dynamics(at[::-1], same_start=True)
    renamed = replace(at[1], scores=at[1].scores.assign_coords(concept=["law", "money", "other"]))
    with pytest.raises(UserError, match=r"at epoch 0.25 and at epoch 3 differ in 'concept'"):
        training_dynamics([at[0], renamed, at[-1]], same_start=True)
    fewer = replace(at[0], scores=at[0].scores.isel(neuron=slice(5)))
    with pytest.raises(UserError, match="5 against 40"):
        training_dynamics([fewer, *at[1:]], same_start=True)
    with pytest.raises(UserError, match=r"called of categories is not there at the epochs 0.25"):
        training_dynamics([at[0], replace(at[1], categories=None), *at[2:]], same_start=True)
    with pytest.raises(UserError, match="none of the measures"):
        training_dynamics([replace(one, scores=one.scores.drop_vars("auroc")) for one in at], same_start=True)


def test_the_leading_score_is_that_of_tables() -> None:
    assert {name: measure.neutral or 0 for name, measure in MEASURES.items()} == NEUTRAL
    for names in (["mutual_information", "auroc"], ["average_precision", "d_prime"], list(MEASURES)[::-1]):
        at = [
            AtEpoch(epoch=epoch, scores=xr.Dataset({name: (DIMS, np.full((1, 1, 3), 0.5)) for name in names}))
            for epoch in (0.0, 1.0)
        ]
        assert training_dynamics(at, same_start=True).attrs["measure"] == leading_measure(at[0].scores)


def test_few_neurons_and_perfect_ones_have_a_floor() -> None:
    distance = np.full((4, 3), np.nan)
    distance[1, 0], distance[2], distance[3] = 0.1, [0.5, 0.2, 0.1], [0.1, 0.1, 0.1]
    np.testing.assert_allclose(untrained_floor(distance, ALPHA, True), [np.nan, 0.1, 0.5, 0.1], atol=1e-15)


@pytest.mark.parametrize("bounded", [False, True])
def test_another_untrained_network_exceeds_the_floor_about_as_often_as_said(bounded: bool) -> None:
    rng = np.random.default_rng(5)
    d_prime = np.abs(rng.normal(0, 0.2, (400, 400)))
    distance = 1 / (1 + np.exp(-1.6 * d_prime)) - 0.5 if bounded else d_prime
    exceeded = distance[1:].max(axis=1) > untrained_floor(distance[:-1], ALPHA, bounded)
    assert 0.002 < exceeded.mean() < 0.06
    assert 0.45 < (distance[1:].max(axis=1) > distance[:-1].max(axis=1)).mean() < 0.55


def test_a_training_that_teaches_nothing_dates_nothing() -> None:
    """Every neuron passes the test at every epoch, as untrained ones do: the floor alone keeps them out."""
    rng = np.random.default_rng(6)
    shape = (200, 2, 100)
    at = [
        AtEpoch(epoch=epoch, scores=xr.Dataset({"auroc": (DIMS, 0.5 + np.tanh(rng.normal(0, 0.1, shape)) / 2),
                                                "p_fwer": (DIMS, np.full(shape, 0.001))}))
        for epoch in (0.0, 1.0, 2.0)
    ]  # fmt: skip
    dated = training_dynamics(at, ALPHA, same_start=True)["selective_since"].notnull().any(["layer", "neuron"]).sum()
    assert int(dated) <= 14  # of 200 concepts: .05, and two standard errors
