"""The native search against a slow search of all places; in any cutting, lazy or not."""

from collections.abc import Sequence

import dask.array as da
import numpy as np
import pytest
import reference_match as reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from small_slabs import cut_small

import lstm_analysis as la
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.match import native

DIMS = ("time", "layer", "neuron")


def make_states(seed: int, n_time: int = 150, shape: Sequence[int] = (2, 5), memory: float = 0.7) -> np.ndarray:
    """Return states in [-1, 1] that remember, some exactly at the threshold, with a neuron that is not there."""
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n_time, *shape))
    for t in range(1, n_time):
        states[t] += memory * states[t - 1]
    states = np.tanh(states / 2)
    states[rng.random(states.shape) < 0.1] = 0.3
    states[:, -1, -1] = np.nan
    return states.astype(np.float32)


def found_places(found: xr.Dataset) -> list[tuple[int, int, int, int]]:
    start, length, shared, union = (found[name].values for name in ("start", "length", "n_shared", "n_union"))
    return list(zip(start.tolist(), (start + length).tolist(), shared.tolist(), union.tolist(), strict=True))


@given(
    st.integers(0, 10_000), st.integers(0, 145), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2),
    st.sampled_from(["up", "both", "absolute"]), st.sampled_from([1, 5, 200]), st.sampled_from([0, 0, 1, 2]),
    st.booleans(),
)  # fmt: skip
def test_it_finds_what_a_slow_search_finds(
    seed: int, start: int, length: int, left: int, right: int, sides: str, n: int, phrase_length: int, grouped: bool
) -> None:
    values, span = make_states(seed), (start, start + length)
    chosen = reference.select(values, *span, 0.3, left, right, sides)
    document = np.arange(150) // 40
    coords = {"document": ("time", document)} if grouped else {}
    states = xr.DataArray(values, coords, DIMS)
    options = {"left": left, "right": right, "sides": sides, "n_results": n, "phrase_length": phrase_length}
    if not chosen:
        with pytest.raises(UserError, match="No neuron is on over the whole span"):
            la.find_matches(states, span=span, draws=0, **options)
        return
    found = la.find_matches(states, span=span, draws=0, **options)
    expected = reference.native(values, chosen, 0.3, left, right, sides, n, phrase_length,
                                document if grouped else None, span)  # fmt: skip
    assert found_places(found) == expected
    assert found["n_missing"].values.tolist() == [len(chosen) - shared for _, _, shared, _ in expected]
    np.testing.assert_allclose(found["jaccard"], [shared / union for _, _, shared, union in expected])
    signs = found["selected_sign"].values.tolist()
    names = zip(found["selected_layer"].values.tolist(), found["selected_neuron"].values.tolist(), signs, strict=True)
    assert set(names) == {(layer, neuron, sign or 1) for layer, neuron, sign in chosen}
    if grouped:
        assert found["document"].values.tolist() == [int(document[place[0]]) for place in expected]


@pytest.mark.parametrize("exponent", [6, 7])
@pytest.mark.parametrize("span", [(63, 65), (100, 101), (0, 2), (298, 300)])
def test_it_finds_the_same_in_any_cutting(
    monkeypatch: pytest.MonkeyPatch, exponent: int, span: tuple[int, int]
) -> None:
    values = make_states(11, 300, memory=0.95)
    values[60:70, 0] = 0.9  # runs over the edges of slabs
    values[max(0, span[0] - 2) : span[1] + 1, 1, :3] = 0.0
    values[span[0] : span[1], 1, :3] = 0.7
    whole = la.find_matches(values, span=span, n_results=40, left=2, right=1, draws=9)
    cut_small(monkeypatch, exponent)
    assert la.find_matches(values, span=span, n_results=40, left=2, right=1, draws=9).identical(whole)
    lazy = xr.DataArray(da.from_array(values, chunks=((130, 1, 169), 1, -1)), dims=DIMS)
    assert la.find_matches(lazy, span=span, n_results=40, left=2, right=1, draws=9).identical(whole)
    chosen = reference.select(values, *span, 0.3, 2, 1, "both")
    assert found_places(whole) == reference.native(values, chosen, 0.3, 2, 1, "both", 40, span=span)


def test_few_first_looks_and_small_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = make_states(12, 2000, memory=0.9)
    whole = la.find_matches(values, span=(500, 502), n_results=30, draws=0)
    monkeypatch.setattr(native, "FIRST_TOKENS", 1)
    monkeypatch.setattr(native, "MORE", 2)
    monkeypatch.setattr(native, "BATCH", 3)
    assert la.find_matches(values, span=(500, 502), n_results=30, draws=0).identical(whole)


