"""Words to characters and bytes, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis import segmentation
from lstm_analysis.errors import UserError
from lstm_analysis.segmentation import segmenter
from lstm_analysis.vocabulary import BYTE_NAMES, Normalisation, Vocabulary

CHARACTERS = Vocabulary((" ", "\n", "a", "b", "é", "<unk>"))
BYTES = Vocabulary(BYTE_NAMES)


def text(vocabulary: Vocabulary, ids: list[int]) -> str:
    return "".join(vocabulary.tokens[i] for i in ids)


def test_a_vocabulary_of_words_is_not_cut():
    assert segmenter(Vocabulary(("the", "<unk>"))) is None


def test_the_blank_belongs_to_the_word_after_it():
    pieces = segmenter(CHARACTERS).segment(["ab", "é", "ba", "\n"])
    assert text(CHARACTERS, pieces.ids) == "ab é ba\n"
    assert (pieces.first, pieces.last) == ([0, 2, 4, 7], [1, 3, 6, 7])
    assert pieces.words == [0, 0, 1, 1, 2, 2, 2, 3]


def test_a_text_goes_on_with_a_blank_but_not_after_an_end_symbol():
    cut = segmenter(CHARACTERS)
    assert text(CHARACTERS, cut.segment(["a", "b"], goes_on=True).ids) == " a b"
    assert cut.segment(["a"]).goes_on
    ended = cut.segment(["a", "</s>"])
    assert text(CHARACTERS, ended.ids) == "a\n"
    assert not ended.goes_on
    assert text(CHARACTERS, cut.segment(["<eos>", "a", "</s>", "b"], goes_on=True).ids) == "\na\nb"


def test_what_is_kept_of_a_long_text_is_bounded(monkeypatch):
    words, before = ["ab", "a", "b", "ab", "\n"] * 3, ["", " ", "  ", " ", ""] * 3
    expected = segmenter(CHARACTERS).segment_exactly(words, before)
    monkeypatch.setattr(segmentation, "MOST_KEPT", 2)
    cut = segmenter(CHARACTERS)
    assert cut.segment_exactly(words, before) == expected
    assert text(CHARACTERS, expected.ids) == "ab a  b ab\n" * 3
    assert len(cut._kept) <= 2


def test_no_words_have_no_pieces():
    assert segmenter(CHARACTERS).segment([], goes_on=True) == ([], [], [], True)


def test_bytes_are_those_of_utf_8():
    pieces = segmenter(BYTES).segment(["né", "日"], goes_on=True)
    assert bytes(pieces.ids) == " né 日".encode()
    assert (pieces.first, pieces.last) == ([0, 4], [3, 7])


@pytest.mark.parametrize("vocabulary", [CHARACTERS, BYTES], ids=["characters", "bytes"])
@given(words=st.lists(st.text("abé", min_size=1), max_size=6), goes_on=st.booleans())
def test_every_piece_is_one_of_one_word_and_nothing_is_lost(vocabulary, words, goes_on):
    cut = segmenter(vocabulary)
    pieces = cut.segment(words, goes_on)
    expected = " ".join(words) if not goes_on or not words else " " + " ".join(words)
    assert pieces.ids == (
        list(expected.encode()) if vocabulary is BYTES else vocabulary.encode(list(expected)).tolist()
    )
    assert pieces.first == [0, *(i + 1 for i in pieces.last[:-1])][: len(words)]
    assert (pieces.last[-1:] or [-1]) == [len(pieces.ids) - 1]
    assert cut.segment(words, goes_on) == pieces


def test_unknown_characters_are_the_unknown_symbol_or_an_error():
    assert segmenter(CHARACTERS).segment(["aX"]).ids == [2, 5]
    with pytest.raises(
        UserError, match=r"no unknown symbol.*lacks, among them 'X', 'Y'\. Name the token .*model\.unknown"
    ):
        segmenter(Vocabulary((" ", "a"))).segment(["aXY"])
    named = Vocabulary((" ", "a", "_"), Normalisation(unknown="_"))
    assert segmenter(named).segment(["aXY"]).ids == [1, 2, 2]


def test_words_are_normalised_first():
    lower = Vocabulary((" ", "a", "b"), Normalisation(lower_case=True))
    assert segmenter(lower).segment(["AB", "b"]).ids == [1, 2, 0, 2]
    assert bytes(segmenter(Vocabulary(BYTE_NAMES, lower.normalisation)).segment(["AB"]).ids) == b"ab"


@pytest.mark.parametrize("word", ["", " ", "a ", "\n", " a"])
def test_a_word_that_cannot_be_joined_is_refused(word):
    cut = segmenter(Vocabulary((" ", "a")))
    with pytest.raises(UserError, match=r"cannot be empty or begin or end with a blank.*corpus\.unit: token"):
        cut.segment(["a", word])


def test_a_blank_inside_a_word_is_part_of_it():
    pieces = segmenter(CHARACTERS).segment(["a b", "a"])
    assert (pieces.first, pieces.last) == ([0, 3], [2, 4])


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(UserError, match=r"'a\\ud800' .* surrogate pair at character 1"):
        segmenter(BYTES).segment(["a\ud800"])


def test_an_end_symbol_that_the_vocabulary_lacks_is_refused():
    with pytest.raises(
        UserError, match=r"end symbol '</s>', but the model's vocabulary has none.*end_of_sentence: null"
    ):
        segmenter(Vocabulary((" ", "a"))).segment(["a", "</s>"])
