"""Tokenizers of Hugging Face: tiny ones, trained here."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.errors import UserError
from lstm_analysis.hugging_face import align, tokenizer_vocabulary
from lstm_analysis.segmentation import segmenter
from lstm_analysis.vocabulary import Normalisation, Vocabulary

tokenizers = pytest.importorskip("tokenizers", reason="needs the package tokenizers")
from tokenizers import models, normalizers, pre_tokenizers, trainers  # noqa: E402

TEXT = ["the storm was in the red", "they weather the storm and the storm weathers them", "break even, in the end"] * 9
ALPHABET = pre_tokenizers.ByteLevel.alphabet()


def byte_level(**options) -> str:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, **options)
    return trained(tokenizer, trainers.BpeTrainer(vocab_size=300, initial_alphabet=ALPHABET, show_progress=False,
                                                  special_tokens=["<|endoftext|>"]))  # fmt: skip


def word_piece() -> str:
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[UNK]", "[SEP]"]
    return trained(tokenizer, trainers.WordPieceTrainer(vocab_size=60, special_tokens=special, show_progress=False))


def unigram() -> str:
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", "</s>"]
    return trained(tokenizer, trainers.UnigramTrainer(vocab_size=60, unk_token="<unk>", special_tokens=special,
                                                      show_progress=False))  # fmt: skip


def across_words() -> str:
    """A tokenizer whose pieces can hold the end of a word, a blank and the beginning of the next."""
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
    return trained(tokenizer, trainers.BpeTrainer(vocab_size=90, special_tokens=["<unk>"], show_progress=False))


def trained(tokenizer, trainer) -> str:
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer.to_str()


KINDS = {"byte_level": byte_level, "word_piece": word_piece, "unigram": unigram, "across_words": across_words}


@pytest.fixture(scope="module", params=KINDS)
def vocabulary(request) -> Vocabulary:
    return tokenizer_vocabulary(KINDS[request.param](), Normalisation(), "The vocabulary")


def crosses_words(vocabulary: Vocabulary) -> bool:
    return any(" " in token for token in vocabulary.tokens)


def cover(vocabulary: Vocabulary, words: list[str]) -> tuple[list[int], list[str]]:
    """Return the rows of some words, and for each word the names of its pieces put together."""
    pieces = segmenter(vocabulary).segment(words)
    names = [vocabulary.tokens[i].removeprefix("##") for i in pieces.ids]
    return pieces.ids, [
        "".join(names[a : b + 1]).replace("Ġ", " ").replace("▁", " ").strip()
        for a, b in zip(pieces.first, pieces.last, strict=True)
    ]


def test_the_rows_are_the_tokens_in_their_order(vocabulary):
    rows = tokenizers.Tokenizer.from_str(vocabulary.tokenizer).get_vocab()
    assert {name: i for i, name in enumerate(vocabulary.tokens)} == rows
    assert vocabulary.level == "subword"


def test_the_pieces_are_those_of_the_whole_text(vocabulary):
    words = TEXT[1].split()
    ids, covered = cover(vocabulary, words)
    assert ids == tokenizers.Tokenizer.from_str(vocabulary.tokenizer).encode(TEXT[1], add_special_tokens=False).ids
    if not crosses_words(vocabulary):
        assert covered == words
    else:
        assert all(word in found for word, found in zip(words, covered, strict=True))


def test_sentences_of_a_document_are_one_running_text(vocabulary):
    cut = segmenter(vocabulary)
    whole = tokenizers.Tokenizer.from_str(vocabulary.tokenizer).encode(" ".join(TEXT[:2]), add_special_tokens=False)
    first = cut.segment(TEXT[0].split())
    second = cut.segment(TEXT[1].split(), first.goes_on)
    if not crosses_words(vocabulary):
        assert first.ids + second.ids == whole.ids
    else:
        assert "".join(vocabulary.tokens[i] for i in first.ids + second.ids) == " ".join(TEXT[:2])


@given(words=st.lists(st.text("astormé日😀", min_size=1, max_size=6), min_size=1, max_size=5), goes_on=st.booleans())
@pytest.mark.parametrize("kind", KINDS)
def test_every_piece_is_one_of_a_word_and_every_word_has_one(kind, words, goes_on):
    pieces = CUTS[kind].segment(words, goes_on)
    first, last = np.array(pieces.first), np.array(pieces.last)
    assert len(first) == len(last) == len(words)
    assert (first[0], last[-1]) == (0, len(pieces.ids) - 1)
    assert (first <= last).all()
    assert ((first[1:] - last[:-1] == 1) | (kind == "across_words")).all()
    assert (np.diff(first) >= 0).all()
    assert (first[1:] - last[:-1] <= 1).all()
    assert pieces.words == sorted(pieces.words)


CUTS = {name: segmenter(tokenizer_vocabulary(make(), Normalisation(), "It")) for name, make in KINDS.items()}


def test_a_piece_of_two_words_is_one_of_both():
    text = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "unk_token": "<unk>", "merges": [],
            "vocab": {"<unk>": 0}}}  # fmt: skip
    names = ["a", "b", " ", "b ", "b a", "a "]
    text["model"]["vocab"] |= {name: i for i, name in enumerate(names, 1)}
    text["model"]["merges"] = [["b", " "], ["b ", "a"]]
    vocabulary = tokenizer_vocabulary(json.dumps(text), Normalisation(), "It")
    pieces = segmenter(vocabulary).segment(["ab", "ab", "b", "a"])
    assert [vocabulary.tokens[i] for i in pieces.ids] == ["a", "b a", "b ", "b a"]
    assert (pieces.first, pieces.last) == ([0, 1, 3, 3], [1, 2, 3, 3])
    assert pieces.words == [0, 1, 1, 3]


@pytest.mark.parametrize(
    ("offsets", "stops", "expected"),
    [
        ([(0, 1), (2, 2), (2, 3)], [1, 3], ([0, 1], [0, 2])),  # a blank of its own, trimmed away
        ([(0, 1), (1, 2), (2, 3)], [1, 3], ([0, 1], [0, 2])),  # the same, not trimmed
        ([(0, 2), (2, 3)], [1, 3], ([0, 1], [0, 1])),  # the blank at the end of the piece before it
        ([(0, 3)], [1, 3], ([0, 0], [0, 0])),
        ([(0, 1), (0, 1), (1, 3), (1, 3)], [1, 3], ([0, 2], [1, 3])),  # bytes of one character
        ([(0, 1), (4, 5)], [1, 3, 5], ([0, 1, 1], [0, 0, 1])),  # nothing for the second word
        ([(2, 3), (3, 3)], [1, 3], ([0, 0], [-1, 1])),  # nothing for the first, something more at the end
    ],
)
def test_alignment(offsets, stops, expected):
    first, last = align(offsets, stops)
    assert (first.tolist(), last.tolist()) == expected


def test_a_word_that_the_tokenizer_drops_is_the_unknown_symbol():
    vocabulary = tokenizer_vocabulary(word_piece(), Normalisation(), "It")
    pieces = segmenter(vocabulary).segment(["\u200b", "the", "\u200b", "\u200b", "storm", "\u200b"])
    assert [vocabulary.tokens[i] for i in pieces.ids] == ["[UNK]", "the", "[UNK]", "[UNK]", "storm", "[UNK]"]
    assert pieces.first == pieces.last == [0, 1, 2, 3, 4, 5]


def test_it_is_an_error_where_there_is_no_unknown_symbol():
    tokenizer = tokenizers.Tokenizer.from_str(byte_level())
    tokenizer.normalizer = normalizers.BertNormalizer()
    vocabulary = tokenizer_vocabulary(tokenizer.to_str(), Normalisation(), "It")
    with pytest.raises(UserError, match=r"makes nothing of the word '\\u200b', .*model\.unknown"):
        segmenter(vocabulary).segment(["\u200b", "the"])


def test_a_tokenizer_that_drops_characters_is_refused():
    tokenizer = tokenizers.Tokenizer(models.BPE())
    vocabulary = tokenizer_vocabulary(
        trained(tokenizer, trainers.BpeTrainer(show_progress=False)), Normalisation(), "It"
    )
    assert segmenter(vocabulary).segment(["the", "red"]).first[1] > 0
    with pytest.raises(UserError, match=r"drops the character 'Ω'.* no unknown symbol"):
        segmenter(vocabulary).segment(["the", "Ωred"])


@pytest.mark.parametrize(("kind", "end"), [(byte_level, "<|endoftext|>"), (word_piece, "[SEP]"), (unigram, "</s>")])
def test_special_tokens_come_alone_and_only_if_asked_for(kind, end):
    vocabulary = tokenizer_vocabulary(kind(), Normalisation(), "It")
    cut = segmenter(vocabulary)
    plain, ended = cut.segment(["the", "storm"]), cut.segment(["the", "storm", end])
    assert vocabulary.index(end) not in plain.ids
    assert ended == ([*plain.ids, vocabulary.index(end)], [*plain.first, len(plain.ids)], [*plain.last, len(plain.ids)],
                     False)  # fmt: skip


def test_an_end_symbol_that_the_tokenizer_lacks_is_refused():
    with pytest.raises(UserError, match="end symbol '</s>', but the model's vocabulary has none"):
        CUTS["byte_level"].segment(["the", "</s>"])


def test_a_file_that_cuts_off_long_texts_does_not_do_it_here():
    tokenizer = tokenizers.Tokenizer.from_str(word_piece())
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=50)
    vocabulary = tokenizer_vocabulary(tokenizer.to_str(), Normalisation(), "It")
    assert len(segmenter(vocabulary).segment(["the"] * 20).ids) == 20


def test_indices_without_a_token_have_names():
    text = json.loads(word_piece())
    text["model"]["vocab"]["late"] = 70
    vocabulary = tokenizer_vocabulary(json.dumps(text), Normalisation(), "It")
    assert len(vocabulary) == 71
    assert vocabulary.tokens[-2:] == ("<unused 69>", "late")


@pytest.mark.parametrize("text", ["{}", '{"model": {}}', '{"model": {"type": "Other"}}'])
def test_another_format_is_refused(text):
    with pytest.raises(
        UserError, match=r"The vocabulary v\.json is not understood as a Hugging Face tokenizer .*Save it"
    ):
        tokenizer_vocabulary(text, Normalisation(), "The vocabulary v.json")


def test_a_tokenizer_that_fails_at_a_text_is_explained():
    tokenizer = tokenizers.Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="?"))
    vocabulary = tokenizer_vocabulary(tokenizer.to_str(), Normalisation(), "It")
    with pytest.raises(UserError, match=r"tokenizer fails at 'a b' \(.*\)\. "):
        segmenter(vocabulary)


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UserError, match=r"needs the package tokenizers: pip install 'lstm-analysis\[tokenizers\]'"):
        tokenizer_vocabulary("{}", Normalisation(), "It")


@pytest.mark.parametrize("word", ["", " ", "a ", "a\ud800"])
def test_words_that_are_no_text_are_refused(word):
    with pytest.raises(UserError, match=r"cannot be empty|half a surrogate"):
        CUTS["byte_level"].segment(["the", word])
