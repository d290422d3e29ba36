"""Thomson's F-test pooled over segments: against slow loops, its size, and what cannot be tested."""

import itertools
import math

import numpy as np
import pytest
import reference_periodicity as reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from periodic_neurons import Text, analyse, make_text, noise, one_passage, tuning_of, varied
from scipy import stats

from lstm_analysis.analyses.periodicity import (
    NONE,
    NOT_TESTED,
    PERIODIC,
    CallRule,
    Passage,
    measure_block,
    plan_segments,
    slepian_tapers,
    stretches,
)
from lstm_analysis.analyses.periodicity.line_test import line_tests, pooled_p
from lstm_analysis.analyses.periodicity.multitaper import LineSums
from lstm_analysis.analyses.periodicity.segments import FEWEST_SEGMENTS, segment_starts
from lstm_analysis.analyses.periodicity.sentence_order import shuffled_sentences

NO_STREAM = np.empty(0, np.int64)


def sums_of(segments: np.ndarray) -> LineSums:
    """Return the sums of segments, dims (segment, time, neuron)."""
    sums = LineSums(slepian_tapers(segments.shape[1]), segments.shape[2])
    for segment in segments:
        sums.add(segment.astype(np.float32))
    return sums


@pytest.mark.parametrize("length", [16, 64])
def test_spectra_and_lines_equal_the_slow_loop(length: int) -> None:
    rng = np.random.default_rng(length)
    text = make_text(varied(1), n_document=FEWEST_SEGMENTS, n_token=length + 5)
    time = text.document_place
    values = np.tanh(
        np.stack([noise(rng, len(time), 0.7), np.sin(2 * np.pi * time / 3.7) + noise(rng, len(time), 0.3)], 1)
    )
    values[: length + 5, 0] = 0.125  # silent in one document
    values = values.astype(np.float32)
    plan, found = analyse(values, text)
    assert (plan.length, plan.n_segment) == (length, FEWEST_SEGMENTS)
    tests = line_tests(sums_of(np.stack([values[a : a + length] for a in text.edges[:-1]])), n_fewest=2)
    starts = reference.segments(text.edges.tolist(), length)
    tapers = slepian_tapers(length)
    for i in range(2):
        for at in (0, len(tapers.frequency) // 3, len(tapers.frequency) - 1):
            expected = reference.one_neuron(values[:, i], starts, length, float(tapers.frequency[at]))
            assert expected["n_segment"] == FEWEST_SEGMENTS - (i == 0) == int(found["n_segment"][i])
            assert float(found["segment_variance"][i]) == pytest.approx(expected["variance"], rel=1e-6)
            if not tapers.is_tested[at]:
                assert np.isnan(tests.f_stat[i, at])
                continue
            for name, made in (
                ("f_stat", tests.f_stat),
                ("band_share", tests.band_share),
                ("fraction", tests.fraction),
            ):
                assert made[i, at] == pytest.approx(expected[name], rel=2e-4, abs=1e-6), (name, at)
            if i == 1:
                assert float(found["psd"][at, i]) == pytest.approx(expected["psd"], rel=1e-4)


def test_one_segment_is_thomsons_test() -> None:
    segment = noise(np.random.default_rng(0), 128, 0.8)[np.newaxis, :, np.newaxis]
    tests, tapers = line_tests(sums_of(segment)), slepian_tapers(128)
    inner = tapers.is_tested & (tapers.frequency < 0.5)
    k = tapers.n_taper
    np.testing.assert_allclose(tests.p_value[0, inner], stats.f.sf(tests.f_stat[0, inner], 2, 2 * (k - 1)), rtol=1e-9)
    assert tests.p_value[0, -1] == pytest.approx(stats.f.sf(tests.f_stat[0, -1], 1, k - 1), rel=1e-9)


@pytest.mark.parametrize("at_half", [False, True])
def test_p_has_the_mean_and_variance_of_the_mean_share(at_half: bool) -> None:
    tapers, n = slepian_tapers(64), 40
    k, part = tapers.n_taper, 0.5 if at_half else 1.0
    share = stats.beta(part, part * (k - 1))
    grid = np.linspace(0, 1, 20_001)[:, np.newaxis]
    upper = pooled_p(np.repeat(grid, len(tapers.frequency), 1), np.full(grid.shape, n), tapers)
    upper = upper[:, -1 if at_half else 40]
    mean = np.trapezoid(upper, grid[:, 0])
    square = 2 * np.trapezoid(upper * grid[:, 0], grid[:, 0])
    assert mean == pytest.approx(share.mean(), rel=1e-6)
    assert square - mean**2 == pytest.approx(share.var() / n, rel=1e-4)


@pytest.mark.parametrize("length", [64, 512])
def test_lines_and_power_are_in_the_units_they_say(length: int) -> None:
    rng = np.random.default_rng(7)
    time = np.arange(40 * length)
    values = np.stack([noise(rng, len(time), 0.0), 0.4 * np.sin(2 * np.pi * time / 8)], axis=1)
    sums = sums_of(values.reshape(40, length, 2))
    tests, tapers = line_tests(sums), slepian_tapers(length)
    at = int(np.argmin(np.abs(tapers.frequency - 1 / 8)))
    assert tests.fraction[1, at] == pytest.approx(1, rel=5e-3)
    assert sums.line_power[1, at] / 40 == pytest.approx(0.4**2 / 2, rel=5e-3)
    assert np.trapezoid(sums.psd[0], tapers.frequency) == pytest.approx(sums.deviation[0] / len(time), rel=0.05)


def false_alarms(n_neuron: int, spread: float, seed: int) -> tuple[int, int]:
    """Return in how many families of AR(1) neurons of one rho a line is significant, and is one called."""
    rng, text = np.random.default_rng(seed), make_text(varied(seed), n_document=40, n_token=128)
    n_significant = n_called = 0
    for rho in (0.0, 0.5, 0.8, 0.95, 0.99):
        level = np.repeat(np.exp(spread * rng.standard_normal((40, n_neuron))), 128, axis=0)
        values = level * np.stack([noise(rng, text.n_token, rho) for _ in range(n_neuron)], axis=1)
        _, found = analyse(values, text)
        n_significant += int((found["p_value"] <= 0.05).sum())
        n_called += int((found["rhythm"] > NONE).sum())
    return n_significant, n_called


@pytest.mark.parametrize("spread", [0.0, 1.2])
def test_noise_keeps_its_level_whatever_its_memory_and_wherever_it_is_loud(spread: float) -> None:
    n_neuron = 40
    n_significant, n_called = false_alarms(n_neuron, spread, seed=11)
    most = stats.binom.ppf(0.999, 5 * n_neuron, 0.05)
    assert n_significant <= most, "p_value <= .05 in more than .05 of the neurons"
    assert n_called == 0


def test_the_ratio_of_sums_would_not_keep_its_level() -> None:
    """Why segments are scaled: the pooled ratio that needs no scaling calls noise whose variance changes."""
    rng, n, length = np.random.default_rng(2), 100, 64
    loud = np.exp(1.2 * rng.standard_normal((n, 1, 20)))
    sums, tapers = sums_of(loud * rng.standard_normal((n, length, 20))), slepian_tapers(length)
    k, inner = tapers.n_taper, tapers.is_tested & (tapers.frequency < 0.5)
    ratio = (k - 1) * sums.line[:, inner] / sums.residual[:, inner]
    p = stats.f.sf(ratio, 2 * n, 2 * n * (k - 1)).min(axis=1) * inner.sum()
    scaled = np.nanmin(line_tests(sums).p_value, axis=1) * inner.sum()
    assert (p <= 0.05).mean() > 0.8
    assert (scaled <= 0.05).mean() <= 0.2


def test_a_passage_that_repeats_itself_in_one_document_is_no_rhythm() -> None:
    rng, text = np.random.default_rng(8), make_text(varied(8), n_document=60, n_token=512)
    values = noise(rng, text.n_token, 0.5)
    values[:512] += 20 * np.sin(2 * np.pi * np.arange(512) / 6)
    _, found = analyse(values[:, np.newaxis], text)
    assert found["rhythm"].item() == NONE
    assert found["p_value"].item() > 0.05


@given(st.lists(st.integers(1, 90), min_size=1, max_size=12), st.sampled_from([16, 32, 64]))
def test_segments_lie_in_stretches_and_do_not_overlap(sizes: list[int], length: int) -> None:
    stretch = np.cumsum([0, *sizes])
    found = segment_starts(stretch, length)
    assert found.tolist() == reference.segments(stretch.tolist(), length)
    assert len(found) == sum(size // length for size in sizes)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 3))
def test_an_order_of_sentences_keeps_each_whole_and_in_its_stretch(lengths: list[int], n_cut: int) -> None:
    start = np.cumsum([0, *lengths])
    cuts = np.unique(np.append(np.linspace(0, start[-1], n_cut + 2).astype(np.int64), [0, start[-1]]))
    order = shuffled_sentences(cuts, start[:-1], (1, 2))
    later = shuffled_sentences(cuts[1:] - cuts[1], (start[:-1] - cuts[1])[start[:-1] >= cuts[1]], (1, 2), int(cuts[1]))
    np.testing.assert_array_equal(order[cuts[1] :], later + cuts[1], err_msg="it depends on what stands before")
    breaks = set(start.tolist()) | set(cuts.tolist())
    for a, b in itertools.pairwise(cuts):
        assert sorted(order[a:b].tolist()) == list(range(a, b))
    for before, after in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        assert after == before + 1 or after in breaks


@pytest.mark.parametrize(
    ("carry", "expected"),
    [("document", [0, 6, 9]), ("continuous", [0, 6, 9]), ("sentence", [0, 2, 4, 6, 9]), ("streams", [0, 5, 6, 9])],
)
def test_stretches_begin_where_states_do(carry: str, expected: list[int]) -> None:
    streams = np.array([0, 5]) if carry == "streams" else NO_STREAM
    assert stretches(np.array([0, 6, 9]), np.array([0, 2, 4, 6]), streams, carry).tolist() == expected


@pytest.mark.parametrize(("n_token", "length"), [(512, 512), (511, 256), (63, 32), (16, 16), (15, 0)])
def test_the_longest_segments_of_which_there_are_enough_are_taken(n_token: int, length: int) -> None:
    text = make_text(varied(0), n_document=FEWEST_SEGMENTS, n_token=n_token)
    plan = plan_segments(text.edges, text.sentence_start)
    assert plan.length == length
    assert ("not tested" in plan.note) == (length == 0)


def test_neurons_that_are_constant_or_absent_are_not_tested() -> None:
    rng, text = np.random.default_rng(0), make_text(varied(0), n_document=40, n_token=64)
    values = np.stack([noise(rng, text.n_token, 0.5), np.full(text.n_token, 0.25), np.full(text.n_token, np.nan)], 1)
    values = np.append(values, values[:, :1] * (text.edges[11] > np.arange(text.n_token))[:, np.newaxis], axis=1)
    _, found = analyse(values, text)
    assert found["rhythm"].values.tolist() == [NONE, NOT_TESTED, NOT_TESTED, NOT_TESTED]
    assert found["n_segment"].values.tolist() == [40, 0, 0, 11]
    for name in ("period", "line_fraction", "p_value", "p_fwer"):
        assert found[name].notnull().values.tolist() == [True, False, False, False], name
    assert found["psd"].isnull().all("frequency").values.tolist() == [False, True, True, False]


def test_a_line_without_any_noise_has_a_p() -> None:
    text = make_text(varied(0), n_document=40, n_token=64)
    values = np.where(text.document_place % 2, -0.5, 0.5)[:, np.newaxis]
    _, found = analyse(values, text)
    assert found["rhythm"].item() == PERIODIC
    assert found["period"].item() == 2
    assert found["p_fwer"].item() == 0
    assert found["line_fraction"].item() == pytest.approx(1, abs=1e-3)


def test_the_same_for_any_cut_into_passages_and_blocks() -> None:
    rng, text = np.random.default_rng(6), make_text(lambda _: 12, n_document=40, n_token=130)
    time = text.document_place
    values = np.stack([noise(rng, len(time), 0.5), np.sin(time / 2), text.position == 0, np.sin(time / 3)], axis=1)
    plan, whole = analyse(values, text)

    def cut() -> list[Passage]:
        (passage,) = one_passage(values, text)
        found = []
        for a, b in ((0, 130), (130, 2600), (2600, 5200)):
            inside = (text.sentence_start >= a) & (text.sentence_start < b)
            edges = text.edges[(text.edges >= a) & (text.edges <= b)]
            found.append(Passage(a, passage.values[a:b, 1:3], edges - a, text.sentence_start[inside] - a,
                                 text.position[a:b]))  # fmt: skip
        return found

    part = measure_block(lambda: iter(cut()), plan, tuning_of(values[:, 1:3], text), CallRule(0.05, 4, 0))
    xr.testing.assert_identical(part, whole.isel(neuron=slice(1, 3)))


def test_inputs_are_left_as_they_were() -> None:
    text = make_text(varied(0), n_document=40, n_token=64)
    values = np.sin(text.document_place / 2)[:, np.newaxis].astype(np.float32)
    copy = values.copy()
    analyse(values, text)
    np.testing.assert_array_equal(values, copy)


def test_text_of_the_helpers_is_what_it_says() -> None:
    text = make_text(lambda i: (10, 14)[i % 2], n_document=2, n_token=30)
    assert isinstance(text, Text)
    assert text.sentence_start.tolist() == [0, 10, 24, 30, 44, 54]
    assert text.length[[0, 10, 24, 30]].tolist() == [10, 14, 6, 14]
    assert math.isclose(text.document_place.mean(), 14.5)
