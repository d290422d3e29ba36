"""Labels of a corpus whose tokens are pieces of words are those of its words."""

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis.corpus import Mark, Sentence, add_pieces
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.errors import UserError
from lstm_analysis.labels import (
    annotation,
    categories,
    idiom_occurrences,
    idioms,
    label_block,
    label_corpus,
    part_of_speech,
    position,
    spans,
)
from lstm_analysis.labels.word_view import word_view
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

BYTES = Vocabulary(BYTE_NAMES)


def sentence(document: str, tokens: list[str]) -> Sentence:
    return Sentence(document, tokens, {"pos": [token[0] for token in tokens]}, [Mark("mark", (len(tokens) - 1,))])


WORDS = st.lists(st.sampled_from(["in", "the", "red", "tape", "é"]), min_size=1, max_size=6)
CORPORA = st.lists(st.builds(sentence, st.sampled_from("ab"), WORDS), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("concepts")
    (folder / "idioms.yaml").write_text(yaml.safe_dump({"i1": "in ~ red", "i2": "red tape"}))
    (folder / "words.txt").write_text("the\nred tape\n")
    return {
        "idiom": idioms(folder / "idioms.yaml"),
        "words": categories(folder / "words.txt"),
        "opening": position(first=2),
        "close": position(last=2),
        "pos": part_of_speech(),
        "column": annotation("pos", {"t or r": ["t*", "r"]}, without_value="baseline"),
    }


@settings(max_examples=30)
@given(sentences=CORPORA, cut=st.integers(1, 30))
def test_tokens_have_the_labels_of_their_words(sources, sentences, cut):
    words = corpus_dataset(sentences, "\n", None)
    tokens = add_pieces(words, BYTES, "token")
    expected = label_corpus(words, sources)
    found = label_corpus(tokens, sources)
    np.testing.assert_array_equal(found.label.values, expected.label.values[tokens.word.values])
    np.testing.assert_array_equal(found.n_document.values, expected.n_document.values)
    stop = min(cut + 7, tokens.sizes["time"])
    start = min(cut, stop - 1)
    np.testing.assert_array_equal(label_block(tokens, sources, start, stop), found.label.values[start:stop])


@settings(max_examples=30)
@given(sentences=CORPORA)
def test_idioms_occur_at_the_tokens_of_their_words(sources, sentences):
    words = corpus_dataset(sentences, "\n", None)
    tokens = add_pieces(words, BYTES, "token")
    expected, found = (idiom_occurrences(corpus, sources["idiom"]) for corpus in (words, tokens))
    np.testing.assert_array_equal(found.occurrence_idiom.values, expected.occurrence_idiom.values)
    starts = np.searchsorted(tokens.word.values, np.arange(words.sizes["time"] + 1))
    for name in ("occurrence_start", "occurrence_stop"):
        np.testing.assert_array_equal(found[name].values, starts[expected[name].values])


@settings(max_examples=30)
@given(sentences=CORPORA)
def test_marks_go_down_to_the_tokens(sentences):
    words = corpus_dataset(sentences, None, None)
    tokens = add_pieces(words, BYTES, "token")
    expected = label_corpus(words, {"spans": spans()}).label.values
    np.testing.assert_array_equal(label_corpus(tokens, {"spans": spans()}).label.values, expected[tokens.word.values])


def test_spans_of_a_file_count_tokens(tmp_path):
    (tmp_path / "spans.csv").write_text("start,stop,concept\n1,4,here\n")
    tokens = add_pieces(corpus_dataset([sentence("a", ["red", "tape"])], None, None), BYTES, "token")
    source = spans(tmp_path / "spans.csv")
    assert label_corpus(tokens, {"spans": source}).label.values.ravel().tolist() == [0, 1, 1, 1, 0, 0, 0, 0]
    (tmp_path / "spans.csv").write_text("start,stop,concept\n1,9,here\n")
    with pytest.raises(UserError, match="ends outside the corpus, which has 8 tokens"):
        label_corpus(tokens, {"spans": spans(tmp_path / "spans.csv")})


def test_the_words_are_those_of_the_corpus_of_words(tmp_path):
    words = corpus_dataset([sentence("a", ["red", "tape"]), sentence("b", ["é"])], "\n", None)
    assert word_view(words) is words
    tokens = add_pieces(words, BYTES, "token")
    tokens.to_zarr(tmp_path / "corpus.zarr", consolidated=False, zarr_format=3)
    for corpus in (tokens, xr.open_zarr(tmp_path / "corpus.zarr", consolidated=False, chunks={})):
        view = word_view(corpus)
        assert view.sizes["time"] == words.sizes["time"]
        for name in ("type_id", "sentence", "sentence_position", "sentence_length", "pos_id", "type", "pos"):
            np.testing.assert_array_equal(view[name].values, words[name].values)
            assert view[name].dims == words[name].dims
