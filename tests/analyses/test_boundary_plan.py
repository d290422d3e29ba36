"""Which boundaries are studied, the rows gathered for them, and the table of a neuron's boundaries."""

import numpy as np
import pytest
import xarray as xr
from leaky_integrators import blocks_of_documents, integrate, make_text

from lstm_analysis.analyses.sentence_position import BoundaryRows, boundary_table, plan_boundaries
from lstm_analysis.errors import UserError


def columns(lengths, documents):
    """Columns of sentences given by length and document."""
    lengths, documents = np.array(lengths), np.array(documents)
    start = np.cumsum(lengths) - lengths
    return {
        "sentence": np.repeat(np.arange(len(lengths)), lengths),
        "sentence_position": np.arange(lengths.sum()) - np.repeat(start, lengths),
        "sentence_length": np.repeat(lengths, lengths),
        "document": np.repeat(documents, lengths),
    }


def test_boundaries_and_their_lengths_by_hand():
    plan = plan_boundaries(*columns([3, 2, 6, 4, 1], [0, 0, 0, 1, 1]).values(), np.array([0, 1]), 0)
    assert plan.end_time.values.tolist() == [2, 4, 14]
    assert plan.next_time.values.tolist() == [3, 5, 15]
    assert plan.length_current.values.tolist() == [3, 2, 4]
    assert plan.length_previous.values.tolist() == [-1, 3, -1]
    assert plan.length_next.values.tolist() == [2, 6, 1]
    assert plan.before_time.values.tolist() == [1, 3, 13]
    assert plan.boundary_document.values.tolist() == [0, 0, 1]
    assert plan.boundary_block.values.tolist() == [0, 0, 1]
    assert plan.attrs["note"] == "all 3 boundaries"


def test_no_boundary_where_states_are_reset():
    text = columns([3, 2, 6], [0, 0, 0])
    empty = plan_boundaries(*text.values(), np.array([0]), 0, carry="sentence")
    assert empty.sizes["boundary"] == 0
    assert "carry: sentence" in empty.attrs["note"]
    assert plan_boundaries(*text.values(), np.array([0]), 0, reset=np.array([3])).end_time.values.tolist() == [4]
    alone = plan_boundaries(*columns([3, 4], [0, 1]).values(), np.array([0, 0]), 0)
    assert alone.attrs["note"] == "no document holds two whole sentences"


def test_sentences_that_are_cut_off_at_the_document_s_begin_do_not_count():
    text = {name: column[1:] for name, column in columns([3, 2, 6], [0, 0, 0]).items()}
    plan = plan_boundaries(*text.values(), np.array([0]), 0)
    assert plan.end_time.values.tolist() == [3]
    assert plan.length_previous.values.tolist() == [3]


def test_without_an_end_symbol_no_rise_is_measured():
    plan = plan_boundaries(*columns([3, 2, 6], [0, 0, 0]).values(), np.array([0]), 0, end_symbol=False)
    assert (plan.before_time == -1).all()


def test_many_boundaries_are_sampled_and_it_is_said():
    text = columns([2] * 500, [0] * 500)
    first, again, other = (plan_boundaries(*text.values(), np.array([0]), seed, max_boundary=100) for seed in (1, 1, 2))
    assert first.identical(again)
    assert not first.end_time.equals(other.end_time)
    assert first.sizes["boundary"] == 100
    assert int(first.n_boundary_found) == 499
    assert (np.diff(first.end_time) > 0).all()
    assert first.attrs["note"] == "a random sample of 100 of 499 boundaries (seed 1)"


def test_lengths_of_different_corpora_are_refused():
    text = columns([2, 2], [0, 0])
    text["document"] = text["document"][1:]
    with pytest.raises(UserError, match="document has 3"):
        plan_boundaries(*text.values(), np.array([0]), 0)


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_rows_are_gathered_for_any_spans(size):
    rng = np.random.default_rng(0)
    text = make_text(rng, n_document=5, n_sentence=12)
    plan = plan_boundaries(
        text.sentence, text.sentence_position, text.sentence_length, text.document, np.zeros(5, int), 0
    )
    values = rng.random((len(text.sentence), 2), np.float32)
    rows = BoundaryRows(plan, 2)
    for start in range(0, len(values), size):
        rows.add(start, values[start : start + size])
    np.testing.assert_array_equal(rows.end, values[plan.end_time])
    np.testing.assert_array_equal(rows.next_, values[plan.next_time])
    planned = plan.before_time.values >= 0
    np.testing.assert_array_equal(rows.before[planned], values[plan.before_time[planned]])
    assert np.isnan(rows.before[~planned]).all()
    assert planned.any()


@pytest.fixture
def passage():
    text = columns([4, 3, 5, 3], [0, 0, 0, 1])
    h = [0.1, 0.5, 0.7, 0.6, -0.2, 0.3, 0.2, 0.0, 0.1, 0.2, 0.9, 0.8, 0.0, 0.0, 0.0]
    corpus = xr.Dataset({name: ("time", column) for name, column in text.items()})
    return xr.DataArray(np.array(h, np.float32), dims="time"), corpus


def test_boundary_table_by_hand(passage):
    table = boundary_table(*passage)
    assert table["boundary_token"].tolist() == [3, 6]
    assert table["peak_token"].tolist() == [2, 5]
    assert table["largest_change_token"].tolist() == [4, 5]
    np.testing.assert_allclose(table["largest_change"], [-0.8, 0.5], rtol=1e-6)
    np.testing.assert_allclose(table["cliff"], [0.8, 0.2], rtol=1e-6)
    assert table["words_since_last_end"].tolist() == [3, 2]
    assert table["rise_per_word"].tolist() == [1 / 3, 1 / 2]
    assert set(table.attrs["units"]) == set(table.columns)


def test_boundary_table_of_a_part_and_of_a_neuron_that_jumps(passage):
    values, corpus = passage
    part = boundary_table(values.chunk({"time": 4}), corpus.chunk({"time": 5}), 3, 12)
    assert part["boundary_token"].tolist() == [6]
    mirrored = boundary_table(-values, corpus)
    assert mirrored["peak_token"].tolist() == [2, 5]
    assert len(boundary_table(values, corpus, n_boundary=1)) == 1
    assert len(boundary_table(values, corpus, 12)) == 0


def test_boundary_table_says_what_is_wrong(passage):
    values, corpus = passage
    with pytest.raises(UserError, match="select layer and neuron"):
        boundary_table(values.expand_dims("neuron"), corpus)
    with pytest.raises(UserError, match="14 tokens, the corpus 15"):
        boundary_table(values[1:], corpus)
    with pytest.raises(UserError, match="not in the corpus"):
        boundary_table(values, corpus, 3, 99)


def test_boundary_table_of_an_integrator_falls_at_every_boundary():
    rng = np.random.default_rng(1)
    text = make_text(rng, n_document=2, n_sentence=10)
    names = ("sentence", "sentence_position", "sentence_length", "document")
    corpus = xr.Dataset({name: ("time", getattr(text, name)) for name in names})
    h = integrate(text, rng, np.array([5.0]), noise=0.0)[:, 0]
    table = boundary_table(xr.DataArray(h, dims="time"), corpus)
    assert (table["peak_token"] == table["boundary_token"]).all()
    assert (table["cliff"] > 0).all()
    assert len(table) == 18
    assert blocks_of_documents(2, 2).tolist() == [0, 1]
