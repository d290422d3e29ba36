"""Something to learn: a text with a pattern in it, its vocabulary, and a training of a few updates."""

from pathlib import Path

import numpy as np
import torch

from lstm_analysis.inference.training import Text, perplexity
from lstm_analysis.inference.training.log import TrainingLog
from lstm_analysis.inference.training.loop import Training
from lstm_analysis.inference.training.network import Network
from lstm_analysis.inference.training.pieces import cut
from lstm_analysis.inference.training.progress import Progress
from lstm_analysis.recipe import Recipe
from lstm_analysis.vocabulary import Vocabulary

N_TOKEN = 30
VOCABULARY = Vocabulary(("<unk>", "</s>", *(f"w{i}" for i in range(N_TOKEN - 2))))


def make_text(n: int = 1000, seed: int = 0, n_document: int = 1) -> Text:
    """Return a text in which a token often follows its predecessor in the vocabulary."""
    draw = np.random.default_rng(seed)
    noise, follows = draw.integers(0, N_TOKEN, n), draw.random(n) < 0.7
    token_id = np.zeros(n, np.int32)
    for t in range(1, n):
        token_id[t] = (token_id[t - 1] + 1) % N_TOKEN if follows[t] else noise[t]
    return Text(token_id, np.sort(draw.integers(0, n_document, n)))


def make_network(recipe: Recipe) -> Network:
    """Return the network that a training by the recipe begins with."""
    torch.manual_seed(recipe.seed)
    return Network(N_TOKEN, recipe)


def make_training(folder: Path, recipe: Recipe, text: Text | None = None) -> Training:
    """Return a training that measures itself on another text, or goes on with the one in the folder."""
    network, validation = make_network(recipe), make_text(200, seed=1)
    pieces = cut((text or make_text()).token_id, recipe, torch.device("cpu"))
    checkpoint = folder / "m.safetensors"
    return Training(
        network, pieces, recipe, Progress(checkpoint, recipe, "digest"), TrainingLog(checkpoint),
        validate=lambda: perplexity(network.model(VOCABULARY), validation)[0],
    )  # fmt: skip
