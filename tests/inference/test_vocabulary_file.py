"""Vocabularies of other kinds than words: from files, and inside our own."""

import dataclasses
import json
import subprocess

import pytest

from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model, save_model
from lstm_analysis.segmentation import segmenter
from lstm_analysis.vocabulary import BYTE_NAMES, Normalisation, Vocabulary


@pytest.fixture(scope="module")
def tokenizer() -> str:
    """Return the JSON of a tiny tokenizer of 30 tokens."""
    tokenizers = pytest.importorskip("tokenizers", reason="needs the package tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=30, special_tokens=["[UNK]"], show_progress=False)
    made.train_from_iterator(["the storm was in the red", "weather the storm"] * 5, trainer)
    assert made.get_vocab_size() == 30
    return made.to_str()


def test_a_tokenizer_file(network, save, write, tokenizer):
    path = save(network(n_token=30).state_dict(), vocab=None)
    model = load_model(path, write("tokenizer.json", tokenizer))
    assert model.vocabulary.level == "subword"
    assert len(segmenter(model.vocabulary).segment(["the", "weather"]).first) == 2


def test_an_embedding_may_have_more_rows_than_the_tokenizer(network, save, write, tokenizer):
    model = load_model(save(network(n_token=32).state_dict(), vocab=None), write("tokenizer.json", tokenizer))
    assert len(model.vocabulary) == 32
    assert model.vocabulary.tokens[-1] == "<unused 31>"


def test_but_not_fewer(network, save, write, tokenizer):
    path = save(network(n_token=20).state_dict(), vocab=None)
    with pytest.raises(UserError, match=r"vocabulary has 30 tokens, but the embedding of .* has 20 rows"):
        load_model(path, write("tokenizer.json", tokenizer))


def test_bytes(network, save):
    model = load_model(save(network(n_token=256).state_dict(), vocab=None), "bytes")
    assert model.vocabulary == Vocabulary(BYTE_NAMES)
    with pytest.raises(UserError, match=r"vocabulary has 256 tokens, but the embedding"):
        load_model(save(network().state_dict(), vocab=None), "bytes")


def test_the_unknown_symbol_can_be_named(network, save, write):
    path = save(network().state_dict(), vocab=tuple("abcdefghij "))
    model = load_model(path, unknown="j")
    assert model.vocabulary.encode(["a", "X"]).tolist() == [0, 9]
    assert load_model(path, write("v.json", json.dumps(list("abcdefghij "))), unknown="j").digest == model.digest
    with pytest.raises(UserError, match="unknown symbol is to be 'X', which is none"):
        load_model(path, unknown="X")


@pytest.mark.parametrize("rows", [30, 33])
@pytest.mark.parametrize("rules", [Normalisation(), Normalisation(lower_case=True, number="N", unknown="[UNK]")])
def test_a_model_of_ours_is_complete_in_itself(network, save, write, tokenizer, tmp_path, rows, rules):
    model = load_model(save(network(n_token=rows).state_dict(), vocab=None), write("tokenizer.json", tokenizer))
    model = dataclasses.replace(model, vocabulary=dataclasses.replace(model.vocabulary, normalisation=rules))
    save_model(model, tmp_path / "ours.safetensors")
    back = load_model(tmp_path / "ours.safetensors")
    assert back.vocabulary == model.vocabulary
    assert back.digest == model.digest
    words = ["the", "12", "Storm"]
    assert segmenter(back.vocabulary).segment(words) == segmenter(model.vocabulary).segment(words)


@pytest.mark.parametrize("vocabulary", [Vocabulary(BYTE_NAMES), Vocabulary((*map(chr, range(10, 265)), "<unk>"))])
def test_bytes_and_characters_survive_too(network, tmp_path, vocabulary):
    model = dataclasses.replace(network(n_token=256).language_model(), vocabulary=vocabulary)
    save_model(model, tmp_path / "ours.safetensors")
    back = load_model(tmp_path / "ours.safetensors")
    assert (back.vocabulary, back.vocabulary.level) == (vocabulary, vocabulary.level)
    assert back.digest == model.digest


@pytest.mark.parametrize(
    ("line", "column"),
    [("w{i} {n}", 1), ("w{i}\t{n}", 1), ("w{i}\t-{n}.5e-3", 1), ("{n} w{i}", 2), ("   {n} w{i}", 2), ("{i} {n}", 1)],
)
def test_words_with_their_counts_are_refused(network, save, write, tmp_path, line, column):
    path = save(network().state_dict(), vocab=None)
    file = write("counts.txt", "\n".join(line.format(i=i, n=1000 - i) for i in range(11)) + "\n")
    with pytest.raises(UserError, match=r"is a word and a number, as '.*\d.*', but one token a line") as refused:
        load_model(path, file)
    command = str(refused.value).partition("Cut the words out: ")[2]
    assert command == f"awk '{{print ${column}}}' counts.txt > counts-words.txt"
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert len(load_model(path, tmp_path / "counts-words.txt").vocabulary) == 11


def test_tokens_with_blanks_are_no_counts(network, save, write):
    tokens = ["New York", "catch 22", *(f"w{i}" for i in range(9))]
    path = save(network().state_dict(), vocab=None)
    assert load_model(path, write("v.txt", "\n".join(tokens))).vocabulary.tokens == tuple(tokens)


def test_other_formats_are_refused(network, save, write):
    path = save(network().state_dict(), vocab=None)
    with pytest.raises(
        UserError, match=r"is a SentencePiece model, which is not read\. Convert it to a tokenizer\.json"
    ):
        load_model(path, write("spiece.model", b"\n\xff\xfe\x00"))
    pytest.importorskip("tokenizers", reason="needs the package tokenizers")
    with pytest.raises(UserError, match=r"is not understood as a Hugging Face tokenizer"):
        load_model(path, write("tokenizer.json", '{"model": {"type": "New"}}'))
