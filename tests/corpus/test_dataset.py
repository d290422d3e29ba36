"""Sentences to the corpus dataset, block by block."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis import schema
from lstm_analysis.corpus import CorpusBuilder, Mark, Sentence, read_corpus
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.errors import UserError

SENTENCES = [
    Sentence("a", ["the", "red", "the"], {"pos": ["DT", "JJ", ""]}, [Mark("colour", (1,)), Mark("hue", (0, 1), 0)]),
    Sentence("a", ["yes"], {"pos": ["UH"]}),
    Sentence("b", ["red", "</s>"], {"pos": ["NN", "X"]}, [Mark("colour", (0,))]),
]


def test_columns_and_tables():
    corpus = corpus_dataset(SENTENCES, "</s>", None)
    forms = corpus["type"].values[corpus.type_id.values].tolist()
    assert forms == ["the", "red", "the", "</s>", "yes", "</s>", "red", "</s>", "</s>"]
    assert corpus.sentence.values.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2]
    assert corpus.document.values.tolist() == [0] * 6 + [1] * 3
    assert corpus.sentence_position.values.tolist() == [0, 1, 2, 3, 0, 1, 0, 1, 2]
    assert corpus.sentence_length.values.tolist() == [4] * 4 + [2] * 2 + [3] * 3
    assert corpus.document_name.values.tolist() == ["a", "b"]
    assert corpus["pos"].values[corpus.pos_id.values].tolist() == ["DT", "JJ", "", "", "UH", "", "NN", "X", ""]


def test_marks_point_to_tokens():
    corpus = corpus_dataset(SENTENCES, "</s>", None)
    names = corpus.marked_concept.values[corpus.mark_concept.values].tolist()
    found = list(zip(corpus.mark_time.values.tolist(), names, corpus.mark_value.values.tolist(), strict=True))
    assert found == [(1, "colour", 1), (0, "hue", 0), (1, "hue", 0), (6, "colour", 1)]


def test_without_an_end_symbol_there_are_the_tokens_alone():
    corpus = corpus_dataset(SENTENCES, None, None)
    assert corpus["type"].values[corpus.type_id.values].tolist() == ["the", "red", "the", "yes", "red", "</s>"]
    assert corpus.sentence_length.values.tolist() == [3, 3, 3, 1, 2, 2]
    assert corpus.mark_time.values.tolist() == [1, 0, 1, 4]


def test_variables_are_those_of_the_schema():
    corpus = corpus_dataset(SENTENCES, "</s>", None)
    for name in set(corpus.variables) & set(schema.VARIABLES):
        variable = schema.VARIABLES[name]
        assert corpus[name].dims == variable.dims
        assert corpus[name].attrs == variable.attrs
        if variable.dtype != "str":
            assert corpus[name].dtype == variable.dtype


def test_a_document_that_comes_back_is_another_document():
    names = ["a", "b", "a"]
    corpus = corpus_dataset([Sentence(name, ["x"]) for name in names], None, None)
    assert corpus.document.values.tolist() == [0, 1, 2]
    assert corpus.document_name.values.tolist() == names


def test_a_document_goes_on_across_files(write):
    paths = [write(f"{i}.jsonl", f'{{"document": "d", "tokens": ["{i}"]}}\n') for i in range(2)]
    corpus = read_corpus(paths, end_of_sentence=None)
    assert corpus.document.values.tolist() == [0, 0]
    assert corpus.sentence.values.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("limit", "n_token", "limited"), [(None, 9, False), (9, 9, False), (8, 6, True), (6, 6, True), (5, 4, True)]
)
def test_the_limit_keeps_whole_sentences(limit, n_token, limited):
    builder = CorpusBuilder("</s>", limit)
    blocks = list(builder.blocks(SENTENCES, rows=100))
    assert sum(block.sizes["time"] for block in blocks) == builder.n_token == n_token
    assert builder.limited is limited


def test_a_limit_shorter_than_the_first_sentence_is_an_error():
    with pytest.raises(UserError, match=r"limit_tokens is 3, but the first sentence alone is longer"):
        corpus_dataset(SENTENCES, "</s>", 3)


@pytest.mark.parametrize("other", [{}, {"pos": ["X"], "lemma": ["x"]}, {"lemma": ["x"]}], ids=["none", "more", "other"])
def test_sentences_need_the_same_annotation(other):
    with pytest.raises(
        UserError, match=r"'c' has the annotation columns .*the first sentence of the corpus has \['pos'\]"
    ):
        corpus_dataset([*SENTENCES, Sentence("c", ["x"], other)], None, None)


def test_files_of_different_columns_are_an_error(write):
    paths = [write("a.tsv", "# columns = token pos\na\tNN\n"), write("b.tsv", "# columns = token\nb\n")]
    with pytest.raises(UserError, match=r"'b.tsv' has the annotation columns \[\]"):
        read_corpus(paths)


@pytest.mark.parametrize("name", ["type", "sentence", "document", "time", "token", "mark", "layer", "document_name"])
def test_an_annotation_cannot_take_a_name_of_the_dataset(write, name):
    column = "token" if name != "token" else "x"
    sentence = Sentence("a", ["x"], {name: ["y"]})
    with pytest.raises(UserError, match=f"annotation column '{name}' cannot be stored.*Rename"):
        corpus_dataset([sentence], None, None)
    if column != "x":
        with pytest.raises(UserError, match=f"annotation column '{name}' cannot be stored"):
            read_corpus(write("a.tsv", f"# columns = token {name}\na\tb\n"))


def test_an_annotation_cannot_be_named_like_the_codes_of_another():
    with pytest.raises(UserError, match="annotation column 'x' cannot be stored"):
        corpus_dataset([Sentence("a", ["t"], {"x": ["1"], "x_id": ["2"]})], None, None)


def test_a_sentence_of_100_000_tokens(write):
    corpus = read_corpus(write("a.txt", "a b " * 50_000))
    assert corpus.sizes["time"] == 100_001
    assert corpus.sentence_length.values[[0, -1]].tolist() == [100_001, 100_001]
    assert corpus.sentence_position.values[-1] == 100_000


words = st.lists(st.sampled_from("abc"), min_size=1, max_size=7)
sentences = st.lists(
    st.builds(
        lambda document, tokens: Sentence(document, tokens, {"pos": tokens[::-1]}, [Mark("m", (len(tokens) - 1,))]),
        st.sampled_from("de"),
        words,
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40)
@given(sentences=sentences, rows=st.integers(1, 40), end=st.sampled_from([None, "</s>"]))
def test_any_cut_into_blocks_gives_the_same_corpus(sentences, rows, end):
    whole, cut = CorpusBuilder(end), CorpusBuilder(end)
    (one,) = whole.blocks(sentences, rows=10**6)
    blocks = list(cut.blocks(sentences, rows))
    assert [block.sizes["time"] for block in blocks[:-1]] == [rows] * (len(blocks) - 1)
    assert 1 <= blocks[-1].sizes["time"] <= rows
    for name in one:
        np.testing.assert_array_equal(np.concatenate([block[name].values for block in blocks]), one[name].values)
    assert cut.tables().identical(whole.tables())


def test_a_round_trip_through_zarr_changes_nothing(tmp_path):
    corpus = corpus_dataset(
        [*SENTENCES, Sentence("é", ["naïve", "日本", "\U0001f600"], {"pos": ["", "x", "y"]})], "</s>", None
    )
    corpus.to_zarr(tmp_path / "corpus.zarr", consolidated=False, zarr_format=3)
    back = xr.open_zarr(tmp_path / "corpus.zarr", consolidated=False).compute()
    assert set(back.variables) == set(corpus.variables)
    for name in corpus.variables:
        assert back[name].values.tolist() == corpus[name].values.tolist()
        assert back[name].attrs == corpus[name].attrs
        assert back[name].dtype == corpus[name].dtype or name in back.coords


COUNTS = {
    "english/gum_open.tsv.gz": (113_921, 5_770, 115),
    "english/ewt.tsv.gz": (254_818, 16_622, 1_174),
    "english/semcor.tsv.gz": (434_837, 20_138, 186),
    "english/masc_nowsj.tsv.gz": (574_408, 33_542, 353),
    "idioms/magpie_dev.jsonl.gz": (758_827, 26_440, 26_440),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if "masc" in name else ()) for name in COUNTS]
)
def test_real_files_lose_nothing(real_data, name):
    corpus = read_corpus(str(real_data(name)), end_of_sentence=None)
    found = corpus.sizes["time"], int(corpus.sentence[-1]) + 1, corpus.sizes["document_name"]
    assert found == COUNTS[name]
    assert int(corpus.document[-1]) + 1 == COUNTS[name][2]


def test_the_marks_of_the_idiom_corpus(real_data):
    corpus = read_corpus(str(real_data("idioms/magpie_dev.jsonl.gz")), end_of_sentence=None)
    frame = (
        corpus[["mark_concept", "mark_value"]].to_dataframe().assign(sentence=corpus.sentence.values[corpus.mark_time])
    )
    spans = frame.drop_duplicates()
    assert corpus.sizes["marked_concept"] == 1_007
    assert [(spans.mark_value == value).sum() for value in (1, 0)] == [19_980, 6_460]
    counts = spans.groupby(["mark_concept", "mark_value"]).size().unstack(fill_value=0)
    assert (counts >= 5).all(axis=1).sum() == 122
