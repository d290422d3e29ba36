"""Runs that a model made, out as a project and in again: words, and the characters of a model that reads those."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tiny import random_tensors, write_model, write_texts

import lstm_analysis as la
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.run import Run
from lstm_analysis.vocabulary import Vocabulary

CHARACTERS = Vocabulary((" ", "\n", "w", *"0123456789"))
STATES = ("hidden_state", "cell_state")


def read_back(run: Run, folder: Path) -> Run:
    """Return a run that was exported and imported again."""
    la.export_run(run, folder / "project", "lstmvis")
    return la.import_lstmvis(folder / "project", folder / "again")


@pytest.mark.parametrize("carry", ["document", "sentence"])
def test_words_with_documents_and_sentences(tmp_path: Path, carry: str) -> None:
    write_model(tmp_path / "model.safetensors")
    write_texts(tmp_path / "text", (60, 5, 100))
    corpus = la.read_corpus(str(tmp_path / "text" / "*.txt"))
    model = la.load_model(tmp_path / "model.safetensors")
    run = la.extract_activations(corpus, model, tmp_path / "run", carry=carry, shard_tokens=50)
    again = read_back(run, tmp_path)
    for name in STATES:
        np.testing.assert_array_equal(again.activations[name], run.activations[name])
    for name in ("type_id", "document", "sentence", "sentence_position", "sentence_length"):
        np.testing.assert_array_equal(again.corpus[name], run.corpus[name])
    for name in ("type", "document_name", "document_start"):
        assert again.corpus[name].values.tolist() == run.corpus[name].values.tolist()


def test_characters_are_the_words_of_a_model_that_reads_them(tmp_path: Path) -> None:
    save_weights(tmp_path / "m.safetensors", random_tensors(n_token=len(CHARACTERS)), CHARACTERS, {}, torch.float32)
    write_texts(tmp_path / "text", (40, 5))
    corpus = la.read_corpus(str(tmp_path / "text" / "*.txt"), end_of_sentence="\n")
    model = la.load_model(tmp_path / "m.safetensors")
    run = la.extract_activations(corpus, model, tmp_path / "run", unit="token")
    again = read_back(run, tmp_path)
    text = "".join(file.read_text() for file in sorted((tmp_path / "text").iterdir()))
    assert "".join(again.corpus["type"].values[again.corpus.type_id.values]) == text
    np.testing.assert_array_equal(again.corpus.token_id, run.corpus.token_id)
    np.testing.assert_array_equal(again.corpus.sentence, run.corpus.sentence)
    np.testing.assert_array_equal(again.activations.hidden_state, run.activations.hidden_state)
    config = yaml.safe_load((tmp_path / "project" / "lstm.yml").read_text())
    assert config["etc"]["regex_search"] is True
    lines = (tmp_path / "project" / "words.dict").read_text().split("\n")
    assert lines[:3] == [" \t1", "\\u000a\t2", "w\t3"]
