"""Categories: who is called, which words carry it, what categories share, held-out words."""

import numpy as np
import pytest
import xarray as xr
from type_world import document_effects, make_world, noise, type_tables

from lstm_analysis import schema
from lstm_analysis.analyses.categories import categories
from lstm_analysis.analyses.category_overlap import category_overlap
from lstm_analysis.errors import UserError
from lstm_analysis.selectivity import type_scores

N_TYPE, N_NEURON = 600, 24
WORDS = [f"word{i}" for i in range(N_TYPE)]
ONE_WORD = 4


@pytest.fixture(scope="module")
def planted():
    """Categories a, b (sharing ten words), c of 3 words. Neurons 0: a; 1: b; 2: falls for a and b; 3: six words of a.

    Neuron 4 knows one frequent word of a only.
    """
    rng = np.random.default_rng(0)
    world = make_world(rng, n_type=N_TYPE, n_document=40, n_token=40_000)
    known = rng.permutation(np.flatnonzero(world.n_token >= 5))
    a, b, c = known[:40], known[30:70], known[100:103]
    values = 0.3 * rng.standard_normal((N_TYPE, N_NEURON))[world.type_id] + noise(rng, world, N_NEURON)
    values += document_effects(rng, world, N_NEURON)
    for neuron, words, size in ((0, a, 4), (1, b, 4), (2, np.union1d(a, b), -4), (3, a[:6], 9), (ONE_WORD, a[:1], 30)):
        values[:, neuron] += size * np.isin(world.type_id, words)
    tables = type_tables(world, values, [a, b, c], n_layer=2)
    scores = type_scores(tables, draws=499)
    return scores, tables, categories(scores, tables, WORDS), (a, b, c)


def test_planted_neurons_are_called_and_no_decoy(planted):
    called = planted[2].called.values.reshape(3, -1)
    assert set(np.flatnonzero(called[0] == 1)) == {0, 2}
    assert set(np.flatnonzero(called[1] == 1)) == {1, 2}
    assert (called[2] == -1).all()
    assert planted[2].n_called.values.tolist() == [2, 2, 0]
    assert planted[2].n_tested.values.tolist() == [N_NEURON, N_NEURON, 0]
    assert planted[2].sign.values.reshape(3, -1)[:2, [0, 2]].tolist() == [[1, -1], [planted[2].sign[1, 0, 0], -1]]


def test_breadth_keeps_out_what_a_few_words_carry(planted):
    scores, _, _, _ = planted
    flat = {name: scores[name].values.reshape(3, -1)[0] for name in ("breadth", "p_fwer_type")}
    assert flat["breadth"][0] == 1
    assert flat["breadth"][3] < 0.4
    assert flat["breadth"][ONE_WORD] < 0.3


def test_overlap_of_the_planted_sets(planted):
    found = planted[2].sel(neuron_set="called")
    assert found.set_size.values.tolist() == [2, 2, 0]
    assert found.overlap_n.values.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert found.overlap_n_same_sign.values[0, 1] == 1
    assert found.overlap_jaccard.values[0, 1] == pytest.approx(1 / 3)
    assert found.overlap_lift.values[0, 1] == pytest.approx(1 * N_NEURON / (2 * 2))
    assert np.isnan(found.overlap_jaccard.values[2, 2])
    assert planted[2].sel(neuron_set="top").set_size.values.tolist() == [20, 20, 20]


def test_overlap_equals_the_loop():
    rng = np.random.default_rng(0)
    tested = rng.random((5, 30)) < 0.8
    in_set, sign = tested & (rng.random((5, 30)) < 0.3), rng.choice([-1, 1], (5, 30)).astype(np.int8)
    in_set[4] = False
    found = category_overlap(in_set, sign, tested)
    for i in range(5):
        for j in range(5):
            a, b = set(np.flatnonzero(in_set[i])), set(np.flatnonzero(in_set[j]))
            pool = set(np.flatnonzero(tested[i] & tested[j]))
            assert found.overlap_n[i, j] == len(a & b)
            assert found.overlap_n_same_sign[i, j] == sum(sign[i, n] == sign[j, n] for n in a & b)
            jaccard = len(a & b) / len(a | b) if a | b else np.nan
            assert found.overlap_jaccard[i, j] == pytest.approx(jaccard, nan_ok=True)
            expected = len(a & pool) * len(b & pool) / len(pool)
            lift = len(a & b) / expected if expected else np.nan
            assert found.overlap_lift[i, j] == pytest.approx(lift, nan_ok=True)


