"""States on disk whose neurons are matched, as a study makes them of those of a model."""

from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from lstm_analysis.matching_plan import matching_plan
from lstm_analysis.neuron_pairs import Pairs, gather_pairs, pair_queue
from lstm_analysis.store import write_dataset
from lstm_analysis.tasks import MatchedStates, pair_block

Floats = NDArray[np.float32]
N_TIME, N_TYPE = 1500, 40


def words(seed: int = 0, n: int = N_TIME) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return types, rare ones among them, and places in sentences up to 90 tokens long; dims (time)."""
    rng = np.random.default_rng(seed)
    type_id = np.minimum(rng.zipf(1.3, n) - 1, N_TYPE - 1)
    length = rng.integers(1, 90, n)
    position = np.concatenate([np.arange(one) for one in length])[:n]
    return type_id, position


def speaking(seed: int, sizes: tuple[int, ...], noise: float = 1.0) -> Floats:
    """Return states that know the word and the place, and have noise of their own; NaN past a layer's neurons."""
    rng = np.random.default_rng(seed)
    type_id, position = words()
    hidden = np.full((N_TIME, len(sizes), max(sizes)), np.nan, np.float32)
    for layer, size in enumerate(sizes):
        word, place = rng.standard_normal((N_TYPE, size)), np.cos(np.outer(position, rng.random(size)))
        total = word[type_id] + place + noise * rng.standard_normal((N_TIME, size))
        hidden[:, layer, :size] = np.tanh(total / 2)
    return hidden


def keep_states(folder: Path, hidden: Floats, sizes: tuple[int, ...], rows: str | None = None) -> MatchedStates:
    """Write states (time, layer, neuron) and return where they are."""
    group = zarr.open_group(folder, mode="w")
    group.create_array("hidden_state", data=hidden)
    return MatchedStates(folder, sizes, rows)


def keep_plan(folder: Path) -> Path:
    """Write the plan of `words`."""
    write_dataset(folder / "plan.zarr", matching_plan(*words(), N_TYPE))
    return folder / "plan.zarr"


def all_pairs(plan: Path, mine: MatchedStates, other: MatchedStates) -> Pairs:
    """Return what the tasks for all pairs of blocks find."""
    queue = pair_queue(plan, mine, other)
    return gather_pairs(((key, pair_block(key, *queue[key])) for key in queue), mine, other)
