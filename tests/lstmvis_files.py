"""LSTMVis projects for tests, written with plain h5py and text, and a project that is changed in one place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from numpy.typing import NDArray

N_TIME, SIZES = 50, (4, 3)
WORDS = ("<unk>", "</s>", "the", "storm", "weather")
TAGS = ("DT", "NN", "_")
Arrays = dict[str, NDArray[Any]]
Change = Callable[[dict[str, Any], Arrays, Path], None]


def make_arrays(first_id: int = 1, seed: int = 0) -> Arrays:
    """Return word ids, where every seventh ends a sentence, states, and the values of tracks."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(first_id + 2, first_id + len(WORDS), N_TIME)
    ids[6::7] = first_id + 1
    ids[10] = first_id
    found: Arrays = {"words.hdf5/word_ids": ids, "tracks.h5/pos": rng.integers(0, 3, N_TIME)}
    found["tracks.h5/mood"] = rng.random(N_TIME).astype(np.float32)
    found["tracks.h5/length"] = np.arange(first_id + len(WORDS)) + 10
    for layer, size in enumerate(SIZES, 1):
        found[f"states.hdf5/states{layer}"] = (3 * rng.normal(size=(N_TIME, size))).astype(np.float32)
        found[f"states.hdf5/output{layer}"] = np.tanh(rng.normal(size=(N_TIME, size))).astype(np.float32)
    return found


def make_config() -> dict[str, Any]:
    """Return a whole ``lstm.yml``."""
    types = [{"type": "state", "layer": layer, "path": f"states{layer}"} for layer in (1, 2)]
    types += [{"type": "output", "layer": layer, "path": f"output{layer}", "transform": "none"} for layer in (1, 2)]
    return {
        "name": "storms",
        "description": "fair weather",
        "files": {
            "states": "states.hdf5", "train": "words.hdf5", "words": "words.dict", "tracks": "tracks.h5",
            "tags": "tags.dict",
        },
        "word_sequence": {"file": "train", "path": "word_ids", "dict_file": "words"},
        "states": {"file": "states", "types": types},
        "meta": {
            "pos": {"file": "tracks", "path": "pos", "dict": "tags", "vis": {"type": "discrete", "range": "dict"}},
            "mood": {"file": "tracks", "path": "mood", "vis": {"type": "scalar", "range": [0, 1]}},
            "length": {
                "file": "tracks", "path": "length", "index": "word_sequence", "vis": {"type": "scalar"},
            },
        },
    }  # fmt: skip


def write_project(
    folder: Path, change: Change | None = None, first_id: int = 1, words: tuple[str, ...] = WORDS, sign: str = "\t"
) -> Arrays:
    """Write a project; ``change`` may alter its configuration, its arrays and files in the folder before."""
    folder.mkdir(parents=True)
    config, arrays = make_config(), make_arrays(first_id)
    lines = [f"{word}{sign}{id_}\n" for id_, word in enumerate(words, first_id)]
    (folder / "words.dict").write_text("".join(lines), encoding="utf-8")
    (folder / "tags.dict").write_text("".join(f"{tag} {id_}\n" for id_, tag in enumerate(TAGS)), encoding="utf-8")
    if change is not None:
        change(config, arrays, folder)
    for name, values in arrays.items():
        file, _, path = name.partition("/")
        with h5py.File(folder / file, "a") as opened:
            opened[path] = values
    if not (folder / "lstm.yml").exists():
        (folder / "lstm.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return arrays
