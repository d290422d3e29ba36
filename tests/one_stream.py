"""A corpus that is one stream, a small model for it, and what one pass gives, token after token."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from tiny import load_tiny_model, write_model, write_texts

import lstm_analysis as la
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.run import Run

TOLERANCE = 5e-6


def make_model(folder: Path) -> LanguageModel:
    write_model(folder / "model.safetensors")
    return load_tiny_model(folder)


def make_corpus(folder: Path) -> xr.Dataset:
    """Return a corpus of 8,510 words in four documents."""
    write_texts(folder, (4000, 10, 3000, 1500))
    return la.read_corpus(str(folder / "*.txt"))


def in_sequence(model: LanguageModel, corpus: xr.Dataset, cuts: list[int] | None = None) -> dict[str, np.ndarray]:
    """Return h, c and surprisal of streams that begin at the cuts, each read alone, token after token."""
    ids = model.vocabulary.encode([str(x) for x in corpus["type"].values])[corpus["type_id"].values]
    shape = (len(ids), model.n_layer, model.n_neuron)
    found = {"hidden": np.empty(shape, np.float32), "cell": np.empty(shape, np.float32)}
    surprisal = np.empty(len(ids), np.float32)
    edges = [*(cuts or [0]), len(ids)]
    for a, b in pairwise(edges):
        bits = None if model.decoder is None else surprisal
        StreamReader(model).read([Stream(ids[a:b], row=a)], found, bits)
    return {"hidden_state": found["hidden"], "cell_state": found["cell"], "surprisal": surprisal}


def reading_facts(run: Run) -> dict[str, object]:
    facts = json.loads((run.path / "run.json").read_text())["facts"]
    return {**facts["lanes"], **facts["activations"]}