def test_what_memory_has_no_room_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    values = make_states(13, 400)
    whole = la.find_matches(values, span=(50, 51), n_results=300, draws=0)
    assert float(whole["jaccard_complete_above"]) == 0
    monkeypatch.setattr(native, "MOST_RUNS", 100)
    part = la.find_matches(values, span=(50, 51), n_results=300, draws=0)
    above = float(part["jaccard_complete_above"])
    assert 0 < above < 1
    expected = [place for place in found_places(whole) if place[2] / place[3] > above]
    assert found_places(part) == expected


def test_the_span_itself_comes_first_and_runs_of_one_token_and_both_ends_count() -> None:
    values = np.zeros((20, 3), np.float32)
    for t in (0, 7, 12, 19):
        values[t, :2] = 0.5
    found = la.find_matches(values, span=(7, 8), draws=0)
    assert found["start"].values.tolist() == [7, 0, 12, 19] or found["start"].values.tolist() == [0, 7, 12, 19]
    assert found["jaccard"].values.tolist() == [1.0] * 4
    assert found["is_query"].values.tolist() == [start == 7 for start in found["start"].values]


def test_neurons_may_be_given() -> None:
    values = make_states(14)
    found = la.find_matches(values, neurons=[(0, 1), (1, 3)], n_results=12)
    chosen = {(0, 1, 1), (1, 3, 1)}
    assert found_places(found) == reference.native(values, chosen, 0.3, 1, 0, "up", 12)
    assert "p_value" not in found


def test_one_layer_counts_alone() -> None:
    values = make_states(15)
    found = la.find_matches(values, span=(30, 31), layer=0, draws=0, left=0)
    alone = la.find_matches(values[:, 0], span=(30, 31), draws=0, left=0)
    assert found_places(found) == found_places(alone)
    assert set(found["selected_layer"].values.tolist()) == {0}


def test_thresholds_may_differ_between_neurons() -> None:
    values = make_states(16, shape=(1, 4))[:, 0, :3]
    threshold = np.array([0.2, 0.5, 0.8])
    scaled = values / threshold * 0.3  # the same as one threshold of values that are scaled, but for rounding
    span = next((t, t + 1) for t in range(150) if (scaled[t] > 0.31).any())
    one = la.find_matches(scaled.astype(np.float64), span=span, draws=0, left=0, sides="up")
    each = la.find_matches(values.astype(np.float64), span=span, threshold=threshold, draws=0, left=0, sides="up")
    assert found_places(one) == found_places(each)


def test_cells_are_compared_by_their_tanh() -> None:
    values = make_states(17)[:, :, :4]
    cells = xr.DataArray(np.arctanh(values.astype(np.float64)), dims=DIMS, name="cell_state")
    assert found_places(la.find_matches(cells, span=(40, 41), left=0, draws=0)) == found_places(
        la.find_matches(values.astype(np.float64), span=(40, 41), left=0, draws=0)
    )


def test_inputs_are_not_changed() -> None:
    values = make_states(18)
    before = values.copy()
    la.find_matches(values, span=(40, 41), left=0, draws=2)
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Give either a span"),
        ({"span": (1, 2), "neurons": [(0, 1)]}, "Give either a span"),
        ({"span": (149, 151)}, "149:151 is not inside the corpus"),
        ({"span": (1, 2), "mode": "natve"}, "mode is 'natve'; did you mean 'native'"),
        ({"span": (1, 2), "n_results": 0}, "n_results is 0"),
        ({"span": (1, 2), "draws": -1}, "draws is -1"),
        ({"span": (1, 2), "layer": 2}, "There is no layer 2"),
        ({"span": (1, 2), "sides": "down"}, "sides is 'down'"),
        ({"neurons": [1]}, "2 layers; give neurons as"),
        ({"neurons": [(2, 1)]}, "no neuron 2:1"),
        ({"neurons": [(0, 1), (0, 1)]}, "each once"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        la.find_matches(make_states(1), **options)


def test_no_neuron_selected_says_how_many_other_thresholds_select() -> None:
    values = np.zeros((5, 2), np.float32)
    values[2] = 0.25, 0.15
    with pytest.raises(UserError, match=r"at threshold 0\.3\..* 2 at 0\.1, 1 at 0\.2, 0 at 0\.3"):
        la.find_matches(values, span=(2, 3))
