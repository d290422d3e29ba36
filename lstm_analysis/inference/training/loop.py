"""The training loop: truncated back-propagation over parallel streams, with a place to go on from.

Long trainings are safe: every few minutes weights, optimiser and place are written beside the checkpoint, and the
same command goes on from there. Each update draws its dropout from its own seed, so on the processor of one machine
an interrupted training ends with the bytes of an undisturbed one. (CUDA adds in no fixed order.)
"""

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ...errors import UserError, raise_if_stopped
from ...ranges import N_SEED
from ...recipe import Recipe
from .log import Speed, TrainingLog
from .network import Network
from .optimiser import Average, average_begins, make_optimiser
from .pieces import Pieces
from .progress import Place, Progress
from .schedule import learning_rate

SAVE_SECONDS = 120.0
LOG_UPDATES = 100


class Training:
    """A training that can be stopped and taken up again.

    Parameters
    ----------
    network
        What learns, on its device.
    pieces
        What it learns from.
    recipe
        How.
    progress, log
        Where its place and its log are kept.
    validate
        Returns the validation perplexity of the network as it is now.
    keep
        Writes a checkpoint of the network as it is now, after so many epochs: called for each of the recipe's
        ``keep_epochs``.
    """

    def __init__(
        self,
        network: Network,
        pieces: Pieces,
        recipe: Recipe,
        progress: Progress,
        log: TrainingLog,
        validate: Callable[[], float],
        keep: Callable[[float], None] = lambda epochs: None,
    ) -> None:
        self.network, self.pieces, self.recipe = network, pieces, recipe
        self.progress, self.log, self.validate, self.keep = progress, log, validate, keep
        self.to_keep = {max(1, round(epochs * len(pieces))): epochs for epochs in recipe.keep_epochs}
        self.parameters = list(network.parameters())
        self.optimiser = make_optimiser(self.parameters, recipe)
        self.average = Average(network.weights())
        self.state = pieces.streams.new_zeros((2, recipe.layers, recipe.streams, recipe.size), dtype=torch.float32)
        self.place, self.speed = Place(), Speed()
        saved = progress.load()
        if saved is not None:
            self._restore(*saved)
        self.log.go_on(self.place.update, len(self.place.validation))
        self._saved = time.monotonic()

    @property
    def stopped_early(self) -> bool:
        """Whether the last ``patience`` epochs brought no better validation perplexity."""
        found, patience = self.place.validation, self.recipe.patience
        return patience is not None and bool(found) and len(found) - self.best_epoch >= patience

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest validation perplexity, from 1."""
        found = np.array(self.place.validation)
        return int(np.nanargmin(found)) + 1 if np.isfinite(found).any() else len(found)

    def run(self, after_epoch: Callable[[], None] = lambda: None) -> None:
        """Train to the end; then the network has the weights to keep: the averaged ones, or those of the best epoch."""
        n_epoch, per_epoch = self.recipe.epochs, len(self.pieces)
        self.speed.restart()
        with tqdm(total=n_epoch * per_epoch, initial=self.place.update, unit=" updates") as bar:
            while True:
                raise_if_stopped()
                epoch, i = divmod(self.place.update, per_epoch)
                if i == 0 and epoch > len(self.place.validation):
                    self._end_epoch(epoch)
                    after_epoch()
                if (epochs := self.to_keep.get(self.place.update)) is not None:
                    with self.average.in_place():
                        self.keep(epochs)
                if epoch == n_epoch or self.stopped_early:
                    break
                bar.set_description(f"train, epoch {epoch + 1} of {n_epoch}", refresh=False)
                nats = self._update(i)
                bar.set_postfix(perplexity=f"{_exp(nats):.1f}", refresh=False)
                bar.update()
                if time.monotonic() - self._saved > SAVE_SECONDS:
                    self.save()
        if self.recipe.patience is not None:
            self.network.load_weights(self.progress.best())
        else:
            self.network.load_weights(self.average.mean)

    def _update(self, i: int) -> float:
        """Do the ``i``-th update of the epoch and return its mean nats a token."""
        torch.manual_seed((self.recipe.seed * 1_000_003 + self.place.update) % N_SEED)
        if i == 0:
            self.state.zero_()
            self.place.epoch_nats = 0.0
        rate = learning_rate(self.recipe, self.place.update, len(self.pieces))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        ids = self.pieces[i]
        nats, self.state = self.network.loss(ids, self.state)
        self.optimiser.zero_grad()
        (nats * (len(ids) - 1) if self.recipe.loss == "sum" else nats).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self.optimiser.step()
        self.place.update += 1
        if average_begins(self.recipe, self.place.validation) or self.average.mean:
            self.average.add()
        found = nats.item()
        self._count(found, ids[1:].numel(), rate)
        return found

    def _count(self, nats: float, n_token: int, rate: float) -> None:
        if not math.isfinite(nats):
            begun = f"; remove the folder {self.progress.folder}" if self.progress.is_saved else ""
            raise UserError(
                f"The training went astray: its loss is {nats} at update {self.place.update}. Lower "
                f"model.train.learning_rate or model.train.clip{begun} and start anew."
            )
        self.place.epoch_nats += nats
        self.place.recent_nats += nats
        self.speed.count(n_token)
        if self.place.update % LOG_UPDATES == 0:
            self.log.write(
                "updates",
                update=self.place.update,
                epoch=(self.place.update - 1) // len(self.pieces) + 1,
                train_loss=self.place.recent_nats / LOG_UPDATES,
                learning_rate=rate,
                tokens_per_second=round(self.speed.read(), 1),
            )
            self.place.recent_nats = 0.0

    def _end_epoch(self, epoch: int) -> None:
        with self.average.in_place():
            value = self.validate()
            self.place.validation.append(value)
            if self.recipe.patience is not None and self.best_epoch == epoch:
                self.progress.save_best(self.network.weights())
        rate = self.optimiser.param_groups[0]["lr"]
        self.log.write(
            "epoch", update=self.place.update, epoch=epoch, train_loss=self.place.epoch_nats / len(self.pieces),
            validation_perplexity=value, learning_rate=rate,
        )  # fmt: skip
        self.save()
        self.speed.restart()

    def save(self) -> None:
        """Write all that is needed to go on."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.weights().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.mean.items()}
        for i, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{i}.{k}": torch.as_tensor(v) for k, v in slots.items() if v is not None}
        self.place.n_averaged = self.average.n_update
        self.progress.save(self.place, {**tensors, "state": self.state})
        self._saved = time.monotonic()

    def _restore(self, place: Place, tensors: dict[str, Tensor]) -> None:
        def part(name: str) -> dict[str, Tensor]:
            stem = name + "."
            return {k.removeprefix(stem): v.to(self.state.device) for k, v in tensors.items() if k.startswith(stem)}

        self.place = place
        self.network.load_weights(part("network"))
        self.average.mean, self.average.n_update = part("average"), place.n_averaged
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in part("optimiser").items():
            i, slot = name.split(".")
            slots.setdefault(int(i), {})[slot] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self.state = tensors["state"].to(self.state.device)


def _exp(nats: float) -> float:
    return math.exp(min(nats, 700.0))
