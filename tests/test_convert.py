"""The command `convert`, and studies of a twin."""

from pathlib import Path

import numpy as np
import pytest
import torch
from command import call, expect_paragraph
from tiny import WORDS, random_tensors, write_study

import lstm_analysis as la
from lstm_analysis.config import Study, load_study
from lstm_analysis.inputs import fingerprints, model_facts, trained_model
from lstm_analysis.study import run_study


@pytest.fixture
def checkpoint(here: Path) -> Path:
    tensors = random_tensors()
    torch.save({**tensors, "decoder.weight": tensors["encoder.weight"]}, here / "m.pt")
    (here / "v.txt").write_text("\n".join(["<unk>", "</s>", *WORDS]))
    return here / "m.pt"


def test_convert_writes_what_it_found(checkpoint: Path, here: Path) -> None:
    ended = call("convert", checkpoint, here / "new" / "m.safetensors", "--vocabulary", here / "v.txt")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split(maxsplit=1) for line in ended.out.splitlines()] == [
        ["cell", "lstm, 10 + 10 neurons, embedding of 10"],
        ["vocabulary", "62 tokens (word)"],
        ["decoder", "full softmax, tied to the embedding"],
        ["weights", "2,362"],
        ["written", f"{here / 'new' / 'm.safetensors'} (float32)"],
    ]
    model = la.load_model(here / "new" / "m.safetensors")
    assert model.digest == la.load_model(checkpoint, here / "v.txt").digest


def test_convert_overwrites_only_by_force(checkpoint: Path, here: Path) -> None:
    options = ("--vocabulary", here / "v.txt")
    target = here / "m.safetensors"
    target.write_text("mine")
    expect_paragraph(call("convert", checkpoint, target, *options), 2, "is there already. Give --force to replace it")
    assert target.read_text() == "mine"
    ended = call("convert", checkpoint, target, *options, "--force", "--dtype", "float16")
    assert ended.code == 0, ended.err
    assert torch.equal(la.load_model(target).embedding, random_tensors()["encoder.weight"].half().float())


def test_mistakes_of_convert(checkpoint: Path, here: Path) -> None:
    out = here / "out.safetensors"
    expect_paragraph(call("convert", checkpoint, here / "m.onnx"), 2, r"m.onnx must end in .safetensors")
    expect_paragraph(call("convert", checkpoint, out), 1, "has no vocabulary inside. Give one as model.vocabulary")
    expect_paragraph(call("convert", here / "none.pt", out), 2, "none.pt does not exist")
    expect_paragraph(call("convert", checkpoint, checkpoint / "out.safetensors"), 2, "m.pt is no folder|is no folder")
    expect_paragraph(call("convert", checkpoint, out, "--seed", "-1"), 2, "--seed is -1; it must be at least 0")
    large = call("convert", checkpoint, out, "--twin", "initial", "--seed", "99999999999999999999")
    expect_paragraph(large, 2, r"--seed is 9{20}; it must be at least 0 and below 2\*\*63")
    assert not out.exists()


