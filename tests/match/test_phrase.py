"""Phrases in a corpus whose tokens are pieces of words, and their nearest ones."""

import numpy as np
import pytest
import xarray as xr

from lstm_analysis.errors import UserError
from lstm_analysis.match import phrase
from lstm_analysis.match.phrase import find_phrase

WORDS = ["In", "the", "red", ".", "in", "the", "Red", "sea", ".", "the", "blue", "sea", "."]
SENTENCE = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2]


def corpus_of_words() -> xr.Dataset:
    types = sorted(set(WORDS))
    codes = [types.index(word) for word in WORDS]
    return xr.Dataset({"type_id": ("time", codes), "sentence": ("time", SENTENCE)}, {"type": np.array(types, object)})


def test_a_phrase_is_found_whatever_its_case() -> None:
    start, stop = find_phrase(corpus_of_words(), "In The RED")
    assert (start.tolist(), stop.tolist()) == ([0, 4], [3, 7])


def test_it_does_not_go_over_the_end_of_a_sentence() -> None:
    assert find_phrase(corpus_of_words(), ". ")[0].tolist() == [3, 8, 12]
    with pytest.raises(UserError, match="inside one sentence"):
        find_phrase(corpus_of_words(), ". in")


def test_of_pieces_all_those_of_its_words_are_given() -> None:
    words = corpus_of_words()
    columns = {f"word_{name}": ("corpus_word", words[name].values) for name in ("type_id", "sentence")}
    word = [0, 0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 11, 12]
    pieces = xr.Dataset(columns | {"word": ("time", word)}, {"type": words["type"].values})
    start, stop = find_phrase(pieces, "the red")
    assert (start.tolist(), stop.tolist()) == ([2, 8], [6, 11])


@pytest.mark.parametrize("slab", [1 << 18, 2])
def test_the_nearest_phrases_agree_in_most_words(monkeypatch: pytest.MonkeyPatch, slab: int) -> None:
    monkeypatch.setattr(phrase, "SLAB", slab)
    with pytest.raises(UserError) as refusal:
        find_phrase(corpus_of_words(), "the blue seaa")
    assert str(refusal.value) == (
        "The phrase 'the blue seaa' does not stand in the corpus inside one sentence. Words that it does not have: "
        "'seaa' (near are sea). The nearest phrases: 'the blue sea' (1)."
    )
    with pytest.raises(UserError, match=r"The nearest phrases: 'the Red sea' \(1\), 'the blue sea' \(1\)\.$"):
        find_phrase(corpus_of_words(), "the green sea")


def test_a_phrase_longer_than_the_corpus_is_nowhere() -> None:
    with pytest.raises(UserError, match=r"does not stand in the corpus.*Check its spelling"):
        find_phrase(corpus_of_words(), " ".join(["the"] * 40))
