"""The loop: each key of a recipe does what it says, and a training that is taken up again gives the same bytes."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from lessons import N_TOKEN, VOCABULARY, make_network, make_text, make_training
from torch import nn

from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.training import Text, loop, train_model
from lstm_analysis.inference.training.log import TrainingLog
from lstm_analysis.inference.training.optimiser import average_begins
from lstm_analysis.inference.training.pieces import cut
from lstm_analysis.inference.training.progress import Progress
from lstm_analysis.inference.training.schedule import learning_rate
from lstm_analysis.recipe import Recipe

SMALL = Recipe(size=8, streams=4, steps=25, epochs=2, seed=3)
ZAREMBA = replace(
    SMALL, tied=False, init_range=0.1, forget_bias=0.0, optimiser="sgd", learning_rate=1.0, weight_decay=0.0, clip=5.0,
    loss="sum", schedule="decay", decay=0.5, decay_after=1, dropout=0.0, drop_partial=True, epochs=3,
)  # fmt: skip


def by_the_paper(recipe: Recipe, token_id: np.ndarray) -> dict[str, torch.Tensor]:
    """Train as Zaremba et al. describe it, in plain torch: the loss of a step is the mean over streams, and summed."""
    start = {name: tensor.clone() for name, tensor in make_network(recipe).weights().items()}
    encoder = nn.Embedding(N_TOKEN, recipe.size)
    rnn, decoder = nn.LSTM(recipe.size, recipe.size, recipe.layers), nn.Linear(recipe.size, N_TOKEN)
    network = nn.ModuleDict({"encoder": encoder, "rnn": rnn, "decoder": decoder})
    network.load_state_dict(start)
    text = torch.as_tensor(token_id.astype(np.int64)).view(recipe.streams, -1).T
    rate = recipe.learning_rate
    for epoch in range(recipe.epochs):
        if epoch + 1 > (recipe.decay_after or 0):
            rate *= recipe.decay or 1.0
        state = None
        for at in range(0, len(text) - recipe.steps, recipe.steps):
            out, (h, c) = rnn(encoder(text[at : at + recipe.steps]), state)
            state, loss = (h.detach(), c.detach()), 0.0
            for t, logits in enumerate(decoder(out)):
                loss = loss + nn.functional.cross_entropy(logits, text[at + t + 1])
            network.zero_grad()
            loss.backward()
            slopes = [p.grad for p in network.parameters() if p.grad is not None]
            norm = math.sqrt(sum(float((slope.double() ** 2).sum()) for slope in slopes))
            with torch.no_grad():
                for p in network.parameters():
                    p -= rate * min(1.0, recipe.clip / norm) * p.grad
    return network.state_dict()


@pytest.mark.parametrize("clip", [5.0, 0.5])
def test_the_zaremba_recipe_is_the_papers(tmp_path: Path, clip: float) -> None:
    recipe, text = replace(ZAREMBA, clip=clip), make_text(4 * 110)
    training = make_training(tmp_path, recipe, text)
    training.run()
    wanted = by_the_paper(recipe, text.token_id)
    for name, tensor in training.network.weights().items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-4, atol=1e-5, msg=name)


def test_the_rates_of_the_schedules() -> None:
    medium = replace(ZAREMBA, decay=1 / 1.2, decay_after=6, epochs=39)
    rates = [learning_rate(medium, epoch * 7 + 3, 7) for epoch in range(39)]
    assert rates[:6] == [1.0] * 6
    assert rates[6:] == pytest.approx([1.2**-k for k in range(1, 34)])
    cosine = Recipe(learning_rate=2.0, epochs=10)
    found = [learning_rate(cosine, update, 100) for update in range(1000)]
    assert found[:20] == pytest.approx([2.0 * (i + 1) / 20 for i in range(20)])
    assert found[520] == pytest.approx(1.0)
    assert found[-1] < 0.006
    assert all(a > b for a, b in pairwise(found[20:]))
    assert {learning_rate(replace(cosine, schedule="constant"), update, 100) for update in (0, 999)} == {2.0}


def test_the_text_is_cut_into_streams_and_pieces() -> None:
    token_id = np.arange(46, dtype=np.int32)
    whole = cut(token_id, Recipe(streams=4, steps=4), torch.device("cpu"))
    assert [len(whole[i]) for i in range(len(whole))] == [5, 5, 3]
    assert whole[1][:, 2].tolist() == [26, 27, 28, 29, 30]
    assert len(cut(token_id, Recipe(streams=4, steps=4, drop_partial=True), torch.device("cpu"))) == 2
    with pytest.raises(UserError, match="46 tokens are too few to train on with 30 streams of 64 steps"):
        cut(token_id, Recipe(streams=30), torch.device("cpu"))
    with pytest.raises(UserError, match="too few"):
        cut(token_id, Recipe(streams=4, steps=11, drop_partial=True), torch.device("cpu"))


def test_state_is_carried_through_an_epoch_and_begins_it_at_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = make_training(tmp_path, SMALL)
    given: list[torch.Tensor] = []
    left: list[torch.Tensor] = []
    read = training.network.loss

    def seen(ids: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given.append(state.clone())
        nats, new = read(ids, state)
        left.append(new.clone())
        return nats, new

    monkeypatch.setattr(training.network, "loss", seen)
    training.run()
    n = len(training.pieces)
    assert len(given) == 2 * n
    for i, state in enumerate(given):
        assert torch.equal(state, torch.zeros_like(state) if i % n == 0 else left[i - 1])
        assert state.any() == (i % n > 0)


def test_averaged_weights_are_the_mean_of_those_after_each_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(SMALL, optimiser="asgd", average_after=1, epochs=3, schedule="constant", learning_rate=0.5)
    training = make_training(tmp_path, recipe)
    after: list[dict[str, torch.Tensor]] = []
    update = loop.Training._update

    def seen(self: loop.Training, i: int) -> float:
        nats = update(self, i)
        after.append({name: tensor.clone() for name, tensor in self.network.weights().items()})
        return nats

    monkeypatch.setattr(loop.Training, "_update", seen)
    training.run()
    n = len(training.pieces)
    assert len(after) == 3 * n
    for name, tensor in training.network.weights().items():
        mean = torch.stack([weights[name] for weights in after[n:]]).double().mean(0)
        torch.testing.assert_close(tensor.double(), mean, rtol=1e-5, atol=1e-6)
        assert not torch.equal(tensor, after[-1][name])


def test_averaging_begins_when_validation_no_longer_falls() -> None:
    recipe = Recipe(optimiser="asgd")
    perplexities = [90.0, 80.0, 70.0, 69.0, 68.5, 68.4, 68.6, 69.5, 69.8, 69.1]
    begun = [average_begins(recipe, perplexities[:n]) for n in range(11)]
    assert begun == [False] * 10 + [True]  # 69.1 is the first above the best of more than five epochs ago, 69.0
    assert not any(average_begins(replace(recipe, optimiser="sgd"), perplexities[:n]) for n in range(11))


def test_patience_stops_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    training = make_training(tmp_path, replace(SMALL, epochs=9, patience=2))
    perplexities, kept = iter([9.0, 7.0, 8.0, 7.0, 1.0]), {}

    def validate() -> float:
        kept[len(kept) + 1] = {name: tensor.clone() for name, tensor in training.network.weights().items()}
        return next(perplexities)

    training.validate = validate
    training.run()
    assert training.place.validation == [9.0, 7.0, 8.0, 7.0]
    assert training.best_epoch == 2
    assert all(torch.equal(tensor, kept[2][name]) for name, tensor in training.network.weights().items())


RECIPES = {
    "adamw": SMALL,
    "zaremba": replace(ZAREMBA, dropout=0.5),
    "average": replace(SMALL, optimiser="asgd", average_after=1, epochs=3, locked_dropout=True),
    "patience": replace(SMALL, epochs=4, patience=1, learning_rate=0.1),
    "adaptive": replace(SMALL, tied=False, size=16, softmax="adaptive", cutoffs=(5, 12)),
    "bfloat16": replace(SMALL, precision="bfloat16"),
}


class Stopped(Exception):
    """The training was killed."""


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("save_seconds", [0.0, 1e9], ids=["saved each update", "saved each epoch"])
def test_a_training_taken_up_again_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, save_seconds: float
) -> None:
    monkeypatch.setattr(loop, "SAVE_SECONDS", save_seconds)
    monkeypatch.setattr(loop, "LOG_UPDATES", 3)
    recipe, texts = RECIPES[name], (make_text(), make_text(200, seed=1), make_text(150, seed=2))

    def train(folder: str, stops: tuple[int, ...] = ()) -> list[dict[str, float]]:
        path = tmp_path / folder / "m.safetensors"
        for stop in (*stops, None):
            update = loop.Training._update

            def halting(self: loop.Training, i: int, stop=stop, update=update) -> float:
                if self.place.update == stop:
                    raise Stopped
                return update(self, i)

            with monkeypatch.context() as patch:
                patch.setattr(loop.Training, "_update", halting)
                if stop is None:
                    train_model(*texts, VOCABULARY, recipe, path, {})
                else:
                    with pytest.raises(Stopped):
                        train_model(*texts, VOCABULARY, recipe, path, {})
        assert sorted(file.name for file in path.parent.iterdir()) == [path.name, path.name + ".log.jsonl"]
        lines = (path.parent / "m.safetensors.log.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(line).items() if k != "tokens_per_second"} for line in lines]

    per_epoch = 10 if not recipe.drop_partial else 9
    whole, broken = train("whole"), train("broken", (4, per_epoch, per_epoch + 4))
    assert (tmp_path / "broken/m.safetensors").read_bytes() == (tmp_path / "whole/m.safetensors").read_bytes()
    assert broken == whole
    assert [entry["event"] for entry in whole].count("epoch") >= 2
    assert whole[-1]["test_perplexity"] > 1


@pytest.mark.parametrize("name", ["adamw", "asgd"])
def test_checkpoints_kept_on_the_way_are_those_of_a_training_that_ends_there(tmp_path: Path, name: str) -> None:
    texts = (make_text(), make_text(200, seed=1), None)
    recipe = replace(SMALL, optimiser=name, average_after=0 if name == "asgd" else None, schedule="constant")
    kept = replace(recipe, epochs=2, keep_epochs=(0.25, 1.0, 2.0))
    train_model(*texts, VOCABULARY, kept, tmp_path / "m.safetensors", {})
    train_model(*texts, VOCABULARY, replace(recipe, epochs=1), tmp_path / "one.safetensors", {})
    assert sorted(file.name for file in (tmp_path / "m.epochs").iterdir()) == [
        "0.25.safetensors", "1.safetensors", "2.safetensors"
    ]  # fmt: skip
    found = {epochs: load_model(tmp_path / f"m.epochs/{epochs}.safetensors") for epochs in ("0.25", "1", "2")}
    ends = {"1": load_model(tmp_path / "one.safetensors"), "2": load_model(tmp_path / "m.safetensors")}
    for epochs, end in ends.items():
        assert found[epochs].digest == end.digest
        assert found[epochs].metadata["epochs"] == epochs
        assert found[epochs].metadata["validation_perplexity"] == end.metadata["validation_perplexity"]
    assert len({one.digest for one in found.values()}) == 3


def test_another_recipe_or_text_does_not_go_on(tmp_path: Path) -> None:
    make_training(tmp_path, SMALL).save()
    assert make_training(tmp_path, SMALL).place.update == 0
    with pytest.raises(UserError, match=r"holds a training by another recipe\. Remove the folder"):
        make_training(tmp_path, replace(SMALL, seed=4))
    with pytest.raises(UserError, match=r"holds a training by another recipe and another text\. .*the recipe and the"):
        Progress(tmp_path / "m.safetensors", replace(SMALL, seed=4), "other").load()


def test_a_damaged_progress_folder_says_so(tmp_path: Path) -> None:
    make_training(tmp_path, SMALL).save()
    folder = tmp_path / "m.safetensors.progress"
    place = json.loads((folder / "place.json").read_bytes())
    others: list[object] = [[], {**place, "place": []}, {**place, "place": {"update": "1"}}, {**place, "file": 3}]
    others.append({**place, "place": {"validation": ["1"]}})
    damages = [("place.json", json.dumps(other).encode()) for other in others]
    for name, damage in (*damages, ("update-0.safetensors", b"x" * 20), ("place.json", b"{")):
        (folder / name).write_bytes(damage)
        with pytest.raises(UserError, match=r"is damaged \(.*\)\. Remove the folder to start anew"):
            make_training(tmp_path, SMALL)


def test_texts_without_anything_to_predict(tmp_path: Path) -> None:
    lone = Text(np.zeros(3, np.int32), np.arange(3))
    for texts, name in (((lone, None), "validation"), ((make_text(50), lone), "test")):
        with pytest.raises(UserError, match=f"No document of the {name} text has two tokens"):
            train_model(make_text(), *texts, VOCABULARY, SMALL, tmp_path / "m", {})


def test_a_log_goes_on_after_half_a_line(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "m")
    log.go_on(0, 0)
    log.write("updates", update=100, epoch=1)
    log.write("epoch", update=150, epoch=1)
    log.write("updates", update=200, epoch=2)
    with log.path.open("ab") as file:
        for damaged in (
            b"\x00{}}",
            b"[]",
            b'{"event": "epoch"}',
            b'{"update": 9, "epoch": 1}',
            b"\xff}",
            b'{"event": "upd',
        ):
            file.write(damaged + b"\n")
    log.go_on(150, 1)
    assert [json.loads(line)["update"] for line in log.path.read_text().splitlines()] == [100, 150]
    log.go_on(0, 0)
    assert log.path.read_text() == ""


def test_a_training_that_goes_astray_says_so(tmp_path: Path) -> None:
    recipe = replace(SMALL, optimiser="sgd", schedule="constant", learning_rate=1e30, clip=1e30)
    training = make_training(tmp_path, recipe)
    with pytest.raises(UserError, match=r"went astray: its loss is nan at update \d+\. Lower .*clip and start anew\.$"):
        training.run()
    training = make_training(tmp_path, recipe)
    training.save()
    with pytest.raises(UserError, match=r"clip; remove the folder .*m\.safetensors\.progress and start anew\.$"):
        training.run()


def test_seeds_of_updates_fit_whatever_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    plant = torch.manual_seed
    monkeypatch.setattr(loop.torch, "manual_seed", lambda seed: seeds.append(seed) or plant(seed))
    for seed in (3, 20261126093000, 2**63 - 1):
        make_training(tmp_path / str(seed), replace(SMALL, seed=seed))._update(0)
    assert seeds[1::2] == [3 * 1_000_003, 20261126093000 * 1_000_003 % 2**63, 2**63 - 1_000_003]


def test_cuda_is_refused_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"model\.train\.device is cuda, but this machine has no CUDA device"):
        train_model(make_text(), make_text(50), None, VOCABULARY, replace(SMALL, device="cuda"), tmp_path / "m", {})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["adamw", "average", "adaptive"])
def test_cuda_learns_what_the_processor_learns(tmp_path: Path, name: str) -> None:
    found = [
        train_model(
            make_text(), make_text(200, seed=1), None, VOCABULARY,
            replace(RECIPES[name], device=device, dropout=0.0), tmp_path / f"{device}.safetensors", {},
        ).validation_perplexity
        for device in ("cpu", "cuda")
    ]  # fmt: skip
    assert found[1] == pytest.approx(found[0], rel=0.01)


def test_it_learns(tmp_path: Path) -> None:
    training = make_training(tmp_path, replace(SMALL, size=32, epochs=8, learning_rate=0.02), make_text(4000))
    training.run()
    assert training.place.validation[-1] < 8  # 4.9 is the perplexity of the text's own rule, 30 of guessing
