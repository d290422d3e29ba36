"""From sums to p: means and errors by a slow loop, p by counting, what is undefined is NaN."""

import math

import numpy as np
import pytest
import xarray as xr

from lstm_analysis.analyses.lesion import conclude_lesions, dissociations, hurt, unused
from lstm_analysis.analyses.lesion.dissociation import MIN_TOKEN

ROWS = [((0, j),) for j in range(12)]
N_CONCEPT = 3


def sums_of(values):
    """Sums of losses: a function of row, cell and prediction gives lists of differences; the intact loss is 2."""
    shape = (len(ROWS), 2 * N_CONCEPT + 1, 2)
    found = {"delta_sum": np.zeros(shape), "delta_square_sum": np.zeros(shape)}
    n = np.zeros(shape[1:], np.int64)
    for row, cell, prediction in np.ndindex(shape):
        given = values(row, cell, prediction)
        found["delta_sum"][row, cell, prediction] = sum(given)
        found["delta_square_sum"][row, cell, prediction] = sum(x * x for x in given)
        n[cell, prediction] = len(given)
    data = {name: (("row", "cell", "prediction"), array) for name, array in found.items()}
    return xr.Dataset(data | {"intact_sum": (("cell", "prediction"), 2.0 * n), "n_token": (("cell", "prediction"), n)})


def random_values(row, cell, prediction):
    if (cell, prediction) == (4, 0):
        return []  # a concept without a target that has a past
    n = 1 if (cell, prediction) == (2, 1) else 5 + cell
    return np.random.default_rng([row, cell, prediction]).normal(size=n).tolist()


@pytest.fixture(scope="module")
def found():
    lesions, draws = ROWS[:2], [ROWS[2:], ROWS[4:9]]
    return conclude_lesions(sums_of(random_values), lesions, draws, {one: i for i, one in enumerate(ROWS)})


def delta(row, concept, prediction):
    target, control = (random_values(row, cell, prediction) for cell in (2 * concept, 2 * concept + 1))
    return math.nan if not target else np.mean(target) - np.mean(control)


def test_means_and_errors_are_those_of_the_tokens(found):
    for lesion, concept, prediction in np.ndindex(2, N_CONCEPT, 2):
        at = found.isel(lesion=lesion, concept=concept, prediction=prediction)
        target, control = (random_values(lesion, 2 * concept + k, prediction) for k in range(2))
        assert float(at["delta_loss"]) == pytest.approx(delta(lesion, concept, prediction), nan_ok=True)
        assert float(at["delta_loss_control"]) == pytest.approx(np.mean(control))
        assert at["n_token"].values.tolist() == [len(control), len(target)]
        assert float(at["intact_loss"][1]) == pytest.approx(2.0 if target else math.nan, nan_ok=True)
        if min(len(target), len(control)) > 1:
            squares = [np.var(one, ddof=1) / len(one) for one in (target, control)]
            assert float(at["delta_loss_se"]) == pytest.approx(math.sqrt(sum(squares)))
        else:
            assert np.isnan(at["delta_loss_se"])
    every = random_values(1, 2 * N_CONCEPT, 1)
    assert float(found["delta_loss_overall"][1]) == pytest.approx(np.mean(every))
    assert int(found["n_token_overall"]) == len(every)


def test_p_is_the_share_of_random_neurons_that_cost_as_much(found):
    for lesion, rows in ((0, range(2, 12)), (1, range(4, 9))):
        for concept, prediction in np.ndindex(N_CONCEPT, 2):
            own, others = delta(lesion, concept, prediction), [delta(row, concept, prediction) for row in rows]
            p = (1 + sum(other >= own for other in others)) / (len(others) + 1)
            at = found.isel(lesion=lesion, concept=concept, prediction=prediction)
            assert float(at["p_value"]) == pytest.approx(math.nan if math.isnan(own) else p, nan_ok=True)
            np.testing.assert_allclose(at["random_delta_loss"][: len(others)], others, rtol=1e-6)
            assert at["random_delta_loss"][len(others) :].isnull().all()
    assert found["n_random"].values.tolist() == [10, 5]
    assert found["random_neuron"].values[:5, 1, 0].tolist() == [4, 5, 6, 7, 8]
    assert (found["random_neuron"].values[5:, 1] == -1).all()


def test_over_all_concepts_the_largest_z_of_each_random_neuron_counts(found):
    for prediction, concepts in ((0, (0, 1)), (1, (0, 1, 2))):
        table = np.array([[delta(row, concept, prediction) for concept in concepts] for row in (*range(2, 12), 0)])
        z = np.empty(table.shape)
        for row, column in np.ndindex(z.shape):
            others = np.delete(table[:, column], row)
            z[row, column] = (table[row, column] - others.mean()) / others.std(ddof=1)
        for column, concept in enumerate(concepts):
            p = (1 + sum(z[row].max() >= z[-1, column] for row in range(10))) / 11
            assert float(found["p_fwer"][0, concept, prediction]) == pytest.approx(p)
    assert np.isnan(found["p_fwer"][0, 2, 0])


def test_without_random_neurons_or_lesions_there_is_no_p():
    rows = {one: i for i, one in enumerate(ROWS)}
    alone = conclude_lesions(sums_of(random_values), ROWS[:2], [[], []], rows)
    assert alone["p_value"].isnull().all()
    assert alone["p_overall"].isnull().all()
    assert alone["delta_loss"].notnull().any()
    assert conclude_lesions(sums_of(random_values), [], [], rows).sizes["lesion"] == 0


def lesions_with(p, p_fwer, loss, selective):
    dims = ("lesion", "concept", "prediction")
    values = {"p_value": p, "p_fwer": p_fwer, "delta_loss": loss}
    data = {name: (dims, np.array(one, float)[..., np.newaxis]) for name, one in values.items()}
    data["n_token"] = (("concept", "group", "prediction"), np.full((3, 2, 1), MIN_TOKEN))
    return xr.Dataset(data | {"selective": (dims[:2], np.array(selective))}, {"prediction": ["next"]})


def test_hurt_spared_dissociated_and_unused():
    found = lesions_with(
        p=[[0.01, 0.5, 0.02], [0.6, 0.01, 0.2], [0.3, 0.04, 0.9]],
        p_fwer=[[0.02, 1.0, 0.3], [1.0, 0.3, 1.0], [1.0, 0.3, 1.0]],
        loss=[[0.5, 0.0, 0.3], [0.1, 0.4, 0.0], [0.0, 0.2, 0.0]],
        selective=[[False, False, False], [False, True, True], [False, False, True]],
    )
    np.testing.assert_array_equal(hurt(found), [[True, False, False], [False, True, False], [False] * 3])
    (pair,) = dissociations(found)
    assert pair == (0, 0, 1, 1, pytest.approx(0.4))
    assert unused(found) == [(1, 2), (2, 2)]
    assert not hurt(found.assign(delta_loss=-found["delta_loss"])).any()
    for group in range(2):  # nothing is said of a concept with fewer tokens, or controls
        few = found.copy(deep=True)
        few["n_token"][2, group] = few["n_token"][0, group] = MIN_TOKEN - 1
        np.testing.assert_array_equal(hurt(few), [[False] * 3, [False, True, False], [False] * 3])
        assert dissociations(few) == []
        assert unused(few) == []
