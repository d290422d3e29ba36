"""Whole studies of characters: a text read exactly, planted neurons found, a model trained and read."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from command import call, expect_paragraph
from planted_characters import LETTERS, VOCABULARY, PlantedCharacters, planted_characters, write_lines
from tiny import random_tensors, write_study

import lstm_analysis as la
from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.corpus import read_corpus
from lstm_analysis.inference.checkpoints import load_model, save_model
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.run import Run
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

ROOT = Path(__file__).parents[1]
FOUND = {  # concept: the planted neuron that answers to it
    "inside quotes": "quote", "inside brackets": "bracket_depth", "line start": "line_position",
    "white space": "white",
}  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> PlantedCharacters:
    return planted_characters(0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, truth: PlantedCharacters) -> Run:
    folder = tmp_path_factory.mktemp("planted")
    save_model(truth.model, folder / "model.safetensors")
    write_lines(folder / "text", 0)
    study = {
        "name": "planted", "corpus": {"format": "text", "level": "char", "path": "text/*.txt"},
        "model": {"checkpoint": "model.safetensors"}, "inference": {"shard_tokens": 5000, "states": ["hidden"]},
        "concepts": [{"source": "characters", "line": 3}], "selectivity": {"draws": 199, "twin": None},
        "analyses": ["sentence_position"],
    }  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        return run_study(load_study(folder / "study.yaml"), folder / "run", in_process=True)


def text_of(run: Run) -> str:
    return "".join(run.corpus["token_name"].values[run.corpus["token_id"].values])


def test_the_corpus_is_the_text(run: Run) -> None:
    files = sorted((run.path.parent / "text").iterdir())
    assert text_of(run) == "".join(file.read_text() for file in files)
    assert run.facts["corpus"]["end_of_sentence"] == "\n"
    assert run.facts["corpus"]["n_sentence"] == text_of(run).count("\n")


@pytest.mark.parametrize("concept", FOUND)
def test_the_planted_neuron_is_found_and_no_decoy(run: Run, truth: PlantedCharacters, concept: str) -> None:
    scores = run.selectivity.sel(concept=concept)
    strength = np.nan_to_num(abs(scores["auroc"].values[0] - 0.5))
    planted = truth.planted[FOUND[concept]]
    assert strength.argmax() == planted
    assert strength[planted] > 0.46
    assert float(scores["p_fwer"][0, planted]) <= 0.05
    if concept.startswith("inside"):
        others = [*truth.decoys.values(), *truth.noise]
        assert strength[others].max() < 0.1
        assert (scores["p_fwer"].values[0, others] > 0.05).mean() > 0.9  # what has just been a sign is remembered


def test_the_place_in_a_word_and_in_a_line_is_followed(run: Run, truth: PlantedCharacters) -> None:
    hidden, text = run.activations["hidden_state"].values[:, 0], text_of(run)
    letters = np.array([character in LETTERS for character in text])
    place = np.array([len(re.split(r"[ \n]", text[max(0, i - 20) : i])[-1]) for i in range(len(text))])
    plain = letters & np.array([text[i - k : i + 1].isalpha() for i, k in enumerate(place)])
    means = [hidden[plain & (place == k), truth.planted["word_position"]].mean() for k in range(6)]
    assert (np.diff(means) > 0).all()
    position = run.corpus["sentence_position"].values
    line = [hidden[position == k, truth.planted["line_position"]].mean() for k in range(15)]
    assert (np.diff(line) > 0).all()
    eta2 = run.sentence_position["eta2"].values[0]
    assert np.nanargmax(eta2) == truth.planted["line_position"]


def test_the_same_from_python(run: Run, truth: PlantedCharacters, tmp_path: Path) -> None:
    corpus = read_corpus(str(run.path.parent / "text" / "*.txt"), level="char")
    found = la.extract_activations(corpus, truth.model, tmp_path / "run", states=["hidden"], shard_tokens=5000)
    assert text_of(found) == text_of(run)
    hidden = [one.activations["hidden_state"].values for one in (found, run)]
    np.testing.assert_allclose(*hidden, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(found.corpus["word"].values, run.corpus["word"].values)


def test_bytes_are_read_one_by_one(tmp_path: Path) -> None:
    file = write_study(tmp_path, corpus={"format": "text", "level": "char", "path": "text/*.txt"})
    save_weights(tmp_path / "model.safetensors", random_tensors(n_token=256), Vocabulary(BYTE_NAMES), {}, torch.float32)
    (tmp_path / "text" / "0.txt").write_text("w1 é\u2028\r\n\n\tw2")
    found = run_study(load_study(file, ["concepts=[{source: characters}]"]), tmp_path / "run", in_process=True)
    raw = b"".join(path.read_bytes() for path in sorted((tmp_path / "text").iterdir()))
    assert found.corpus["token_id"].values.astype(np.uint8).tobytes() == raw


def test_a_run_of_words_has_the_same_inputs_as_before() -> None:
    study = load_study(ROOT / "pipelines" / "sotu.yaml")
    assert "level" not in study.as_dict()["corpus"]
    assert load_study(ROOT / "pipelines" / "characters.yaml").as_dict()["corpus"]["unit"] == "token"


@pytest.mark.parametrize(("setting", "wrong"), [
    ("model.checkpoint=words.safetensors", r"The model reads words \(62 of them, such as 'w57'.*read words"),
    ("corpus.sentences=split", "sentences is split, but with corpus.level: char a line is a sentence"),
    ("corpus.end_of_sentence=</s>", "end_of_sentence is '</s>', but with corpus.level: char"),
    ("corpus.level=chars", "corpus.level is 'chars'; did you mean 'char'"),
])  # fmt: skip
def test_mistakes(tmp_path: Path, setting: str, wrong: str) -> None:
    file = write_study(tmp_path, corpus={"format": "text", "level": "char", "path": "text/*.txt"})
    (tmp_path / "model.safetensors").rename(tmp_path / "words.safetensors")
    save_model(planted_characters(0).model, tmp_path / "model.safetensors")
    expect_paragraph(call("validate", file, "--set", setting), 2, wrong)


def test_characters_that_the_model_lacks(tmp_path: Path) -> None:
    file = write_study(tmp_path, corpus={"format": "text", "level": "char", "path": "text/*.txt"})
    vocabulary = Vocabulary((" ", "\n", "w", *"012345678"))
    save_weights(tmp_path / "model.safetensors", random_tensors(n_token=12), vocabulary, {}, torch.float32)
    ended = call("run", file, "--dry-run")
    expect_paragraph(ended, 1, "no unknown symbol .* 1 distinct tokens it lacks, among them '9'.* model.unknown")


def test_a_model_of_characters_is_trained_and_read(tmp_path: Path) -> None:
    write_lines(tmp_path / "text", 1)
    train = {"layers": 1, "size": 16, "epochs": 1, "hold_out": 6, "steps": 50, "streams": 8, "lower_case": False,
             "number": None}  # fmt: skip
    study = {
        "name": "mine", "corpus": {"format": "text", "level": "char", "path": "text/*.txt"},
        "model": {"checkpoint": "mine.safetensors", "train": train}, "concepts": [{"source": "characters"}],
    }  # fmt: skip
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    assert call("train", tmp_path / "mine.yaml").code == 0
    model = load_model(tmp_path / "mine.safetensors")
    assert set(model.vocabulary.tokens) == {"<unk>", *VOCABULARY.tokens} - {"."}
    assert model.vocabulary.level == "char"
    assert model.vocabulary.end_of_sentence == "\n"
    assert call("validate", tmp_path / "mine.yaml").code == 0
    (tmp_path / "mine.safetensors").unlink()
    ended = call("train", tmp_path / "mine.yaml", "--set", "model.train.number=N")
    expect_paragraph(ended, 2, "train.number is 'N'.* characters .*number: null")
