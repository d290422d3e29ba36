import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.errors import UsageError
from lstm_analysis.labels import idiom, idiom_occurrences, idioms
from lstm_analysis.labels.idiom import Idioms
from lstm_analysis.labels.phrases import parse_pattern


def lexicon_source(max_gap=3, **lexicon):
    return Idioms(
        tuple((name, tuple(parse_pattern(text) for text in texts)) for name, texts in lexicon.items()), max_gap
    )


def labels_of(corpus, *patterns, max_gap=3):
    return lexicon_source(max_gap, x=patterns).label(corpus, 0, corpus.sizes["time"])[:, 1].tolist()


@given(loops.corpora(), loops.lexica, st.integers(1, 3))
def test_labels_equal_the_loop(corpus, lexicon, max_gap):
    label = lexicon_source(max_gap, **lexicon).label(corpus, 0, corpus.sizes["time"])
    assert label.dtype == np.int8
    np.testing.assert_array_equal(label, loops.idiom_labels(corpus, lexicon, max_gap))


def test_final_word_is_target_and_the_rest_is_left_out():
    corpus = loops.build_corpus("cut the Red tape now")
    assert labels_of(corpus, "red tape") == [0, 0, -1, 1, 0]


def test_gap_spans_one_to_max_gap_tokens_and_they_are_left_out():
    corpus = loops.build_corpus("keep it in", "keep in", "keep a b c in", "keep a b c d in")
    assert labels_of(corpus, "keep ~ in") == [-1, -1, 1, 0, 0, -1, -1, -1, -1, 1, 0, 0, 0, 0, 0, 0]
    assert labels_of(corpus, "keep ~ in", max_gap=1) == [-1, -1, 1] + [0] * 13


def test_shortest_gap_wins():
    assert labels_of(loops.build_corpus("hold x in in"), "hold ~ in") == [-1, -1, 1, 0]


def test_shortest_of_several_patterns_wins():
    assert labels_of(loops.build_corpus("time and time again"), "time and time again", "time and") == [-1, 1, 0, 0]


def test_occurrence_never_crosses_a_sentence():
    assert labels_of(loops.build_corpus("in the", "red tape"), "in the red", "the ~ tape") == [0, 0, 0, 0]
    assert labels_of(loops.build_corpus("red", "tape", end="</s>"), "red ~ tape") == [0, 0, 0, 0]


def test_repeated_occurrences_do_not_overlap():
    assert labels_of(loops.build_corpus("hand in hand in hand in hand"), "hand in hand") == [-1, -1, 1, 0, -1, -1, 1]


def test_pattern_of_one_token_is_a_target_by_itself():
    assert labels_of(loops.build_corpus("redtape red redtape"), "redtape") == [1, 0, 1]


def test_pooled_concept_holds_the_final_word_of_one_idiom_inside_another():
    corpus = loops.build_corpus("in the long run")
    label = lexicon_source(a=["in the long run"], b=["the long"]).label(corpus, 0, 4)
    assert label.T.tolist() == [[-1, -1, 1, 1], [-1, -1, -1, 1], [0, -1, 1, 0]]


def test_idiom_that_straddles_blocks_is_found_from_each():
    corpus = loops.build_corpus("x y", "we cut the red tape now", "z")
    source = lexicon_source(x=["the red tape"])
    whole = source.label(corpus, 0, 9)
    for start, stop in ((4, 5), (5, 6), (6, 7), (0, 5), (6, 9)):
        np.testing.assert_array_equal(source.label(corpus, start, stop), whole[start:stop])


def test_slice_of_a_corpus_that_begins_and_ends_inside_sentences_is_labelled():
    corpus = loops.build_corpus("we cut red tape", "red tape is red tape").isel(time=slice(1, 7))
    assert labels_of(corpus, "red tape") == [0, -1, 1, -1, 1, 0]


@settings(max_examples=50)
@given(loops.corpora(), loops.lexica, st.integers(1, 7))
def test_occurrences_equal_the_loop(corpus, lexicon, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idiom, "BLOCK", block)
        found = idiom_occurrences(corpus, lexicon_source(**lexicon))
    names = found.idiom.values[found.occurrence_idiom.values].tolist()
    rows = list(zip(found.occurrence_start.values.tolist(), found.occurrence_stop.values.tolist(), names, strict=True))
    expected = [(*span, name) for name, texts in lexicon.items() for span in loops.occurrences(corpus, texts)]
    assert sorted(rows) == sorted(expected)
    assert found.occurrence_stop.values.tolist() == sorted(found.occurrence_stop.values.tolist())


def test_file_gives_any_idiom_and_each(tmp_path):
    file = tmp_path / "idioms.yaml"
    file.write_text('red tape: ["red tape", redtape]\nat stake: at stake\n')
    corpus = loops.build_corpus("redtape at stake")
    source = idioms(file)
    assert source.names(corpus) == ["", "red tape", "at stake"]
    assert source.label(corpus, 0, 3).T.tolist() == [[1, -1, 1], [1, 0, 0], [0, -1, 1]]


@pytest.mark.parametrize("max_gap", [0, "3", True, 1.5])
def test_wrong_max_gap_is_refused(tmp_path, max_gap):
    with pytest.raises(UsageError, match="max_gap of the idioms must be a whole number from 1 on, found"):
        idioms(tmp_path / "idioms.yaml", max_gap)
