"""Corpora of models that read pieces of words: streamed and in memory, both units."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis import schema
from lstm_analysis.corpus import CorpusBuilder, Mark, PieceColumns, Sentence, add_pieces
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.errors import UserError
from lstm_analysis.segmentation import segmenter
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

CHARACTERS = Vocabulary((" ", "\n", *"abcdehrty", "<unk>"))
SENTENCES = [
    Sentence("a", ["the", "red"], {"pos": ["DT", "JJ"]}, [Mark("colour", (1,)), Mark("hue", (0, 1), 0)]),
    Sentence("a", ["yet"], {"pos": ["RB"]}),
    Sentence("b", ["red"], {"pos": ["NN"]}, [Mark("colour", (0,))]),
]


def built(sentences, unit, end="\n", rows=10**6, vocabulary=CHARACTERS, limit=None) -> tuple[CorpusBuilder, xr.Dataset]:
    """Return the builder and its blocks put together."""
    builder = CorpusBuilder(end, limit, PieceColumns(segmenter(vocabulary), unit))
    blocks = list(builder.blocks(sentences, rows))
    names = {name: block[name].dims for block in blocks for name in block}
    columns = {
        name: (dims, np.concatenate([block[name].values for block in blocks if name in block]))
        for name, dims in names.items()
    }
    return builder, schema.attach_attrs(xr.Dataset(columns).merge(builder.tables()))


def text(ids, vocabulary=CHARACTERS) -> str:
    return "".join(vocabulary.tokens[i] for i in ids)


def test_words_with_their_pieces():
    _, corpus = built(SENTENCES, "word")
    assert text(corpus.piece_id.values) == "the red\nyet\nred\n"
    assert corpus.piece_first.values.tolist() == [0, 3, 7, 8, 11, 12, 15]
    assert corpus.piece_last.values.tolist() == [2, 6, 7, 10, 11, 14, 15]
    assert text(corpus.token_id.values) == "ed\nt\nd\n"
    words = corpus_dataset(SENTENCES, "\n", None)
    xr.testing.assert_identical(corpus.drop_vars(["piece_id", "piece_first", "piece_last", "token_id"]), words)


def test_without_an_end_symbol_sentences_are_joined_by_a_blank_and_documents_are_not():
    _, corpus = built(SENTENCES, "word", None)
    assert text(corpus.piece_id.values) == "the red yetred"
    assert corpus.piece_first.values.tolist() == [0, 3, 7, 11]


def test_a_row_a_piece():
    _, corpus = built(SENTENCES, "token")
    assert text(corpus.token_id.values) == "the red\nyet\nred\n"
    assert corpus.word.values.tolist() == [0] * 3 + [1] * 4 + [2] + [3] * 3 + [4] + [5] * 3 + [6]
    types = corpus["type"].values
    assert types[corpus.type_id.values[[0, 3, 7, 14]]].tolist() == ["the", "red", "\n", "red"]
    assert corpus["pos"].values[corpus.pos_id.values[[0, 3, 7, 14]]].tolist() == ["DT", "JJ", "", "NN"]
    assert corpus.sentence_position.values.tolist() == [*range(8), *range(4), *range(4)]
    assert corpus.sentence_length.values.tolist() == [8] * 8 + [4] * 8
    assert corpus.document_start.values.tolist() == [0, 12]
    assert corpus.token_name.values.tolist() == list(CHARACTERS.tokens)
    marks = zip(corpus.mark_time.values, corpus.mark_concept.values, corpus.mark_value.values, strict=True)
    colour = [time for time, concept, _ in marks if concept == 0]
    assert colour == [3, 4, 5, 6, 12, 13, 14]


def test_the_words_lie_beside_their_pieces():
    _, corpus = built(SENTENCES, "token")
    words = corpus_dataset(SENTENCES, "\n", None)
    for name in ("type_id", "sentence", "sentence_position", "sentence_length", "pos_id"):
        np.testing.assert_array_equal(corpus[f"word_{name}"].values, words[name].values)
        assert corpus[f"word_{name}"].dims == ("corpus_word",)


@pytest.mark.parametrize("unit", ["word", "token"])
def test_variables_are_those_of_the_schema(unit):
    _, corpus = built(SENTENCES, unit)
    for name in set(corpus.variables) & set(schema.VARIABLES):
        variable = schema.VARIABLES[name]
        assert corpus[name].dims == variable.dims
        assert corpus[name].attrs == variable.attrs
        if variable.dtype != "str":
            assert corpus[name].dtype == variable.dtype


words = st.lists(st.text("abé", min_size=1, max_size=4), min_size=1, max_size=5)
sentences = st.lists(
    st.builds(
        lambda document, tokens: Sentence(document, tokens, {"pos": tokens[::-1]}, [Mark("m", (len(tokens) - 1,))]),
        st.sampled_from("de"),
        words,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(sentences=sentences, rows=st.integers(1, 30), end=st.sampled_from([None, "\n"]),
       unit=st.sampled_from(["word", "token"]), level=st.sampled_from(["char", "byte"]))  # fmt: skip
def test_any_cut_into_blocks_and_the_way_in_memory_give_the_same_corpus(sentences, rows, end, unit, level):
    vocabulary = CHARACTERS if level == "char" else Vocabulary(BYTE_NAMES)
    _, whole = built(sentences, unit, end, vocabulary=vocabulary)
    _, cut = built(sentences, unit, end, rows, vocabulary)
    xr.testing.assert_identical(cut, whole)
    in_memory = add_pieces(corpus_dataset(sentences, end, None), vocabulary, unit)
    xr.testing.assert_identical(in_memory[sorted(map(str, whole.variables))], whole)
    assert set(in_memory.variables) == set(whole.variables)


@given(sentences=sentences, end=st.sampled_from([None, "\n"]))
def test_both_units_hold_the_same_text(sentences, end):
    _, by_word = built(sentences, "word", end)
    _, by_token = built(sentences, "token", end)
    np.testing.assert_array_equal(by_word.piece_id.values, by_token.token_id.values)
    np.testing.assert_array_equal(by_token.word.values[by_word.piece_last.values], np.arange(by_word.sizes["time"]))
    np.testing.assert_array_equal(by_word.document.values, by_token.document.values[by_word.piece_first.values])


def test_the_limit_counts_what_a_row_is():
    for unit, limit, expected in (("word", 5, 5), ("word", 4, 3), ("token", 12, 12), ("token", 11, 8)):
        builder, corpus = built(SENTENCES, unit, limit=limit)
        assert builder.n_token == corpus.sizes["time"] == expected
        assert builder.limited
        n_word = corpus.sizes["time" if unit == "word" else "corpus_word"]
        assert builder.place.word == n_word
        assert corpus.sizes["piece" if unit == "word" else "time"] == builder.place.piece


def test_in_memory_a_cut_corpus_begins_without_a_blank():
    corpus = corpus_dataset(SENTENCES, None, None).isel(time=slice(1, 3))
    assert text(add_pieces(corpus, CHARACTERS).piece_id.values) == "red yet"


def test_in_memory_the_usual_end_symbol_is_the_newline():
    corpus = add_pieces(corpus_dataset(SENTENCES, "</s>", None), CHARACTERS)
    assert text(corpus.piece_id.values) == "the red\nyet\nred\n"


def test_a_model_of_words_gets_its_rows_and_nothing_else():
    corpus = corpus_dataset(SENTENCES, "</s>", None)
    found = add_pieces(corpus, Vocabulary(("<unk>", "</s>", "red")), "token")
    assert found.token_id.values.tolist() == [0, 2, 1, 0, 1, 2, 1]
    xr.testing.assert_identical(found.drop_vars("token_id"), corpus)


@pytest.mark.parametrize("names", [("pos", "word_pos"), ("word",), ("piece",)])
def test_an_annotation_cannot_take_a_name_of_the_words(names):
    sentence = Sentence("a", ["the"], {name: ["x"] for name in names})
    with pytest.raises(UserError, match="cannot be stored"):
        built([sentence], "token")
