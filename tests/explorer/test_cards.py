"""What cards and maps are made from, against slow and obvious counting."""

import math
import shutil

import numpy as np
import pytest
import xarray as xr
from fake_run import MakeRun, write_store
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from lstm_analysis.explorer import word_map
from lstm_analysis.explorer.address import Query, text_address
from lstm_analysis.explorer.concept_card import contrasts, idiom_matrix, overlaps
from lstm_analysis.explorer.holdings import Holdings
from lstm_analysis.explorer.match_figure import MatchFigure, cells, row_names
from lstm_analysis.explorer.matching import AFTER, BEFORE, align, find, select
from lstm_analysis.explorer.neuron_card import N_BAR, distribution, neighbours, passages_of
from lstm_analysis.explorer.score_map import neuron_scores, score_names
from lstm_analysis.explorer.stretch import read_words
from lstm_analysis.reductions.summarize import summarize
from lstm_analysis.run import open_run


def address_of(holdings: Holdings, **values: str):
    """Return the state of the text view that a query asks for."""
    return text_address(Query({name: [text.encode()] for name, text in values.items()}), holdings)


def test_a_span_selects_by_the_rule_and_its_matches_are_counted_token_by_token(holdings: Holdings):
    hidden = holdings.run.activations["hidden_state"].values
    a = address_of(holdings, span="203:204", threshold="0.5", left="1", right="0")
    up, down = [], []
    for layer, neuron in np.ndindex(hidden.shape[1:]):
        here, before = round(float(hidden[203, layer, neuron]), 5), round(float(hidden[202, layer, neuron]), 5)
        up += [(layer, neuron)] if here >= 0.5 and before < 0.5 else []
        down += [(layer, neuron)] if -here >= 0.5 and -before < 0.5 else []
    selection = select(holdings, a)
    assert (list(selection.up), list(selection.down)) == (up, down)
    assert selection.text == read_words(holdings, 203, 204)[0]
    found = align(holdings, a, find(holdings, a))
    assert found.found.sizes["match"] > 1
    for row, start in enumerate(found.found["start"].values.tolist()):
        for place, time in enumerate(range(start - BEFORE, start + AFTER)):
            if not 0 <= time < holdings.n_token:
                assert (found.n_on[row, place], found.words[row][place]) == (-1, "")
                continue
            on = sum(hidden[time][one] >= 0.5 for one in up) + sum(-hidden[time][one] >= 0.5 for one in down)
            assert found.n_on[row, place] == on
            assert found.words[row][place] == read_words(holdings, time, time + 1)[0]


def test_tags_stand_below_the_words_of_a_corpus_that_has_them(make_run: MakeRun):
    run = make_run(analyses=())
    corpus = run.corpus.load().drop_encoding()
    code = (corpus["type_id"].values * 3) % 4
    tagged = corpus.assign(pos_id=("time", code.astype(np.int32))).assign_coords(
        pos=np.array(["A", "<b>", "C", "D"], object)
    )
    shutil.rmtree(run.path / "corpus.zarr")
    write_store(run.path / "corpus.zarr", tagged, "corpus")
    holdings = Holdings(open_run(run.path))
    found = align(holdings, address_of(holdings, span="0:1"), find(holdings, address_of(holdings, span="0:1")))
    for tags, start in zip(found.tags, found.found["start"].values.tolist(), strict=True):
        inside = [time for time in range(start - BEFORE, start + AFTER) if 0 <= time < holdings.n_token]
        assert [tag for tag in tags if tag] == [["A", "<b>", "C", "D"][code[time]] for time in inside]
    figure = MatchFigure()
    figure.show(found)
    assert figure.root.visible


def test_p_of_matches_stands_beside_them_where_it_was_asked_for(holdings: Holdings):
    a = address_of(holdings, span="203:204", threshold="0.5", null="1")
    found = align(holdings, a, find(holdings, a))
    names = row_names(found)
    itself = found.found["is_query"].values
    assert [name.endswith("span") for name in names] == itself.tolist()
    assert all("  p " in name for name, own in zip(names, itself, strict=True) if not own)
    shown = cells(found)
    assert len(shown["word"]) == int((found.n_on >= 0).sum())
    assert set(shown["document"]) <= set(holdings.corpus["document_name"].values.tolist())


def test_matches_at_the_ends_of_the_corpus_are_aligned(holdings: Holdings):
    last = holdings.n_token - 1
    for span in ("0:1", f"{last}:{last + 1}"):
        a = address_of(holdings, span=span, left="0", threshold="0.2")
        found = align(holdings, a, find(holdings, a))
        assert all(len(words) == BEFORE + AFTER for words in found.words)


def test_the_bars_of_a_distribution_hold_the_tokens_of_their_range(holdings: Holdings):
    states = holdings.run.activations["hidden_state"].load()
    summary = summarize(states, holdings.run.labels[["label"]].load())
    holdings.__dict__["summary"] = summary
    values = states.values[:, 1, 2]
    found = distribution(holdings, (1, 2))
    assert found is not None
    assert (found.n_token, len(found.share)) == (len(values), N_BAR)
    assert found.share.sum() == pytest.approx(1.0)
    for upto, edge in zip(np.cumsum(found.share), found.edge[1:], strict=True):
        assert upto * len(values) == pytest.approx((values <= edge).sum(), abs=2 * len(values) / 256 + 1)
    assert distribution(holdings, (1, 4)) is None  # constant


