"""A tiny study on disk: a random model of 2 x 10 neurons, a text of a few hundred sentences, four concepts."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.vocabulary import Vocabulary

WORDS = [f"w{i}" for i in range(60)]
N_NEURON = 10
STORES = ("corpus.zarr", "activations.zarr", "labels.zarr", "summary.zarr", "selectivity.zarr",
          "sentence_position.zarr", "categories.zarr", "idioms.zarr", "periodicity.zarr", "neuron_matching.zarr",
          "pca.zarr", "probes.zarr", "contexts.zarr")  # fmt: skip
SCORES = tuple(name for name in STORES if name != "activations.zarr")
"""Of a study that keeps no states."""


def random_tensors(seed: int = 0, n_token: int = len(WORDS) + 2, n_layer: int = 2) -> dict[str, torch.Tensor]:
    """Return the weights of a random model under the classic names."""
    draw, size = torch.Generator().manual_seed(seed), N_NEURON
    tensors = {"encoder.weight": (n_token, size), "decoder.bias": (n_token,)}
    for i in range(n_layer):
        tensors |= {f"rnn.weight_ih_l{i}": (4 * size, size), f"rnn.weight_hh_l{i}": (4 * size, size)}
        tensors |= {f"rnn.bias_ih_l{i}": (4 * size,), f"rnn.bias_hh_l{i}": (4 * size,)}
    return {name: torch.randn(shape, generator=draw) * 0.7 for name, shape in tensors.items()}


def write_model(path: Path, seed: int = 0) -> None:
    """Write a random model that knows all words."""
    vocabulary = Vocabulary(("<unk>", "</s>", *WORDS))
    save_weights(path, random_tensors(seed), vocabulary, {}, torch.float32)


def write_texts(folder: Path, lengths: tuple[int, ...] = (300, 40, 700, 5, 260), seed: int = 1) -> None:
    """Write a text for each length in words: a document each, sentences of 1 to 15 words."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i, length in enumerate(lengths):
        words, lines = list(rng.choice(WORDS, length)), []
        while words:
            n = int(rng.integers(1, 16))
            lines.append(" ".join(words[:n]))
            words = words[n:]
        (folder / f"{i}.txt").write_text("\n".join(lines) + "\n")


def write_study(folder: Path, **changes: object) -> Path:
    """Write model, text, concepts and study into a folder; return the study file."""
    folder.mkdir(parents=True, exist_ok=True)
    write_model(folder / "model.safetensors")
    write_texts(folder / "text")
    (folder / "categories.yaml").write_text(yaml.safe_dump({"low": WORDS[:12], "high": WORDS[-12:]}))
    (folder / "idioms.yaml").write_text(yaml.safe_dump({"w1 w2": ["w1 w2", "w2 w1"], "w3 gap": "w3 ~ {w4|w5|w6|w7}"}))
    study = {
        "name": "tiny",
        "corpus": {"format": "text", "path": "text/*.txt"},
        "model": {"checkpoint": "model.safetensors"},
        "inference": {"shard_tokens": 128},
        "selectivity": {"draws": 0, "twin": None},
        "analyses": ["sentence_position"],
        "concepts": [
            {"source": "categories", "file": "categories.yaml"},
            {"source": "idioms", "file": "idioms.yaml"},
            {"source": "position", "first": 2},
        ],
        **changes,
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(study))
    return folder / "tiny.yaml"


def load_tiny_model(path: Path) -> LanguageModel:
    """Return the model of a tiny study's folder."""
    from lstm_analysis.inference.checkpoints import load_model

    return load_model(path / "model.safetensors")


def digests(run: Path, names: tuple[str, ...] = STORES) -> dict[str, str]:
    """Return the SHA-256 of every file of a run's stores."""
    files = [file for name in names for file in sorted((run / name).rglob("*")) if file.is_file()]
    return {str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def read_facts(run: Path) -> dict[str, Any]:
    """Return the facts of a run's run.json."""
    facts: dict[str, Any] = json.loads((run / "run.json").read_text())["facts"]
    return facts


@dataclass(frozen=True)
class TinyStudy:
    """A study of 20 shards of 220 tokens, and the digests of what it gives, stored or not, in one process."""

    file: Path
    stored: dict[str, str]
    streamed: dict[str, str]
    n_shard: int = 20

    def expected(self, store: str) -> dict[str, str]:
        """Return what it gives with ``store: float32`` or ``none``."""
        return self.stored if store == "float32" else self.streamed

    def found(self, run: Path, store: str = "float32") -> dict[str, str]:
        """Return the digests of a run of it."""
        return digests(run, STORES if store == "float32" else SCORES)
