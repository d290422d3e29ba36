"""Training a word language model: truncated back-propagation over parallel streams, tied weights, AdamW, cosine rate.

Long trainings are safe: every few minutes weights, optimiser and place are written beside the checkpoint, and the
same command goes on from there. Each update draws its dropout from its own seed, so an interrupted training ends
with the numbers of an undisturbed one on the same machine.
"""

import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from ..config import Recipe
from ..errors import UserError, raise_if_stopped
from ..vocabulary import Vocabulary
from .checkpoints import load_model, save_model
from .reader import Stream, StreamReader

SAVE_SECONDS = 120.0


class Network(nn.Module):
    """The network while it learns; its parameter names are those of a classic checkpoint with tied weights."""

    def __init__(self, n_token: int, recipe: Recipe) -> None:
        super().__init__()
        self.encoder = nn.Embedding(n_token, recipe.size)
        between_layers = recipe.dropout if recipe.layers > 1 else 0.0
        self.rnn = nn.LSTM(recipe.size, recipe.size, recipe.layers, dropout=between_layers)
        self.decoder = nn.Linear(recipe.size, n_token)
        self.decoder.weight = self.encoder.weight
        self.dropout = nn.Dropout(recipe.dropout)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        for layer in range(recipe.layers):
            nn.init.zeros_(getattr(self.rnn, f"bias_hh_l{layer}"))
            bias = getattr(self.rnn, f"bias_ih_l{layer}")
            nn.init.zeros_(bias)
            nn.init.ones_(bias[recipe.size : 2 * recipe.size])

    def loss(self, ids: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return nats per token of predicting ``ids[1:]`` from ``ids[:-1]``, dims (step, stream), and the new state."""
        out, (h, c) = self.rnn(self.dropout(self.encoder(ids[:-1])), state)
        logits = self.decoder(self.dropout(out))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[1:].flatten())
        return loss, (h.detach(), c.detach())

    def weights(self) -> dict[str, Tensor]:
        """Return the parameters by name, the tied matrix once."""
        return {name: tensor for name, tensor in self.state_dict().items() if name != "decoder.weight"}


class Training:
    """A training that can be stopped and taken up again.

    Parameters
    ----------
    path
        The checkpoint to write. ``<path>.progress/`` holds the state to resume and the log until then.
    n_token
        Size of the vocabulary.
    recipe
        How to train.
    """

    def __init__(self, path: Path, n_token: int, recipe: Recipe) -> None:
        self.recipe, self.folder = recipe, path.with_name(path.name + ".progress")
        torch.manual_seed(recipe.seed)
        self.network = Network(n_token, recipe)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        zeros = torch.zeros(recipe.layers, recipe.streams, recipe.size)
        self.state = (zeros, zeros.clone())
        self.update = 0
        self._saved = time.monotonic()
        if (self.folder / "place.json").exists():
            self._resume()

    def run(self, token_id: NDArray[np.int32]) -> None:
        """Train to the end on a text, dims (time); up to ``streams - 1`` last tokens have no place in the streams."""
        recipe = self.recipe
        length = len(token_id) // recipe.streams
        if length < 2:
            raise UserError(f"{len(token_id)} tokens are too few to train on with {recipe.streams} streams.")
        text = token_id[: length * recipe.streams].reshape(recipe.streams, length).T.astype(np.int64)
        streams = torch.as_tensor(text).contiguous()
        starts = range(0, length - 1, recipe.steps)
        n_update = recipe.epochs * len(starts)
        per_epoch = (length - 1) * recipe.streams
        done = self.update // len(starts) * per_epoch + self.update % len(starts) * recipe.steps * recipe.streams
        with tqdm(total=recipe.epochs * per_epoch, initial=done, unit=" tokens", unit_scale=True) as bar:
            while self.update < n_update:
                raise_if_stopped()
                epoch, i = divmod(self.update, len(starts))
                bar.set_description(f"train, epoch {epoch + 1} of {recipe.epochs}", refresh=False)
                ids = streams[starts[i] : starts[i] + recipe.steps + 1]
                nats = self._step(ids, n_update, first=i == 0)
                bar.set_postfix(perplexity=f"{math.exp(nats):.1f}", refresh=False)
                bar.update((len(ids) - 1) * recipe.streams)
                if i % 100 == 99:
                    self._log(epoch=epoch + 1, update=self.update, nats=nats)
                if time.monotonic() - self._saved > SAVE_SECONDS:
                    self.save()

    def _step(self, ids: Tensor, n_update: int, first: bool) -> float:
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.update)
        if first:
            self.state = (torch.zeros_like(self.state[0]), torch.zeros_like(self.state[1]))
        warm_up = max(1, n_update // 50)
        cosine = 0.5 * (1 + math.cos(math.pi * max(0, self.update - warm_up) / n_update))
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * min(1.0, (self.update + 1) / warm_up) * cosine
        loss, self.state = self.network.loss(ids, self.state)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimiser.step()
        self.update += 1
        return loss.item()

    def _log(self, **entry: float) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def save(self) -> None:
        """Write weights, optimiser and place; the place last, in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"network.{name}": tensor for name, tensor in self.network.weights().items()}
        for i, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{i}.{slot}": torch.as_tensor(value) for slot, value in slots.items()}
        tensors |= {"state.h": self.state[0], "state.c": self.state[1]}
        file = f"update-{self.update}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, self.folder / file)
        place = {"update": self.update, "file": file, "recipe": asdict(self.recipe)}
        (self.folder / "place.json.new").write_text(json.dumps(place))
        (self.folder / "place.json.new").replace(self.folder / "place.json")
        for old in self.folder.glob("update-*.safetensors"):
            if old.name != file:
                old.unlink()
        self._saved = time.monotonic()

    def _resume(self) -> None:
        place = json.loads((self.folder / "place.json").read_text())
        if place["recipe"] != asdict(self.recipe):
            raise UserError(
                f"{self.folder} holds a training by another recipe. Remove the folder to start anew, or restore the "
                "recipe to go on."
            )
        tensors = load_file(self.folder / place["file"])
        weights = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
        self.network.load_state_dict({**weights, "decoder.weight": weights["encoder.weight"]})
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser."):
                _, i, slot = name.split(".")
                slots.setdefault(int(i), {})[slot] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self.state, self.update = (tensors["state.h"], tensors["state.c"]), place["update"]