def test_without_sums_there_is_no_distribution_and_no_map_of_words(holdings: Holdings):
    assert holdings.summary is None
    assert "its stage summary has not run" in holdings.missing["summary"]
    assert distribution(holdings, (0, 0)) is None
    assert word_map.word_map(holdings) is None


def test_passages_are_those_of_the_contexts(holdings: Holdings):
    found = passages_of(holdings, (1, 2))
    times = holdings.run.contexts["context_time"].isel(layer=1, neuron=2)
    hidden = holdings.run.activations["hidden_state"].values[:, 1, 2]
    for extreme, passages in found.items():
        assert [one.time for one in passages] == times.sel(extreme=extreme).values.tolist()
        assert [one.centre.value for one in passages] == [hidden[one.time] for one in passages]
        assert [one.centre.word for one in passages] == [read_words(holdings, t.time, t.time + 1)[0] for t in passages]


def test_neighbours_go_round_the_model(make_run: MakeRun):
    holdings = Holdings(make_run(layer_sizes=(3, 7), analyses=()))
    assert neighbours(holdings, (0, 0)) == ("1:6", "0:1")
    assert neighbours(holdings, (0, 2)) == ("0:1", "1:0")
    assert neighbours(holdings, (1, 6)) == ("1:5", "0:0")


def test_overlaps_are_ordered_and_leave_the_concept_itself_out(holdings: Holdings):
    for concept in holdings.concepts:
        table, said = overlaps(holdings, concept)
        assert bool(len(table)) == bool(said)
        if len(table):
            assert concept not in table["concept"].tolist()
            assert (table["n_shared"] > 0).all()
            assert table["jaccard"].is_monotonic_decreasing


def test_the_matrix_of_idioms_is_their_auroc(holdings: Holdings):
    idioms = holdings.run.idioms
    for contrast in contrasts(holdings):
        matrix = idiom_matrix(holdings, contrast, "")
        assert matrix is not None
        for i, idiom in enumerate(matrix.idioms):
            for j, neuron in enumerate(matrix.neurons):
                layer, number = map(int, neuron.split(":"))
                place = idioms["idiom"].values.tolist().index(idiom)
                wanted = idioms["auroc"].sel(contrast=contrast).isel(idiom=place, layer=layer, neuron=number).item()
                assert matrix.auroc[i, j] == wanted or (math.isnan(wanted) and math.isnan(matrix.auroc[i, j]))


def test_every_score_that_is_offered_can_be_shown(holdings: Holdings):
    names = score_names(holdings)
    assert all(names.values())
    for name in [name for group in names.values() for name in group]:
        scores = neuron_scores(holdings, name, "idiom")
        assert scores.low < scores.high
        assert scores.values.shape == scores.present.shape == (2, 7)
        assert scores.meaning


@given(st.integers(3, 9), st.integers(2, 6), st.integers(0, 99))
def test_components_are_those_of_the_words_as_often_as_they_occur(n_word, n_neuron, seed):
    rng = np.random.default_rng(seed)
    mean, n_token = rng.normal(size=(n_word, n_neuron)), rng.integers(1, 5, n_word)
    place, share = word_map.principal_components(mean, n_token.astype(float))
    reference = PCA(2).fit(np.repeat(mean, n_token, axis=0))
    assert share == pytest.approx(reference.explained_variance_ratio_, abs=1e-9)
    assert np.abs(place) == pytest.approx(np.abs(reference.transform(mean)), abs=1e-6)


def test_names_of_words_do_not_cover_each_other():
    rng = np.random.default_rng(0)
    n = 300
    words = word_map.WordMap(
        np.arange(n), [f"word{i}" for i in range(n)], rng.integers(20, 999, n), rng.normal(size=(n, 2)), np.ones(2), 7
    )
    member = np.arange(n) % 50 == 3
    chosen = word_map.room_for_names(words, member)
    assert set(np.flatnonzero(member)[:1]) <= set(chosen)
    scale = word_map.SIDE / np.ptp(words.place, axis=0)
    for i in chosen:
        for j in chosen:
            across, down = np.abs((words.place[i] - words.place[j]) * scale)
            half = word_map.LETTER * (len(words.word[i]) + len(words.word[j])) / 2
            assert i == j or across > half or down > word_map.LINE


def test_words_of_a_concept_are_its_targets_at_half_of_their_tokens():
    summary = xr.Dataset({"type_target_n_token": (("concept", "table_type"), [[5, 4, 0]])})
    holdings = type("Few", (), {"summary": summary, "concepts": ["law"]})()
    words = word_map.WordMap(np.arange(3), ["a", "b", "c"], np.array([10, 10, 10]), np.zeros((3, 2)), np.ones(2), 2)
    assert word_map.members(holdings, words, "law").tolist() == [True, False, False]
    assert word_map.members(holdings, words, "other").tolist() == [False] * 3