def test_convert_writes_a_twin(checkpoint: Path, here: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        options = ("--vocabulary", here / "v.txt", "--twin", "shuffled", "--seed", seed)
        ended = call("convert", checkpoint, here / f"{name}.safetensors", *options)
        assert ended.code == 0, ended.err
        assert "twin          shuffled\n" in ended.out
    a, b, c = ((here / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b != c
    model = la.load_model(checkpoint, here / "v.txt")
    assert la.load_model(here / "a.safetensors").digest == la.random_twin(model, 0, "shuffled").digest


def twin_studies(folder: Path) -> tuple[Study, Study]:
    """Return a study, and the same of a twin of its model."""
    plain = load_study(write_study(folder))
    return plain, load_study(folder / "tiny.yaml", ["model.twin=initial", "seed=3"])


def test_a_study_of_a_twin(tmp_path: Path) -> None:
    plain, twin = twin_studies(tmp_path)
    model, other = trained_model(plain), trained_model(twin)
    assert other.digest == la.random_twin(model, 3).digest != model.digest
    assert fingerprints(twin, other, {})["activations"] != fingerprints(plain, model, {})["activations"]
    facts = model_facts(twin, other)
    assert (facts["twin"], model_facts(plain, model)["twin"]) == ("initial", None)
    assert (facts["metadata"]["twin_of"], facts["metadata"]["twin_seed"]) == (model.digest, "3")


@pytest.mark.slow
def test_a_run_says_that_it_is_a_twin_s(tmp_path: Path) -> None:
    plain, twin = (run_study(s, tmp_path / str(s.seed), in_process=True) for s in twin_studies(tmp_path))
    assert not np.allclose(plain.activations.hidden_state[:50], twin.activations.hidden_state[:50])
    assert "a random-weights twin (initial)" in call("inspect", tmp_path / "3").out
    assert "a random-weights twin" not in call("inspect", tmp_path / "0").out


def test_an_unknown_twin_or_gate_is_refused(tmp_path: Path) -> None:
    path = write_study(tmp_path)
    expect_paragraph(call("validate", path, "--set", "model.twin=shuffle"), 2, "model.twin is 'shuffle'; .*'shuffled'")
    expect_paragraph(call("validate", path, "--set", "model.gates=hard"), 2, "model.gates is 'hard'")


RULES = ("--lower-case", "--number", "w3")


def test_how_the_text_of_a_foreign_model_was_normalised(checkpoint: Path, here: Path) -> None:
    ended = call("convert", checkpoint, here / "n.safetensors", "--vocabulary", here / "v.txt", *RULES)
    assert ended.code == 0, ended.err
    assert "vocabulary    62 tokens (word), lower case, numbers as w3\n" in ended.out
    model = la.load_model(here / "n.safetensors")
    assert model.vocabulary.encode(["W5", "1,250", "w3", "W3"]).tolist() == [7, 5, 5, 5]
    given = la.load_model(checkpoint, here / "v.txt", lower_case=True, number="w3")
    plain = la.load_model(checkpoint, here / "v.txt")
    assert given.digest == model.digest != plain.digest
    digests = {given.vocabulary.digest, plain.vocabulary.digest}
    digests |= {la.load_model(checkpoint, here / "v.txt", lower_case=True).vocabulary.digest}
    assert len(digests) == 3
    again = la.load_model(here / "n.safetensors", lower_case=True, number="w3", unknown="w9").vocabulary
    assert (again.normalisation.lower_case, again.normalisation.number, again.unknown) == (True, "w3", 11)


def test_another_normalisation_than_the_checkpoint_s_is_refused(checkpoint: Path, here: Path) -> None:
    options, out = ("--vocabulary", here / "v.txt"), here / "n.safetensors"
    wrong = call("convert", checkpoint, out, *options, "--number", "N")
    expect_paragraph(wrong, 2, r"Numbers are to be read as 'N' \(model\.number, or --number\), which is none of .* 62")
    assert call("convert", checkpoint, out, *options, *RULES).code == 0
    study = write_study(here / "study")
    for setting, pattern in (
        ("lower_case=false", r"model\.lower_case is false, but .*n\.safetensors records lower_case: true, as its text"),
        ("number=w4", r'model\.number is "w4", but .* records number: "w3", .*anew with --number\.'),
    ):
        ended = call("validate", study, f"--set=model.checkpoint={out}", f"--set=model.{setting}")
        expect_paragraph(ended, 2, pattern)


def test_a_study_s_normalisation_is_part_of_its_fingerprints(checkpoint: Path, here: Path) -> None:
    file = write_study(here / "study", model={"checkpoint": str(checkpoint), "vocabulary": str(here / "v.txt")})
    prints = []
    for settings in ([], ["model.lower_case=true"], ["model.number=w3"], ["model.number=null"]):
        study = load_study(file, settings)
        prints.append(fingerprints(study, trained_model(study), {})["corpus"])
    assert prints[3] == prints[0]
    assert len(set(prints)) == 3
