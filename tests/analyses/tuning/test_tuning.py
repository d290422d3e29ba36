"""What is measured of graded variables, against slow loops; what is undefined; what a cut into passages may change."""

import numpy as np
import pytest
import reference_graded as reference
from graded_states import analysed, summarized
from scipy import stats

from lstm_analysis.analyses.tuning import GradedSums, graded_shares, grades_of_rows
from lstm_analysis.errors import UserError
from lstm_analysis.reductions import graded_tuning, value_rows
from lstm_analysis.schema import GRADED_TUNING, VALUE_EDGES
from lstm_analysis.statistics.jackknife_interval import jackknife_interval

STARTS = np.array([0, 70, 150, 200, 330])
N = 400


@pytest.fixture(scope="module")
def text():
    """States of 2 x 3 neurons, types, and variables: a depth that words like, gaps, a constant, none at all."""
    rng = np.random.default_rng(1)
    depth = rng.integers(0, 6, N)
    types = (depth + rng.integers(0, 12, N)) % 14
    level = np.stack([0.2 * depth, 0.3 * rng.normal(size=14)[types], np.zeros(N)], axis=1)
    hidden = np.tanh(level[:, None] + 0.3 * rng.normal(size=(N, 2, 3))).astype(np.float32)
    hidden[:, 1, 1], hidden[:, 1, 2] = 0.25, np.nan
    gaps = np.where(rng.random(N) < 0.3, -1, rng.integers(0, 300, N))
    graded = {"depth": depth, "gaps": gaps, "same": np.full(N, 3), "never": np.full(N, -1)}
    return hidden, types, graded


@pytest.fixture(scope="module")
def found(text):
    hidden, types, graded = text
    return analysed(hidden, types, STARTS, graded)


def test_all_variables_of_the_vocabulary_are_there(found):
    assert set(found.data_vars) == set(GRADED_TUNING)
    for name, variable in GRADED_TUNING.items():
        assert set(found[name].dims) == set(variable.dims), name
        assert found[name].attrs["long_name"] == variable.meaning


def test_grades_are_the_mid_ranks_of_scipy():
    column = np.random.default_rng(0).integers(0, 58, 500)
    rows = value_rows(column)
    grade = grades_of_rows(np.bincount(rows, minlength=80)[None, 1:])[0]
    np.testing.assert_allclose(grade[rows], (stats.rankdata(column) - 0.5) / 500, rtol=1e-6)


@pytest.mark.parametrize("name", ["depth", "gaps"])
def test_r_equals_a_loop_over_tokens(found, text, name):
    hidden, _, graded = text
    documents = np.searchsorted(STARTS, np.arange(N), side="right").tolist()
    for layer, neuron in ((0, 0), (0, 1), (1, 0)):
        values = hidden[:, layer, neuron].astype(float).tolist()
        expected = reference.correlation(values, graded[name].tolist(), documents)
        assert found.r.sel(variable=name)[layer, neuron].item() == pytest.approx(expected, abs=1e-6)


def test_r_of_one_level_per_document_is_scipys():
    """With documents that have the same mean, r is the ordinary correlation with the ranks."""
    rng = np.random.default_rng(3)
    column = np.concatenate([rng.permutation(40) for _ in range(4)])
    values = np.tanh(0.02 * column + 0.3 * rng.normal(size=160)).reshape(4, 40)
    values = (values - values.mean(axis=1, keepdims=True)).ravel().astype(np.float32)
    result = analysed(values[:, None, None], np.arange(160) % 3, np.arange(0, 160, 40), {"c": column})
    assert result.r.item() == pytest.approx(stats.pearsonr(values, stats.rankdata(column))[0], abs=1e-5)


@pytest.mark.parametrize("name", ["depth", "gaps"])
def test_the_share_after_words_is_that_of_least_squares(found, text, name):
    hidden, types, graded = text
    for layer, neuron in ((0, 0), (0, 1), (1, 0)):
        values = hidden[:, layer, neuron].astype(float).tolist()
        expected = reference.type_adjusted(values, types.tolist(), graded[name].tolist())
        assert found.eta2_type_adjusted.sel(variable=name)[layer, neuron].item() == pytest.approx(expected, abs=1e-6)


def test_words_that_like_a_value_leave_no_share():
    rng = np.random.default_rng(4)
    depth = rng.integers(0, 6, 900)
    types = (depth + rng.integers(0, 12, 900) * rng.integers(0, 2, 900)) % 14
    hidden = np.tanh(0.5 * rng.normal(size=(14, 300))[types] + 0.2 * rng.normal(size=(900, 300))).astype(np.float32)
    summary = summarized(hidden[:, None], types, np.array([0, 450]), {"depth": depth})
    shares = graded_shares(graded_tuning(summary), summary)
    adjusted = shares.eta2_type_adjusted.values.ravel()
    assert abs(adjusted.mean()) < 4 * adjusted.std() / 300**0.5
    assert shares.eta2.values.mean() > 0.1, "the words alone make a curve"


