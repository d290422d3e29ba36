"""The command ``train``: an interrupted training ends with the bytes of an undisturbed one; nothing trains unasked."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from command import call, expect_paragraph
from safetensors.torch import load_file
from tiny import write_study

from lstm_analysis.inference import training

RECIPE = {
    "layers": 1, "size": 8, "vocabulary_size": 50, "hold_out": 3, "epochs": 2, "streams": 4, "steps": 16, "seed": 5,
}  # fmt: skip


@pytest.fixture
def school(here: Path) -> Path:
    """A study whose model is not there yet, with six short documents to learn from."""
    write_study(here / "school")
    (here / "school" / "model.safetensors").unlink()
    for i in range(6):
        (here / "school" / "text" / f"{i}.txt").write_text("w1 w2 w3 w4 w5 .\nw2 w4 w6 .\n" * (20 + i))
    content = yaml.safe_load((here / "school" / "tiny.yaml").read_text())
    content["model"]["train"] = RECIPE
    (here / "school" / "tiny.yaml").write_text(yaml.safe_dump(content))
    return here / "school"


def before_each_update(monkeypatch: pytest.MonkeyPatch, do: Callable[[int], None]) -> None:
    """Do something before each update of a training, and save after each."""
    step = training.Training._step

    def counted(self: training.Training, ids: torch.Tensor, n_update: int, first: bool) -> float:
        do(self.update)
        return step(self, ids, n_update, first)

    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(training.Training, "_step", counted)


def be_terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def press_control_c() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [be_terminated, press_control_c])
def test_an_interrupted_training_goes_on_to_the_same_bytes(
    school: Path, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], None]
) -> None:
    study_file, checkpoint = school / "tiny.yaml", school / "model.safetensors"
    whole = call("train", study_file)
    assert whole.code == 0, whole.err
    assert re.fullmatch(rf"{checkpoint}: perplexity \d+\.\d on the held-out documents\n", whole.out)
    assert "epoch 2 of 2" in whole.err
    undisturbed = checkpoint.read_bytes()
    checkpoint.unlink()
    with monkeypatch.context() as patch:
        before_each_update(patch, lambda update: stop() if update == 13 else None)
        expect_paragraph(call("train", study_file), 75, "run the same command to go on")
    assert not checkpoint.exists()
    updates: list[int] = []
    before_each_update(monkeypatch, updates.append)
    resumed = call("train", study_file)
    assert updates[0] == 13 < updates[-1]
    assert resumed.out == whole.out
    assert checkpoint.read_bytes() == undisturbed
    assert [path.name for path in school.glob("*model*")] == ["model.safetensors"]


def test_a_trained_model_is_kept_unless_forced(school: Path) -> None:
    study_file, checkpoint = school / "tiny.yaml", school / "model.safetensors"
    assert call("train", study_file).code == 0
    first = checkpoint.read_bytes()
    assert load_file(checkpoint)["encoder.weight"].shape == (9, RECIPE["size"])
    expect_paragraph(call("train", study_file), 2, "is there already. Give --force to train it anew")
    other = call("train", study_file, "--force", "--set", "model.train.seed=6")
    assert other.code == 0, other.err
    assert checkpoint.read_bytes() != first
    assert call("train", study_file, "--force").code == 0
    assert checkpoint.read_bytes() == first


def test_a_plan_or_a_check_trains_nothing(school: Path) -> None:
    before = sorted(school.rglob("*"))
    checked = call("validate", school / "tiny.yaml")
    assert checked.code == 0
    assert "The model is not there yet and is trained first" in checked.out
    expect_paragraph(call("run", school / "tiny.yaml", "--dry-run"), 2, "is not there yet. Train it first")
    assert sorted(school.rglob("*")) == before


def test_a_study_without_a_recipe_cannot_train(here: Path) -> None:
    ended = call("train", write_study(here), "--set", "model.checkpoint=new.safetensors")
    expect_paragraph(ended, 2, "has no recipe; give one under model.train")
