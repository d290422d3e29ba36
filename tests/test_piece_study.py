"""A whole study of a model that reads characters: a row a word, and a row a character."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import random_tensors, write_study, write_texts

from lstm_analysis import study
from lstm_analysis.config import load_study
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.report.evidence import gather_evidence, shown_in_full
from lstm_analysis.report.headline import headline
from lstm_analysis.report.material import gather
from lstm_analysis.report.scale import leading_scale
from lstm_analysis.run import Run
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import Vocabulary

CHARACTERS = Vocabulary((" ", "\n", "w", *"0123456789"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("pieces")
    file = write_study(folder)
    tensors = random_tensors(n_token=len(CHARACTERS))
    save_weights(folder / "model.safetensors", tensors, CHARACTERS, {}, torch.float32)
    shutil.rmtree(folder / "text")
    write_texts(folder / "text", (60, 5, 40))
    settings = {
        "word": ["inference.shard_tokens=50"],
        "mean": ["inference.shard_tokens=1000", "inference.readout=mean"],
        "token": ["inference.shard_tokens=150", "corpus.unit=token"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "write_report", short_report)
        return {
            name: run_study(load_study(file, keys), folder / name, in_process=True) for name, keys in settings.items()
        }


def short_report(run: Run) -> None:
    """Put the passages alone into the place of the page."""
    material = gather(run)
    scale = leading_scale(material.scores)
    evidence = gather_evidence(material, shown_in_full(headline(material.scores, scale)))
    (run.path / "report.html").write_text(repr(evidence))


def test_both_units_read_the_same_text(runs: dict[str, Run]) -> None:
    words, tokens = runs["word"].corpus, runs["token"].corpus
    np.testing.assert_array_equal(words.piece_id.values, tokens.token_id.values)
    folder = Path(runs["word"].path.parent) / "text"
    text = "".join(file.read_text() for file in sorted(folder.iterdir()))
    assert "".join(CHARACTERS.tokens[i] for i in words.piece_id.values) == text
    assert runs["word"].facts["corpus"]["end_of_sentence"] == "\n"


def test_the_states_of_a_word_are_those_after_its_last_character(runs: dict[str, Run]) -> None:
    ends = np.flatnonzero(np.diff(runs["token"].corpus.word.values, append=-1))
    for name in ("hidden_state", "cell_state"):
        by_word, by_token = (runs[unit].activations[name].values for unit in ("word", "token"))
        np.testing.assert_allclose(by_word, by_token[ends], rtol=0, atol=2e-6)


def test_the_mean_is_that_of_its_characters(runs: dict[str, Run]) -> None:
    word, hidden = runs["token"].corpus.word.values, runs["token"].activations.hidden_state.values
    total = np.zeros((word[-1] + 1, *hidden.shape[1:]))
    np.add.at(total, word, hidden.astype(np.float64))
    expected = total / np.bincount(word)[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(runs["mean"].activations.hidden_state.values, expected, rtol=0, atol=2e-6)


def test_the_surprisal_of_a_word_is_the_sum_over_its_characters(runs: dict[str, Run]) -> None:
    word, bits = runs["token"].corpus.word.values, runs["token"].activations.surprisal.values
    expected = np.bincount(word, weights=np.nan_to_num(bits))
    first = runs["word"].corpus.document_start.values
    found = runs["word"].activations.surprisal.values
    assert np.flatnonzero(np.isnan(found)).tolist() == first.tolist()
    np.testing.assert_allclose(np.delete(found, first), np.delete(expected, first), rtol=1e-5)


def test_a_token_has_the_labels_of_its_word(runs: dict[str, Run]) -> None:
    by_word, by_token = (runs[unit].labels.label.values for unit in ("word", "token"))
    np.testing.assert_array_equal(by_token, by_word[runs["token"].corpus.word.values])
    np.testing.assert_array_equal(runs["token"].activations.word.values, runs["token"].corpus.word.values)


def test_the_report_shows_what_a_row_is(runs: dict[str, Run]) -> None:
    by_word, by_token = ((runs[unit].path / "report.html").read_text() for unit in ("word", "token"))
    assert "word='w1" in by_word
    assert "␣" in by_token
    assert "↵" in by_token
    assert "␣" not in by_word