def leave_out(hidden, types, graded, document, statistic):
    """The statistic without one document."""
    stop = np.append(STARTS[1:], N)
    kept = np.ones(N, bool)
    kept[STARTS[document] : stop[document]] = False
    return statistic(hidden[kept], types[kept], {k: v[kept] for k, v in graded.items()}, kept)


def test_intervals_leave_out_documents(found, text):
    hidden, types, graded = text

    def curve(h, t, g, kept):
        return [h[g["depth"] == d, 0, 0].astype(float).mean() for d in range(6)]

    def share(h, t, g, kept):
        summary = summarized(h, t, np.array([0]), {"depth": g["depth"]})
        return graded_tuning(summary).eta2[0, 0, 0].item()

    for statistic, name, at in ((curve, "tuning_mean", slice(0, 6)), (share, "eta2", slice(None))):
        one = found.sel(variable="depth").isel(layer=0, neuron=0)
        without = [leave_out(hidden, types, graded, d, statistic) for d in range(5)]
        low, high = jackknife_interval(one[name].values[at] if name == "tuning_mean" else one[name].values, without)
        values = one[f"{name}_low"].values, one[f"{name}_high"].values
        values = tuple(v[at] if v.ndim else v for v in values)
        np.testing.assert_allclose(values, (low, high), atol=1e-6)
    assert found.r_low[0, 0, 0] < found.r[0, 0, 0] < found.r_high[0, 0, 0]


def test_what_is_undefined_is_nan_with_its_counts(found):
    for name in ("same", "never"):
        of = found.sel(variable=name)
        for score in ("eta2", "eta2_type_adjusted", "r", "r_low", "p_value", "p_fwer", "q_value"):
            assert of[score].isnull().all(), (name, score)
        assert (of.graded_neuron == -1).all()
        assert int(of.n_document) == 0
    assert int(found.n_token_missing.sel(variable="never")) == N
    for place in ((1, 1), (1, 2)):  # constant, absent
        one = found.isel(layer=place[0], neuron=place[1])
        assert one.r.isnull().all()
        assert one.p_fwer.isnull().all()
        assert (one.graded_neuron == -1).all()
    assert found.tuning_mean.isel(layer=1, neuron=2).isnull().all()
    assert found.tuning_mean_low.isel(layer=1, neuron=2).isnull().all()


def test_one_document_says_nothing_of_chance(text):
    hidden, types, graded = text
    found = analysed(hidden, types, np.array([0]), graded)
    assert found.p_value.isnull().all()
    assert found.r_low.isnull().all()
    assert found.tuning_mean_low.isnull().all()
    assert np.isfinite(found.r.sel(variable="depth")[0, 0])
    assert np.isfinite(found.eta2_type_adjusted.sel(variable="depth")[0, 0])
    assert (found.graded_neuron == -1).all()


def test_passages_and_blocks_of_neurons_do_not_show(text):
    hidden, _, graded = text
    start, block = np.append(STARTS, N), np.array([0, 0, 1, 2, 2])
    row = np.stack([value_rows(column) for column in graded.values()])
    grade = grades_of_rows(np.stack([np.bincount(r, minlength=80)[1:] for r in row]))
    whole, cut, part = GradedSums(grade, 3, 3), GradedSums(grade, 3, 3), GradedSums(grade, 3, 1)
    whole.add(block, start, hidden[:, 0], row)
    part.add(block, start, hidden[:, 0, 1:2], row)
    for first, stop in ((0, 2), (2, 5)):
        at = slice(start[first], start[stop])
        cut.add(block[first:stop], start[first : stop + 1] - start[first], hidden[at, 0], row[:, at])
    for name in ("n_token", "value_sum", "square_sum", "cross", "value_square", "grade_square"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(cut, name))
    np.testing.assert_array_equal(whole.cross[..., 1:2], part.cross)
    np.testing.assert_array_equal(whole.value_sum[..., 1:2], part.value_sum)
    assert whole.n_token.sum() == N * len(graded)


def test_misfits_are_refused():
    sums = GradedSums(np.zeros((1, 1 + len(VALUE_EDGES))), 1, 2)
    with pytest.raises(UserError, match="have 3 tokens, there are 2 states and 3 values"):
        sums.add(np.array([0]), np.array([0, 3]), np.zeros((2, 2), np.float32), np.zeros((1, 3), np.int64))
    with pytest.raises(UserError, match="2 neurons, the states have 3"):
        sums.add(np.array([0]), np.array([0, 3]), np.zeros((3, 3), np.float32), np.zeros((1, 3), np.int64))
