"""What is concluded: planted truth is called and nothing else, and few idioms give a description and a reason."""

import numpy as np
import pytest
from idiom_states import measured, occurrences, planted_states

from lstm_analysis.analyses.idioms import conclude_idioms, plan_idioms
from lstm_analysis.analyses.idioms.ngrams import hash_at, repeated_ngrams
from lstm_analysis.analyses.idioms.overlap import overlaps, rate_elsewhere
from lstm_analysis.analyses.idioms.text import Text
from lstm_analysis.schema import IDIOM_VARIABLES


def concluded(seed, n_idiom=10):
    truth, corpus, states = planted_states(seed)
    plan = plan_idioms(corpus, occurrences(corpus, list(truth.idioms)[:n_idiom]), states["surprisal"])
    return truth, conclude_idioms(measured(plan, states), plan)


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_idiom_neuron_is_called_and_nothing_else(seed):
    truth, found = concluded(seed)
    at = truth.planted["idiom"]
    assert [tuple(map(int, each)) for each in np.argwhere(found["idiom_neuron"].values)] == [at]
    tail = found.sel(contrast="tail")
    assert float(tail["p_fwer"][at]) == 2 / 2**10
    assert float(tail["breadth_lower_bound"][at]) == 10
    assert float(tail["auroc_macro"][at]) == 1
    assert found.attrs["verdict"].startswith(f"1 idiom neuron: {at[0]}:{at[1]}, over 10 idioms and ")
    decoy = truth.decoys["last_word"]
    assert (tail["auroc"][:, decoy[0], decoy[1]] == 0.5).all()
    assert float(tail["p_fwer"][decoy]) == 1
    assert float(found.sel(contrast="matched")["auroc_macro"][decoy]) > 0.95
    noise = [float(tail["p_fwer"][each]) for each in truth.noise]
    assert len(noise) > 60
    assert min(noise) > 0.05
    assert (tail["auroc_held_out"] == 1).all()
    assert {(int(a), int(b)) for a, b in zip(tail["held_out_layer"], tail["held_out_neuron"], strict=True)} == {at}


@pytest.mark.parametrize("seed", [0, 1])
def test_neurons_of_a_single_idiom_are_phrase_neurons_of_it(seed):
    truth, found = concluded(seed)
    for i, name in enumerate(truth.idioms):
        at = truth.support[name]
        assert bool(found["phrase_neuron"][at])
        assert int(found["phrase_neuron_idiom"][at]) == i
        assert not found["idiom_neuron"][at]
    assert not found["phrase_neuron"][truth.planted["idiom"]]


def test_one_idiom_is_told_apart_by_neurons_that_know_nothing():
    """Why the unit of inference is the idiom."""
    truth, found = concluded(0)
    auroc = abs(found["auroc"].sel(contrast="tail") - 0.5)
    best = [max(float(auroc[i][at]) for at in truth.noise) for i in range(10)]
    assert np.median(best) > 0.42
    assert min(best) > 0.3


def test_the_dataset_is_what_the_vocabulary_says():
    _, found = concluded(0)
    assert set(found.data_vars) == set(IDIOM_VARIABLES)
    for name, variable in IDIOM_VARIABLES.items():
        assert found[name].dims == variable.dims, name
        assert found[name].dtype == variable.dtype, name
        assert found[name].attrs == variable.attrs, name
        low, high = variable.limits
        assert low is None or not (found[name] < low).any(), name
        assert high is None or not (found[name] > high).any(), name


def test_few_idioms_are_described_with_the_reason():
    _, found = concluded(0, n_idiom=5)
    tail = found.sel(contrast="tail")
    assert int(tail["n_idiom_tested"]) == 5
    assert tail["auroc_macro"].notnull().any()
    for name in ("p_value", "p_fwer", "q_value", "breadth_lower_bound", "auroc_held_out"):
        assert tail[name].isnull().all()
    assert not found["idiom_neuron"].any()
    assert not found["phrase_neuron"].any()
    assert found.attrs["verdict"] == (
        "Not tested: 5 idioms have at least 5 idiomatic occurrences and 5 controls of the contrast tail. A sign flip "
        "over 5 idioms has 32 outcomes, so no p can be below 0.0625; at alpha = 0.05 at least 6 idioms are needed."
    )


