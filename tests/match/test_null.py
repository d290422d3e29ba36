"""The null of matches: what it is by hand, that it repeats, and that it holds its size."""

import numpy as np
import pytest
import reference_match as reference

import lstm_analysis as la
from lstm_analysis.match import null
from lstm_analysis.match.bits import pack_states
from lstm_analysis.match.native import Groups
from lstm_analysis.match.search import Selected, native_pattern
from lstm_analysis.match.states import as_states
from lstm_analysis.match.threshold import cutoffs


def make_states(seed: int, n_time: int, n_neuron: int = 12, memory: float = 0.8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n_time, n_neuron))
    for t in range(1, n_time):
        states[t] = memory * states[t - 1] + np.sqrt(1 - memory**2) * states[t]
    return np.tanh(states / 3).astype(np.float32)


def test_p_and_median_are_those_of_the_drawn_spans() -> None:
    values, span, n = make_states(1, 120), (40, 42), 6
    chosen = reference.select(values, *span, 0.3, 1, 0, "both")
    found = la.find_matches(values, span=span, n_results=n, draws=7, seed=5)
    bits = pack_states(as_states(values), cutoffs(0.3, np.dtype(np.float32)), "both")
    pattern = native_pattern(bits, [Selected(0, *one) for one in sorted(chosen)], 1, 0, "both")
    start, number = null.draw_spans(bits, pattern, span, 7, np.random.default_rng(5))
    assert len(start) == len(set(start.tolist())) == 7
    best = []
    for first, n_selected in zip(start.tolist(), number.tolist(), strict=True):
        own = reference.select(values, first, first + 2, 0.3, 1, 0, "both")
        assert len(own) == n_selected
        assert first + 2 <= span[0] or first >= span[1]
        places = reference.native(values, own, 0.3, 1, 0, "both", n + 1, span=(first, first + 2))
        others = [place[2] / place[3] for place in places if place[0] >= first + 2 or place[1] <= first]
        best.append([*others, *[0.0] * n][: n - 1])
    others_ = ~found["is_query"].values
    jaccard = found["jaccard"].values[others_]
    expected = [(1 + sum(row[r] >= jaccard[r] - 1e-12 for row in best)) / 8 for r in range(n - 1)]
    np.testing.assert_allclose(found["p_value"].values[others_], expected)
    np.testing.assert_allclose(found["null_jaccard"].values[others_], np.median(best, axis=0))
    assert np.isnan(found["p_value"].values[~others_]).all()
    assert (int(found["n_draw"]), int(found["null_n_selected_low"])) == (7, number.min())


def test_draws_select_as_many_neurons_as_the_query_where_there_are_enough() -> None:
    values = make_states(2, 4000)
    found = la.find_matches(values, span=(1000, 1001), draws=20)
    n = found.sizes["selected"]
    assert (int(found["null_n_selected_low"]), int(found["null_n_selected_high"])) == (n, n)


def test_the_seed_decides() -> None:
    values = make_states(3, 600)
    one, same, other = (la.find_matches(values, span=(50, 51), draws=19, seed=seed) for seed in (1, 1, 2))
    assert one.identical(same)
    assert not one["p_value"].equals(other["p_value"])


def test_a_text_without_room_for_random_spans_has_no_p() -> None:
    values = np.full((2, 3), 0.5, np.float32)
    found = la.find_matches(values, span=(0, 2), draws=5)
    assert int(found["n_draw"]) == 0
    assert np.isnan(found["p_value"].values).all()


def test_a_planted_repetition_stands_out() -> None:
    values = make_states(4, 1500, 80, 0.5)
    values[1200:1202] = values[400:402]
    values[1199] = values[399]
    found = la.find_matches(values, span=(400, 402), draws=39, threshold=0.15)
    assert found["start"].values[1] == 1200
    assert found["p_value"].values[1] == pytest.approx(1 / 40)


@pytest.mark.slow
def test_random_spans_are_called_no_more_often_than_alpha_says() -> None:
    """Of 300 random spans, p of the best match is at most alpha in about alpha of them; fewer where matches tie."""
    n, rng, p = 300, np.random.default_rng(9), []
    for i in range(n):
        values = make_states(1000 + i, 400, 80, 0.5)
        start = int(rng.integers(1, 398))
        found = la.find_matches(values, span=(start, start + 2), n_results=2, draws=19, seed=i, threshold=0.15)
        p.append(found["p_value"].values[1])
    for alpha, least, most in ((0.1, 0.03, 0.14), (0.5, 0.35, 0.57)):
        assert least < np.mean(np.array(p) <= alpha + 1e-9) < most


def test_groups_leave_the_query_out() -> None:
    groups = Groups(np.array([0, 10]), (3, 5))
    start, stop = np.array([0, 4, 6, 12]), np.array([2, 6, 8, 13])
    assert groups.of(start, stop).tolist() == [0, -1, 0, 1]
