import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.corpus import add_pieces, read_corpus
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.sentences import Mark, Sentence
from lstm_analysis.errors import UserError
from lstm_analysis.labels import idiom_occurrences, idioms, mark, mark_occurrences
from lstm_analysis.schema import VARIABLES
from lstm_analysis.vocabulary import Vocabulary

NAMES = ("z", "y", "x")


def rows_of(found):
    columns = (found[f"occurrence_{name}"].values.tolist() for name in ("start", "stop", "idiom", "value"))
    return [(start, stop, str(found.idiom.values[i]), value) for start, stop, i, value in zip(*columns, strict=True)]


def occurrences_by_loop(sentences, max_between):
    """Return start, stop, concept and value of the occurrences; a sentence is its length and its marks."""
    found, first = [], 0
    for length, marks in sentences:
        for name, value in {(m.concept, m.value) for m in marks}:
            marked = [i in {i for m in marks if (m.concept, m.value) == (name, value) for i in m.tokens}
                      for i in range(length)]  # fmt: skip
            start = last = None
            for place in range(length):
                if marked[place]:
                    if last is not None and place - last - 1 > max_between:
                        found.append((first + start, first + last + 1, name, value))
                        start = None
                    start, last = place if start is None else start, place
            found.append((first + start, first + last + 1, name, value))
        first += length
    return sorted(found, key=lambda row: (row[1], row[0], row[2]))


@st.composite
def marked_sentences(draw):
    """Draw sentences of one to thirty words, each concept with one value a sentence."""
    sentences = []
    for _ in range(draw(st.integers(1, 4))):
        length = draw(st.integers(1, 30))
        marks = []
        for name in draw(st.sets(st.sampled_from(NAMES))):
            tokens = st.lists(st.integers(0, length - 1), min_size=1, max_size=5)
            marks += [Mark(name, tuple(draw(tokens)), draw(st.integers(0, 1)))]
        sentences.append((length, marks))
    return sentences


@settings(max_examples=60)
@given(marked_sentences(), st.integers(1, 40))
def test_occurrences_equal_the_loop(sentences, block):
    corpus = corpus_dataset([Sentence("d", ["w"] * n, {}, marks) for n, marks in sentences], None, None)
    if not any(marks for _, marks in sentences):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mark, "BLOCK", block)
        found = mark_occurrences(corpus)
    assert rows_of(found) == occurrences_by_loop(sentences, mark.MAX_BETWEEN)
    assert found.idiom.values.tolist() == sorted(corpus.marked_concept.values)
    for name in found.variables:
        assert found[name].dims == VARIABLES[name].dims
        assert found[name].dtype == (object if name == "idiom" else VARIABLES[name].dtype)


def test_idiomatic_and_literal_uses_of_one_sentence_stay_apart():
    marks = (Mark("kick the bucket", (1, 3)), Mark("kick the bucket", (5, 7), 0))
    corpus = corpus_dataset([Sentence("d", list("abcdefgh"), {}, marks)], None, None)
    assert rows_of(mark_occurrences(corpus)) == [(1, 4, "kick the bucket", 1), (5, 8, "kick the bucket", 0)]


def test_pieces_of_words_are_as_with_a_lexicon(tmp_path):
    words = ["ab", "ba", "aabbaabb", "b", "a", "a", "a", "a", "a", "a", "bb", "a"]
    corpus = corpus_dataset([Sentence("d", words, {}, (Mark("i", (1, 3)), Mark("i", (10,))))], None, None)
    assert rows_of(mark_occurrences(corpus)) == [(1, 4, "i", 1), (10, 11, "i", 1)]
    letters = add_pieces(corpus, Vocabulary((" ", "a", "b")), "token")
    (tmp_path / "i.yaml").write_text("i: [ba ~ b, bb]\n")
    by_lexicon = idiom_occurrences(letters, idioms(tmp_path / "i.yaml"))
    assert by_lexicon.occurrence_start.values.tolist() == [2, 28]
    xr.testing.assert_identical(mark_occurrences(letters), by_lexicon)


@pytest.mark.filterwarnings("ignore:Consolidated metadata:UserWarning")
def test_stored_corpus_gives_the_same(tmp_path):
    corpus = corpus_dataset([Sentence("d", list("abc"), {}, (Mark("i", (0, 2)),))] * 5, "</s>", None)
    corpus.chunk(time=3).to_zarr(tmp_path / "corpus.zarr")
    xr.testing.assert_identical(mark_occurrences(xr.open_zarr(tmp_path / "corpus.zarr")), mark_occurrences(corpus))


def test_lexicon_hits_count_as_idiomatic(tmp_path):
    (tmp_path / "i.yaml").write_text("red tape: red tape\nnever: never\n")
    source = idioms(tmp_path / "i.yaml")
    found = idiom_occurrences(loops.build_corpus("red tape", "more red tape"), source)
    assert rows_of(found) == [(0, 2, "red tape", 1), (3, 5, "red tape", 1)]
    assert found.occurrence_value.dtype == np.int8
    assert idiom_occurrences(loops.build_corpus("a"), source).occurrence_value.dims == ("occurrence",)


def test_what_marks_nothing_or_contradicts_itself_is_refused():
    with pytest.raises(UserError, match="this corpus marks none"):
        mark_occurrences(loops.build_corpus("a b"))
    marks = (Mark("y", (1, 2)), Mark("y", (1,), 0))
    with pytest.raises(UserError, match="marks token 1 as target and as baseline of 'y'"):
        mark_occurrences(corpus_dataset([Sentence("d", ["a", "b", "c"], {}, marks)], None, None))


def test_magpie_has_the_uses_that_its_description_counts(real_data):
    found = mark_occurrences(read_corpus(str(real_data("idioms/magpie_dev.jsonl.gz"))))
    assert found.sizes["idiom"] == 1007
    literal, idiomatic = np.bincount(found.occurrence_value)
    split = 25  # sentences in which marked words are more than five others apart
    assert (literal + idiomatic, idiomatic >= 19_980, literal >= 6_460) == (26_440 + split, True, True)