def test_words_are_those_of_the_category_and_add_up_to_the_score(planted):
    scores, _, found, members = planted
    for k in range(2):
        layer, neuron = int(found.shown_layer[k, 0]), int(found.shown_neuron[k, 0])
        words = found.member_type.values[k, 0]
        assert set(words[words != ""]) == {WORDS[i] for i in members[k]}
        effect = found.member_effect.values[k, 0]
        shown = np.isfinite(effect)
        assert effect[shown].mean() == pytest.approx(scores.type_smd.values[k, layer, neuron], abs=1e-9)
        towards = effect[shown] * int(found.sign[k, layer, neuron])
        assert (np.diff(towards) <= 0).all()
        assert (found.member_n_token.values[k, 0][words != ""] >= 5).all()


def test_called_neurons_are_shown_or_else_the_strongest(planted):
    scores, _, found, _ = planted
    place = found.shown_layer.values * (N_NEURON // 2) + found.shown_neuron.values
    assert set(place[0][:2]) == {0, 2}
    assert set(place[1][:2]) == {1, 2}
    assert (found.shown_layer.values[:2, 2:] == -1).all()
    assert place[2, 0] == np.abs(scores.type_smd.values[2]).argmax()
    assert (found.shown_layer.values[2, 1:] == -1).all()
    assert (found.member_type.values[0, 2:] == "").all()


def test_what_is_chosen_on_one_half_is_reported_on_the_other(planted):
    scores, _, found, _ = planted
    for half, other in (("odd", "even"), ("even", "odd")):
        chosen = found.sel(half=half)
        for k in range(3):
            sizes = np.abs(scores[f"type_smd_{half}"].values[k])
            place = np.unravel_index(sizes.argmax(), sizes.shape)
            assert (int(chosen.held_out_layer[k]), int(chosen.held_out_neuron[k])) == place
            assert chosen.held_out_chosen_smd[k] == scores[f"type_smd_{half}"].values[k][place]
            assert chosen.held_out_smd[k] == scores[f"type_smd_{other}"].values[k][place]


def test_variables_are_those_of_the_vocabulary(planted):
    for name, variable in planted[2].data_vars.items():
        expected = schema.VARIABLES[name]
        assert variable.dims == expected.dims
        assert variable.dtype.kind == ("U" if expected.dtype == "str" else np.dtype(expected.dtype).kind)
        assert variable.attrs["long_name"] == expected.meaning


def test_a_concept_without_scores_is_empty(planted):
    scores, tables, _, _ = planted
    none = scores.assign(
        {name: scores[name].where(scores.concept != "concept 0") for name in scores if "neuron" in scores[name].dims}
    )
    found = categories(none, tables, WORDS).isel(concept=0)
    assert (found.called == -1).all()
    assert (found.shown_layer == -1).all()
    assert (found.member_type == "").all()
    assert (found.held_out_layer == -1).all()
    assert np.isnan(found.held_out_smd).all()
    assert (found.set_size == 0).all()


def test_scores_of_something_else_are_refused(planted):
    scores, tables, _, _ = planted
    with pytest.raises(UserError, match="lack type_smd"):
        categories(scores.drop_vars("type_smd"), tables, WORDS)
    with pytest.raises(UserError, match="differ in 'concept'"):
        categories(scores.isel(concept=[0, 1]), tables, WORDS)
    before = scores.copy(deep=True)
    categories(scores, tables, WORDS)
    xr.testing.assert_identical(scores, before)
