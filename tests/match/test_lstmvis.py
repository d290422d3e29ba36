"""LSTMVis mode against a slow reading of what its server does."""

import numpy as np
import pytest
import reference_match as reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import lstm_analysis as la
from lstm_analysis.errors import UsageError
from lstm_analysis.match import lstmvis


def make_states(rng: np.random.Generator, n_time: int, n_neuron: int, memory: float) -> np.ndarray:
    """Return raw cell states that remember, some of them exactly at the threshold."""
    states = rng.normal(size=(n_time, n_neuron))
    for t in range(1, n_time):
        states[t] += memory * states[t - 1]
    states[rng.random(states.shape) < 0.1] = np.arctanh(0.3)
    return states.astype(np.float32)


@given(
    st.integers(0, 10_000), st.sampled_from([1, 2, 3, 7, 40, 150]), st.integers(1, 9), st.sampled_from([0, 0.9]),
    st.sampled_from(["fast", "precise"]), st.sampled_from([0, 0, 1, 2, 3]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_it_gives_what_the_server_gives(
    seed: int, n_time: int, n_neuron: int, memory: float, query: str, length: int, left: bool, right: bool
) -> None:
    rng = np.random.default_rng(seed)
    states = make_states(rng, n_time, n_neuron, memory)
    neurons = sorted(rng.choice(n_neuron, int(rng.integers(1, n_neuron + 1)), replace=False).tolist())
    found = la.find_matches(states, neurons=neurons, mode="lstmvis", query=query, phrase_length=length,
                            constrain_left=left, constrain_right=right)  # fmt: skip
    check(found, reference.lstmvis(states, neurons, 0.3, query, length, left, right))


def check(found: xr.Dataset, expected: tuple[list, list, list]) -> None:
    factors, lengths, strict = expected
    names = ("start", "length", "jaccard", "n_missing", "n_union", "n_shared")
    assert np.stack([found[name].values for name in names], axis=1).tolist() == factors
    for name, values in (("length_histogram", lengths), ("length_histogram_strict", strict)):
        assert (
            found[name].values.tolist()
            == np.bincount(np.array(values, int), minlength=found.sizes["run_length"]).tolist()
        )


@pytest.mark.parametrize("constrain", [False, True])
def test_more_candidates_than_it_keeps_are_cut_as_there(constrain: bool) -> None:
    """Which of equal candidates stay hangs on the order in which a Python set gives them."""
    rng = np.random.default_rng(4)
    states = make_states(rng, 12_000, 4, 0.3)
    found = la.find_matches(states, neurons=[0, 2], mode="lstmvis", constrain_left=constrain)
    check(found, reference.lstmvis(states, [0, 2], 0.3, constrain_left=constrain))
    assert int(found["length_histogram"].sum()) > 900


def test_fast_looks_at_the_first_tokens_only_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstmvis, "FAST_TIME", 100)
    states = make_states(np.random.default_rng(5), 300, 5, 0.8)
    fast = la.find_matches(states, neurons=[1, 2], mode="lstmvis", query="fast")
    check(fast, reference.lstmvis(states, [1, 2], 0.3, fast_time=100))
    assert int(fast["n_time_searched"]) == 100
    assert int(fast["start"].max()) < 100
    precise = la.find_matches(states, neurons=[1, 2], mode="lstmvis", query="precise")
    assert int(precise["n_time_searched"]) == 300
    assert int(precise["start"].max()) > 100


def test_the_real_limit_is_that_of_the_original() -> None:
    assert (lstmvis.FAST_TIME, lstmvis.N_CANDIDATE) == (500_000, {"fast": 1_000, "precise": 10_000})


def test_a_span_selects_by_tanh_and_its_layer_is_named() -> None:
    states = make_states(np.random.default_rng(6), 80, 12, 0.5).reshape(80, 2, 6)
    found = la.find_matches(states, span=(20, 21), mode="lstmvis", layer=1, left=0)
    chosen = [j for j in range(6) if round(float(np.tanh(states[20, 1, j])), 5) >= 0.3]
    assert found["selected_neuron"].values.tolist() == chosen
    assert set(found["selected_layer"].values.tolist()) == {1}
    check(found, reference.lstmvis(states[:, 1], chosen, 0.3))


def test_results_are_limited() -> None:
    states = make_states(np.random.default_rng(7), 400, 4, 0.5)
    found = la.find_matches(states, neurons=[0], mode="lstmvis", n_results=3)
    assert found.sizes["match"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "fats"}, "query is 'fats'"),
        ({"threshold": np.array([0.3, 0.3])}, "one threshold"),
        ({"neurons": [0, 0]}, "each once"),
        ({"neurons": []}, "one neuron or more"),
        ({"neurons": [2]}, "no neuron 0:2"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        la.find_matches(np.zeros((9, 2), np.float32), **{"neurons": [0], "mode": "lstmvis", **options})


def test_layers_need_a_choice() -> None:
    states = np.zeros((9, 2, 3), np.float32)
    with pytest.raises(UsageError, match="LSTMVis mode looks at one layer; give layer=0 to 1"):
        la.find_matches(states, neurons=[0], mode="lstmvis")
    with pytest.raises(UsageError, match="There is no layer 2: layers are counted from 0 to 1"):
        la.find_matches(states, neurons=[0], mode="lstmvis", layer=2)
