"""Carried states on disk: where a shard left its lanes, and where a group of lanes begins."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..disk import new_file
from ..inference.forgetting import agree
from ..inference.shards import Shard
from ..store import crc32

State = NDArray[np.float32]
CHECKSUM_BYTES = 4
"""Behind the states in a file, where numpy does not look."""


def end_path(run: Path, index: int) -> Path:
    """Return the file with the end states of a shard, dims (lane, part, layer, neuron)."""
    return run / "carried" / f"end-{index:08d}.npy"


def start_path(run: Path, group: int) -> Path:
    """Return the file with the states that a group of lanes begins from, dims (lane, part, layer, neuron)."""
    return run / "carried" / f"start-{group:06d}.npy"


def save_state(path: Path, state: State) -> int:
    """Write states in one step, their CRC-32 behind them; return it."""
    found = crc32(state)
    path.parent.mkdir(exist_ok=True)
    with new_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, state)
        file.write(found.to_bytes(CHECKSUM_BYTES, "little"))
    return found


def load_state(path: Path) -> State | None:
    """Return states from disk, ``None`` where there are none that are what was written."""
    try:
        with path.open("rb") as file:
            found: State = np.load(file, allow_pickle=False)
            wanted = file.read()
    except (OSError, ValueError, EOFError):
        return None
    return found if wanted == crc32(found).to_bytes(CHECKSUM_BYTES, "little") else None


def start_state(run: Path, shard: Shard) -> State | None:
    """Return the states that the carried segments of a shard begin from; ``None`` if it has none.

    Raises
    ------
    OSError
        If they are not on disk.
    """
    if shard.after is None and shard.group is None:
        return None
    path = start_path(run, shard.group) if shard.after is None else end_path(run, shard.after)  # type: ignore[arg-type]
    found = load_state(path)
    if found is None:
        raise OSError(f"the states that shard {shard.index} goes on from are missing: {path}")
    return found


def hand_over(run: Path, shard: Shard, end: State, tolerance: float) -> dict[str, Any]:
    """Keep the end states of a shard for the next one.

    A lane that ends within the tolerance of where it ended before keeps its old end: what was read from there stands.

    Returns
    -------
    The CRC-32 of the states that are kept and, if old ones are, their largest difference, dims (part, layer).
    """
    if not shard.n_lane:
        return {}
    path, facts = end_path(run, shard.index), {}
    before = load_state(path)
    if before is not None and before.shape == end.shape:
        same = agree(before, end, tolerance)
        if same.any() and not np.array_equal(before, end):
            facts["difference"] = np.abs(before - end)[same].max(axis=(0, 3)).tolist()
        end = np.where(same[:, None, None, None], before, end)
    return {"end_crc32": save_state(path, end), **facts}
