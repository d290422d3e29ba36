"""Training word language models: one file each for network, softmax, schedule, optimiser, loop, log, evaluation."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ...errors import UserError
from ...recipe import Recipe
from ...vocabulary import Vocabulary
from ..checkpoints import load_model, save_model
from ..model import LanguageModel
from .evaluation import Text, perplexity
from .log import TrainingLog
from .loop import Training
from .network import Network
from .pieces import cut
from .progress import Progress, alone

__all__ = ["Text", "Trained", "alone", "kept_epochs_folder", "perplexity", "train_model", "write_untrained"]


@dataclass(frozen=True)
class Trained:
    """What came out of a training.

    Parameters
    ----------
    validation_perplexity, test_perplexity
        Of the written checkpoint; ``None`` without a test text.
    """

    validation_perplexity: float
    test_perplexity: float | None


def train_model(
    train: Text,
    validation: Text,
    test: Text | None,
    vocabulary: Vocabulary,
    recipe: Recipe,
    path: Path,
    metadata: Mapping[str, str],
    after_epoch: Callable[[], None] = lambda: None,
) -> Trained:
    """Train on a text and write a float16 safetensors checkpoint that records recipe and perplexities.

    ``<path>.progress/`` holds the state to go on from until the end, ``<path>.log.jsonl`` the log. The checkpoints of
    the recipe's ``keep_epochs`` are in the folder `kept_epochs_folder`, each named by its epoch.

    Parameters
    ----------
    train, validation, test
        What to learn from, what to measure after each epoch, what to measure once at the end.
    vocabulary
        Names of the indices.
    recipe
        How to train.
    path
        The checkpoint to write.
    metadata
        What to record about the text.
    after_epoch
        Called when an epoch was measured and logged.

    Returns
    -------
    The perplexities of the checkpoint, each document read from a zero state.

    Raises
    ------
    UserError
        If a text is too short, the progress folder belongs to another training, or the loss is not finite.
    """
    for name, text in (("validation", validation), ("test", test)):
        if text is not None and not (np.diff(text.document) == 0).any():
            raise UserError(f"No document of the {name} text has two tokens, so there is nothing to predict in it.")
    device = _device(recipe.device)
    network = _network(vocabulary, recipe).to(device)
    progress, log = Progress(path, recipe, _digest(train, validation, vocabulary)), TrainingLog(path)
    record = {**_record(metadata, recipe), "n_token_training": str(len(train)), "perplexity_carry": "document"}

    def keep(epochs: float) -> None:
        file = kept_epochs_folder(path) / f"{epochs:g}.safetensors"
        file.parent.mkdir(exist_ok=True)
        _write_measured(network.model(vocabulary), file, {**record, "epochs": f"{epochs:g}"},
                        {"validation": validation})  # fmt: skip

    training = Training(
        network, cut(train.token_id, recipe, device), recipe, progress, log,
        validate=lambda: perplexity(network.model(vocabulary), validation)[0], keep=keep,
    )  # fmt: skip
    training.run(after_epoch)
    record["epochs"] = str(len(training.place.validation))
    if recipe.patience is not None:
        record["best_epoch"] = str(training.best_epoch)
    found = _write_measured(network.model(vocabulary), path, record, {"validation": validation, "test": test})
    log.write("end", update=training.place.update, epoch=training.best_epoch if recipe.patience else recipe.epochs,
              validation_perplexity=found.validation_perplexity, test_perplexity=found.test_perplexity)  # fmt: skip
    progress.remove()
    return found


def kept_epochs_folder(checkpoint: Path) -> Path:
    """Return the folder of the checkpoints that the training of a checkpoint keeps on the way."""
    return checkpoint.with_name(checkpoint.stem + ".epochs")


def write_untrained(vocabulary: Vocabulary, recipe: Recipe, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the weights that a training by this recipe begins with, to the bit: a float32 safetensors checkpoint.

    They are those of the ``initial`` twin of the trained model, made from the recipe's seed.
    """
    model = _network(vocabulary, recipe).model(vocabulary)
    save_model(replace(model, metadata={**_record(metadata, recipe), "epochs": "0"}), path, "float32")


def _network(vocabulary: Vocabulary, recipe: Recipe) -> Network:
    if recipe.cutoffs and recipe.cutoffs[-1] >= len(vocabulary):
        raise UserError(
            f"model.train.cutoffs is {list(recipe.cutoffs)}, but the text has only {len(vocabulary)} distinct tokens. "
            "Give smaller cutoffs, or softmax: full."
        )
    torch.manual_seed(recipe.seed)
    return Network(len(vocabulary), recipe)


def _write_measured(
    model: LanguageModel, path: Path, record: Mapping[str, str], texts: Mapping[str, Text | None]
) -> Trained:
    """Write the checkpoint once to measure what was written, and again with what was measured."""
    temporary = path.with_name("unmeasured-" + path.name)
    try:
        save_model(replace(model, metadata=record), temporary, "float16")
        written = load_model(temporary).to(model.embedding.device)
    finally:
        temporary.unlink(missing_ok=True)
    found, measured = {}, dict(record)
    for name, text in texts.items():
        if text is not None:
            found[name], n = perplexity(written, text)
            measured |= {f"{name}_perplexity": f"{found[name]:.2f}", f"n_token_{name}": str(n)}
    save_model(replace(model, metadata=measured), path, "float16")
    return Trained(found["validation"], found.get("test"))


def _record(metadata: Mapping[str, str], recipe: Recipe) -> dict[str, str]:
    return {**metadata, "recipe": json.dumps(recipe.recorded())}


def _digest(train: Text, validation: Text, vocabulary: Vocabulary) -> str:
    sha = hashlib.sha256(vocabulary.digest.encode())
    for text in (train, validation):
        sha.update(text.token_id.tobytes())
        sha.update(text.document.tobytes())
    return sha.hexdigest()


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("model.train.device is cuda, but this machine has no CUDA device. Set device: auto, or cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