def train_model(
    token_id: NDArray[np.int32],
    document: NDArray[np.int64],
    vocabulary: Vocabulary,
    recipe: Recipe,
    path: Path,
    metadata: Mapping[str, str],
) -> float:
    """Train on a corpus and write a float16 safetensors checkpoint that records recipe and validation perplexity.

    Parameters
    ----------
    token_id, document
        Vocabulary index and document of each token, dims (time).
    vocabulary
        Names of the indices.
    recipe
        How to train.
    path
        The checkpoint to write.
    metadata
        What to record about the text.

    Returns
    -------
    Perplexity of the written checkpoint on the held-out documents, each read from a zero state.
    """
    held_out = document % recipe.hold_out == recipe.hold_out - 1
    if not held_out.any():
        raise UserError(f"No document is left for validation: fewer than train.hold_out ({recipe.hold_out}) documents.")
    training = Training(path, len(vocabulary), recipe)
    training.run(token_id[~held_out])
    training.save()
    record = {**metadata, "recipe": json.dumps(asdict(recipe)), "n_token_training": str(int((~held_out).sum()))}
    temporary = path.with_name("unmeasured-" + path.name)
    save_model(temporary, training.network.weights(), vocabulary, record, torch.float16)
    value, n = perplexity(StreamReader(load_model(temporary)), token_id[held_out], document[held_out])
    record |= {"validation_perplexity": f"{value:.2f}", "n_token_validation": str(n)}
    save_model(path, training.network.weights(), vocabulary, record, torch.float16)
    temporary.unlink()
    shutil.rmtree(training.folder)
    return value


def perplexity(reader: StreamReader, token_id: NDArray[np.int32], document: NDArray[np.int64]) -> tuple[float, int]:
    """Return the perplexity over all tokens but the first of each document, and their number."""
    surprisal = np.full(len(token_id), np.nan, np.float32)
    edges = [0, *(np.flatnonzero(np.diff(document)) + 1), len(token_id)]
    streams = [Stream(token_id[a:b], row=a) for a, b in pairwise(edges)]
    reader.read(streams, {}, surprisal)
    known = surprisal[~np.isnan(surprisal)]
    return float(2.0 ** known.astype(np.float64).mean()), len(known)
