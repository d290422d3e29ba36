"""The trained character models read words: in pieces, summed up to words again."""

import numpy as np
import pytest

from lstm_analysis.corpus import Sentence, add_pieces, read_sentences
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.inference.readout import read_out, sum_surprisal

PUBLISHED = {"darwin": 3.29, "charlotte_bronte": 3.54, "zora_neale_hurston": 4.18, "shakespeare": 4.48}
AUTHORS = [pytest.param(name, marks=() if name == "darwin" else pytest.mark.slow) for name in PUBLISHED]
N_WORD = 6_000


@pytest.fixture(scope="module")
def sentences(real_data) -> list[Sentence]:
    """Return the first 6,000 tokens of a corpus, as one document."""
    found, left = [], N_WORD
    for sentence in read_sentences("tsv", [str(real_data("english/gum_open.tsv.gz"))]):
        found.append(Sentence("d", sentence.tokens[:left]))
        left -= len(found[-1].tokens)
        if not left:
            return found
    raise AssertionError("the corpus is too short")


def kept(sentences: list[Sentence], known: set[str]) -> list[Sentence]:
    """Return the sentences without the characters that a model does not know."""
    found = []
    for sentence in sentences:
        words = ["".join(character for character in word if character in known) for word in sentence.tokens]
        found.append(Sentence("d", [word for word in words if word]))
    return [sentence for sentence in found if sentence.tokens]


@pytest.mark.parametrize("author", AUTHORS)
def test_a_character_model_reads_words(real_data, sentences, author):
    model = load_model(real_data(f"models/char_{author}_2x128.pt"))
    known = kept(sentences, set(model.vocabulary.tokens))
    corpus = corpus_dataset(known, model.vocabulary.end_of_sentence, None)
    words, tokens = (add_pieces(corpus, model.vocabulary, unit) for unit in ("word", "token"))
    ids = words.piece_id.values
    np.testing.assert_array_equal(tokens.token_id.values, ids)
    text = "\n".join(" ".join(sentence.tokens) for sentence in known) + "\n"
    np.testing.assert_array_equal(ids, model.vocabulary.encode(list(text)))
    bits = np.empty(len(ids), np.float32)
    hidden = np.empty((len(ids), model.n_layer, model.n_neuron), np.float32)
    StreamReader(model).read([Stream(ids)], {"hidden": hidden}, bits)
    mean = float(np.nanmean(bits.astype(np.float64)))
    # Words of unknown characters alone leave no second blank here, which costs the models many bits.
    assert PUBLISHED[author] - 0.25 < mean < PUBLISHED[author] + 0.015

    first, last = words.piece_first.values, words.piece_last.values
    by_word = sum_surprisal(bits, first, last)
    assert np.isnan(by_word[0])
    loop = np.bincount(tokens.word.values, weights=np.nan_to_num(bits).astype(np.float64))
    np.testing.assert_allclose(by_word[1:], loop[1:], rtol=1e-6)
    assert by_word[1:].astype(np.float64).sum() == pytest.approx(bits[last[0] + 1 :].astype(np.float64).sum(), rel=1e-5)

    ends = np.flatnonzero(np.diff(tokens.word.values, append=-1))
    np.testing.assert_array_equal(read_out(hidden, first, last, "last"), hidden[ends])


def test_characters_that_a_model_lacks_need_a_name_for_the_unknown(real_data, sentences):
    path = real_data("models/char_darwin_2x128.pt")
    corpus = corpus_dataset(sentences, "\n", None)
    with pytest.raises(UserError, match=r"has no unknown symbol .* model\.unknown"):
        add_pieces(corpus, load_model(path).vocabulary)
    assert add_pieces(corpus, load_model(path, unknown="_").vocabulary).sizes["time"] == corpus.sizes["time"]
