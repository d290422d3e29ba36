"""Columns of numbers, and characters with the white space between words, from a reader to the corpus store."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from corpus.test_parts import Corpus
from hypothesis import given, settings
from hypothesis import strategies as st
from sequential_corpus import SequentialBuilder

from lstm_analysis.corpus import READERS as KNOWN
from lstm_analysis.corpus import CorpusBuilder, PieceColumns, Sentence
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.reader import Reader
from lstm_analysis.errors import UserError
from lstm_analysis.schema import MISSING
from lstm_analysis.segmentation import segmenter
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

BYTES = Vocabulary(BYTE_NAMES)


def read_numbered(text, names):
    """Yield a sentence a line whose tokens know their length and, if it is even, their place."""
    for line in text.lines():
        tokens = line.split()
        if tokens:
            place = [i if i % 2 == 0 else MISSING for i in range(len(tokens))]
            yield Sentence(text.name, tokens, numbers={"size": [len(token) for token in tokens], "place": place})


def read_exactly(text, names):
    """Yield each line with all its characters."""
    for sentence in read_numbered(text, names):
        n = len(sentence.tokens)
        numbers = {name: [*values, MISSING] for name, values in sentence.numbers.items()}
        yield replace(sentence, tokens=[*sentence.tokens, "\n"], numbers=numbers, before=["\t", *["  "] * n])


@pytest.fixture
def readers(monkeypatch, tmp_path):
    monkeypatch.setitem(KNOWN, "numbered", Reader(read_numbered, cut="line"))
    monkeypatch.setitem(KNOWN, "exact", Reader(read_exactly, cut="line"))
    for name in "ab":
        lines = (" ".join("w" * (1 + (i * j) % 5) for j in range(i % 7)) for i in range(30))
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr("lstm_analysis.tasks.corpus.open_segmenter", lambda *_: segmenter(BYTES))
    return [str(tmp_path / name) for name in "ab"]


@pytest.mark.parametrize("part_bytes", [90])
@pytest.mark.parametrize(("format", "vocabulary", "unit"), [
    ("numbered", Vocabulary(("<unk>", "</s>", "w", "ww")), "word"), ("numbered", BYTES, "word"),
    ("numbered", BYTES, "token"), ("exact", BYTES, "token"),
])  # fmt: skip
def test_in_parts_as_in_sequence(tmp_path, readers, format, vocabulary, unit, part_bytes):
    end = None if vocabulary is BYTES else "</s>"
    corpus = Corpus(tmp_path, format, readers, vocabulary, unit, end)
    counts, files = corpus.sequentially()
    found, same, _ = corpus.in_parts(part_bytes, shuffle=part_bytes)
    assert found == counts
    assert same == files
    stored = xr.open_zarr(tmp_path / "parts.zarr", consolidated=False)
    assert stored["size"].dims == ("time",)
    assert stored["size"].dtype == np.int32


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(-1, 2**31 - 1), min_size=1, max_size=5), min_size=1, max_size=5),
       st.none() | st.just("</s>"), st.integers(1, 9))  # fmt: skip
def test_numbers_are_those_of_the_sentences(sentences, end, rows):
    given = [Sentence("d", ["w"] * len(values), numbers={"n": values}) for values in sentences]
    expected = [x for values in sentences for x in (*values, *([MISSING] if end else []))]
    for builder in (CorpusBuilder(end), SequentialBuilder(end)):
        blocks = list(builder.blocks(given, rows))
        assert np.concatenate([block["n"].values for block in blocks]).tolist() == expected


def test_all_characters_are_kept():
    lines = [["  if", " (x", ")", " \n"], ["\n"], ["\t\x0cé", "  \n"]]
    words = [[part.strip(" \t\x0c") for part in line] for line in lines]
    before = [[part[: len(part) - len(word)] for part, word in zip(*pair, strict=True)]
              for pair in zip(lines, words, strict=True)]  # fmt: skip
    sentences = [Sentence("d", w, before=b, numbers={"n": range(len(w))}) for w, b in zip(words, before, strict=True)]
    builder = CorpusBuilder(None, None, PieceColumns(segmenter(BYTES), "token"))
    (block,) = builder.blocks(sentences, 1000)
    text = "".join("".join(line) for line in lines)
    assert bytes(block["token_id"].values.astype(np.uint8)).decode() == text
    assert block["n"].values[:8].tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    assert block["sentence_position"].values.tolist()[:10] == [*range(10)]


def test_all_sentences_have_the_same_numbers():
    with pytest.raises(UserError, match="columns"):
        corpus_dataset([Sentence("d", ["a"], numbers={"n": [1]}), Sentence("d", ["a"])], None, None)
    with pytest.raises(UserError, match="columns"):
        corpus_dataset([Sentence("d", ["a"]), Sentence("d", ["a"], numbers={"n": [1]})], None, None)


@pytest.mark.parametrize("name", ["sentence", "time", "pos", "pos_id", "token_id"])
def test_names_that_are_taken(name):
    with pytest.raises(UserError, match=f"'{name}'"):
        corpus_dataset([Sentence("d", ["a"], {"pos": ["N"]}, numbers={name: [1]})], None, None)


def test_a_tokenizer_cannot_spell():
    from lstm_analysis.segmentation import require_speller

    with pytest.raises(UserError, match="character by character"):
        require_speller(object())
