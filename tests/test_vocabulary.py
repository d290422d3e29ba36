"""The model's vocabulary: normalisation, look-up, digest, and how it is built from text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.errors import UserError
from lstm_analysis.vocabulary import BYTE_NAMES, Normalisation, Vocabulary, build_vocabulary

PENN = Normalisation(lower_case=True, number="N")


@pytest.mark.parametrize(
    "form", ["7", "1,250.5", "-3", "+0.5", "1990s", "21st", "2nd", "3rd", "14th", "10:30", "1/2", "1993-94"]
)
def test_numbers_have_one_name(form):
    expected = "1993-94" if form == "1993-94" else "N"
    assert PENN.apply(form) == expected


@pytest.mark.parametrize("form", ["", ".", "-", "st", "1a", "a1", "$5", "%"])
def test_what_is_no_number_keeps_its_name(form):
    assert PENN.apply(form) == form


def test_without_rules_a_form_stays_as_it_is():
    assert [Normalisation().apply(form) for form in ("1990", "Congress")] == ["1990", "Congress"]
    assert Normalisation(number="N").apply("Congress") == "Congress"


@given(st.text())
def test_normalising_twice_changes_nothing_more(form):
    rules = Normalisation(lower_case=True, number="<num>")
    assert rules.apply(rules.apply(form)) == rules.apply(form)


def test_encode_normalises_and_falls_back_to_the_unknown_symbol():
    vocabulary = Vocabulary(("<unk>", "</s>", "N", "the"), PENN)
    ids = vocabulary.encode(["The", "1,000", "</s>", "storm", "<unk>", "N"])
    assert ids.tolist() == [3, 2, 1, 0, 0, 2]
    assert ids.dtype == np.int32
    assert vocabulary.encode([]).tolist() == []


def test_special_symbols_are_exempt_from_lower_casing():
    vocabulary = Vocabulary(("<UNK>", "<EOS>", "a"), Normalisation(lower_case=True))
    assert vocabulary.encode(["<EOS>", "A", "b"]).tolist() == [1, 2, 0]
    assert (vocabulary.unknown, vocabulary.end_of_sentence) == (0, "<EOS>")


def test_the_vocabulary_s_own_symbols_are_exempt_from_lower_casing():
    vocabulary = Vocabulary(("*OOV*", "<E>", "<e>", "*oov*"), Normalisation(True, None, "*OOV*", "<E>"))
    assert vocabulary.encode(["<E>", "</s>", "<eos>", "*OOV*", "*Oov*", "<unk>"]).tolist() == [1, 1, 1, 0, 3, 0]
    assert (vocabulary.unknown, vocabulary.end_of_sentence) == (0, "<E>")
    with pytest.raises(UserError, match=r"The end symbol is to be '<E>', which is none of .*; did you mean '<e>'\?$"):
        Vocabulary(("<unk>", "<e>"), Normalisation(end_of_sentence="<E>"))


def test_the_name_of_numbers_in_the_text_is_theirs():
    assert [PENN.apply(form) for form in ("N", "n", "No")] == ["N", "n", "no"]
    assert build_vocabulary(["N", "25", "the", "N"], 9, PENN, None).tokens == ("<unk>", "N", "the")


def test_missing_tokens_without_an_unknown_symbol_are_named_once_each():
    with pytest.raises(UserError, match=r"of 2 tokens has no unknown symbol .*holds 2 distinct .*'x', 'y'\. Name"):
        Vocabulary(("a", "b")).encode(["x", "a", "y", "x"])


def test_a_vocabulary_without_special_symbols_says_so():
    vocabulary = Vocabulary(("a", "bc"))
    assert (vocabulary.unknown, vocabulary.end_of_sentence, len(vocabulary)) == (None, None, 2)


@pytest.mark.parametrize(
    ("tokens", "level"),
    [
        (("a", " ", "<unk>"), "char"),
        (("日", "", "  ", " ", "\n", "<pad>", "[UNK]"), "char"),
        (("a", "bc", " "), "word"),
        (("a", "\n", "<unk>"), "word"),
        (BYTE_NAMES, "byte"),
    ],
)
def test_level(tokens, level):
    assert Vocabulary(tokens).level == level
    assert Vocabulary(tokens, tokenizer="{}").level == "subword"


@pytest.mark.parametrize(
    ("tokens", "end"),
    [((" ", "\n"), "\n"), ((" ", "\n", "</s>"), "</s>"), ((" ", "a"), None), (("the", "\n"), None), (BYTE_NAMES, "\n")],
)
def test_the_end_symbol_of_characters_and_bytes_is_the_newline(tokens, end):
    vocabulary = Vocabulary(tokens)
    assert vocabulary.end_of_sentence == end
    if end is not None:
        assert vocabulary.index("</s>") == vocabulary.index("<eos>") == tokens.index(end)


def test_the_names_of_the_bytes_are_distinct_and_show_the_byte():
    assert len(set(BYTE_NAMES)) == 256
    assert [BYTE_NAMES[i] for i in (10, 32, 65, 126, 127, 0xE9)] == ["\n", " ", "A", "~", "<0x7F>", "<0xE9>"]


def test_the_unknown_symbol_can_be_named():
    vocabulary = Vocabulary(("a", "*", "<unk>"), Normalisation(unknown="*"))
    assert vocabulary.unknown == 1
    assert vocabulary.encode(["a", "b"]).tolist() == [0, 1]
    with pytest.raises(UserError, match=r"unknown symbol is to be '<unkn>', which is none .*did you mean '<unk>'\?$"):
        Vocabulary(("a", "<unk>"), Normalisation(unknown="<unkn>"))


def test_rows_that_a_tokenizer_never_uses_have_names():
    vocabulary = Vocabulary(("a", "b"), tokenizer="{}")
    assert vocabulary.with_rows(4).tokens == ("a", "b", "<unused 2>", "<unused 3>")
    assert vocabulary.with_rows(1) is vocabulary
    assert Vocabulary(("a", "b")).with_rows(4).tokens == ("a", "b")


def test_a_token_listed_twice_is_an_error():
    with pytest.raises(UserError, match="lists the token 'b' more than once"):
        Vocabulary(("a", "b", "c", "b"))


def test_the_digest_depends_on_tokens_their_order_and_the_rules():
    others = [
        Vocabulary(("a", "b")),
        Vocabulary(("b", "a")),
        Vocabulary(("ab",)),
        Vocabulary(("a", "b"), PENN),
        Vocabulary(("a", "b"), Normalisation(lower_case=True)),
        Vocabulary(("a", "b"), Normalisation(unknown="a")),
        Vocabulary(("a", "b"), Normalisation(end_of_sentence="a")),
        Vocabulary(("a", "b"), Normalisation(literals=True)),
        Vocabulary(("a", "b"), Normalisation(end_of_sentence="a", literals=True)),
        Vocabulary(("a", "b"), Normalisation(unknown="a", end_of_sentence="a")),
        Vocabulary(("a", "b"), tokenizer="{}"),
        Vocabulary(("a", "b"), tokenizer="{ }"),
    ]
    digests = {vocabulary.digest for vocabulary in others}
    assert len(digests) == len(others)
    assert Vocabulary(("a", "b")).digest in digests


def test_the_digest_of_words_is_what_it_was():
    expected = "e6340bf870272cec43b42ac5"
    assert Vocabulary(("a", "b"), PENN).digest[:24] == expected


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ('"a b"', "<string>"), ('""', "<string>"), ('"""\n a\n"""', "<string>"), ('"open', "<string>"),
        ("'a'", "<char>"), (r"'\''", "<char>"), ("0", "<number>"), ("0x1F_FL", "<number>"), (".5f", "<number>"),
        ("1e-5", "<number>"), ("N", "N"), ('"', '"'), ("'", "'"), ("'s", "'s"), ("x1", "x1"), (".", "."),
        ("...", "..."), ("_1", "_1"), ("Text", "text"), ("<string>", "<string>"),
    ],
)  # fmt: skip
def test_literals_are_looked_up_by_their_kind(form, name):
    assert Normalisation(lower_case=True, number="N", literals=True).apply(form) == name
    assert Normalisation(lower_case=True).apply(form) == form.lower()


def test_a_vocabulary_of_literals_is_built_from_their_kinds():
    vocabulary = build_vocabulary(['"a"', '"b"', "'c'", "1", "2", "3", "x"], 6, Normalisation(literals=True), None)
    assert vocabulary.tokens == ("<unk>", "<number>", "<string>", "<char>", "x")
    assert vocabulary.encode(['"z"', "'z'", "9", "z"]).tolist() == [2, 3, 1, 0]


def test_build_keeps_the_most_frequent_and_breaks_ties_by_name():
    text = ["b", "a", "B", "a", "1", "22", "333", "4", "c", "</s>", "</s>", "<unk>", "<unk>"]
    vocabulary = build_vocabulary(text, 5, PENN, "</s>")
    assert vocabulary.tokens == ("<unk>", "</s>", "N", "a", "b")
    assert build_vocabulary(reversed(text), 5, PENN, "</s>") == vocabulary
    assert vocabulary.normalisation is PENN
    assert build_vocabulary(["b", "a"], 9, Normalisation(), None).tokens == ("<unk>", "a", "b")


def test_build_takes_spellings_of_the_special_symbols_for_them():
    vocabulary = build_vocabulary(["<UNK>", "</S>", "a"], 9, PENN, "</s>")
    assert vocabulary.tokens == ("<unk>", "</s>", "a")
    assert vocabulary.encode(["<UNK>", "</S>"]).tolist() == [0, 1]


def test_build_needs_room_for_a_word():
    with pytest.raises(UserError, match="vocabulary of 2 tokens has no room"):
        build_vocabulary(["a"], 2, PENN, "</s>")


def test_every_name_of_the_end_symbol_is_read_as_the_models_own():
    vocabulary = Vocabulary(("<unk>", "<eos>", "a"))
    assert vocabulary.encode(["</s>", "<eos>", "a"]).tolist() == [1, 1, 2]


def test_words_for_a_character_model_are_explained():
    with pytest.raises(UserError, match=r"reads single characters .* no blank to join words .* among them 'word'"):
        Vocabulary(("a", "b")).encode(["a", "word"])


def test_build_keeps_an_end_symbol_that_is_no_usual_one():
    text = ["a", "<E>", "B", "<E>", "<e>"]
    vocabulary = build_vocabulary(text, 9, PENN, "<E>")
    assert vocabulary.tokens == ("<unk>", "<E>", "<e>", "a", "b")
    assert vocabulary.end_of_sentence == "<E>"
    assert vocabulary.encode(text).tolist() == [3, 1, 4, 1, 2]
    beside = build_vocabulary(["a", "</s>"], 9, PENN, "<eos>")
    assert (beside.tokens, beside.end_of_sentence) == (("<unk>", "<eos>", "</s>", "a"), "<eos>")