def test_no_idiom_at_all_is_described():
    _, corpus, states = planted_states(0)
    none = occurrences(corpus, ["no such phrase", "nor this one"])
    plan = plan_idioms(corpus, none, states["surprisal"])
    found = conclude_idioms(measured(plan, states), plan)
    assert found["auroc_macro"].isnull().all()
    assert found["n_active"].isnull().all()
    assert found.attrs["verdict"].startswith("Not tested: 0 idioms have")


def test_idioms_with_few_occurrences_are_described_not_tested():
    truth, corpus, states = planted_states(0)
    where = occurrences(corpus, list(truth.idioms))
    rare = np.flatnonzero(where["occurrence_idiom"].values == 2)[4:]
    plan = plan_idioms(corpus, where.drop_isel(occurrence=rare), states["surprisal"])
    found = conclude_idioms(measured(plan, states), plan)
    tail = found.sel(contrast="tail")
    assert int(tail["n_idiomatic"][2]) == 4
    assert int(tail["n_idiom_tested"]) == 9
    assert tail["auroc"][2].notnull().any()
    assert np.isnan(tail["auroc_held_out"][2])


@pytest.mark.slow
def test_counts_of_active_neurons_are_uniform_for_collocations():
    """Collocations that are called idioms have as many active neurons as others: p is near uniform."""
    p = []
    for seed in (0, 1):
        _, corpus, states = planted_states(seed)
        text = Text.of(corpus)
        forms = np.array(text.forms, object)[text.form_id]
        grams = repeated_ngrams(text, 2, text.is_word()[text.form_id], seed=1)
        many = np.flatnonzero((grams.count >= 4) & (grams.count <= 12))
        chosen = grams.place[np.random.default_rng(seed).permutation(many)[:60], 0]
        assert (hash_at(text, chosen, 2) > 0).all()
        phrases = sorted({f"{forms[t]} {forms[t + 1]}" for t in chosen})
        plan = plan_idioms(corpus, occurrences(corpus, phrases), states["surprisal"], seed=seed)
        found = conclude_idioms(measured(plan, states), plan)
        p.append(found["n_active_p"].sel(state="hidden", threshold=0.1, flank="any").dropna("idiom").values)
    p = np.concatenate(p)
    assert len(p) > 80
    assert 0.4 < p.mean() < 0.62
    assert (p <= 0.05).mean() < 0.12
    assert 0.1 < (p <= 0.25).mean() < 0.4


def test_overlaps_equal_the_slow_loop():
    rng = np.random.default_rng(0)
    member, rate = rng.random((5, 40)) < 0.3, rng.random((5, 40))
    member[4] = False
    found = overlaps(member, rate, "active")
    for a in range(5):
        for b in range(5):
            both = sum(x and y for x, y in zip(member[a], member[b], strict=True))
            either = sum(x or y for x, y in zip(member[a], member[b], strict=True))
            expected = sum(x * y for x, y in zip(rate[a], rate[b], strict=True))
            assert found["n_active_both"][1][a, b] == both
            assert found["active_lift"][1][a, b] == pytest.approx(both / expected)
            jaccard = found["active_jaccard"][1][a, b]
            assert np.isnan(jaccard) if either == 0 else jaccard == pytest.approx(both / either)


def test_neurons_that_are_always_on_do_not_lift():
    """Two random sets share the always-on neurons; against their own base rates that is no overlap."""
    rng = np.random.default_rng(1)
    rate = np.where(np.arange(2000) < 300, 1.0, 0.05)
    member = rng.random((2, 2000)) < rate
    found = overlaps(member, np.stack([rate, rate]), "active")
    assert found["active_lift"][1][0, 1] == pytest.approx(1, abs=0.05)
    hypergeometric = member[0].sum() * member[1].sum() / 2000
    assert found["n_active_both"][1][0, 1] / hypergeometric > 3


def test_rate_elsewhere_leaves_the_idiom_out():
    member = np.array([[True, False], [True, True], [False, True], [True, True]])
    tested = np.array([True, True, True, False])
    assert rate_elsewhere(member, tested).tolist() == [[0.5, 1], [0.5, 0.5], [1, 0.5], [2 / 3, 2 / 3]]
    assert np.isnan(rate_elsewhere(member, np.zeros(4, bool))).all()
