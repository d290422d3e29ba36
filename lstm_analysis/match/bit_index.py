"""Bits of a run's stored states, kept in files beside the run: made once, mapped into memory by every search."""

import hashlib
import json
import shutil
from collections import deque
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from ..cluster import work
from ..disk import new_file
from ..errors import UserError
from ..locations import Location
from ..state_store import neuron_chunk
from ..store import write_json
from .bits import WORD, Words, n_word, set_bits
from .threshold import Sides

if TYPE_CHECKING:
    from distributed import Client

FORMAT = 1
FOLDER = "matches"
"""Folder of a run that holds its indexes."""
SLAB = 1 << 16
"""Tokens of a block of neurons that are in memory at once."""


@dataclass(frozen=True)
class Source:
    """Stored states and when they are on.

    Parameters
    ----------
    variable
        ``hidden_state`` or ``cell_state``.
    tanh
        Whether it is the tanh of the states that is compared.
    cutoff
        The smallest value that is on.
    sides
        See `Sides`.
    """

    variable: str
    tanh: bool
    cutoff: float
    sides: Sides

    @property
    def name(self) -> str:
        """Beginning of the folder's name: indexes of the same name replace one another."""
        return f"{'tanh-' if self.tanh else ''}{self.variable}-{self.sides}-{self.cutoff:.6g}"


@dataclass(frozen=True)
class Store:
    """A store of states, and what it was made from."""

    place: Location
    fingerprint: str


class BitIndex:
    """Bits of all neurons of a run, one file for each block of neurons, dims (side, neuron, word), neuron-major.

    Parameters
    ----------
    folder
        A finished index.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._facts: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self._maps: dict[tuple[int, int], Words] = {}

    @property
    def n_time(self) -> int:
        """Tokens."""
        return int(self._facts["n_time"])

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and neurons of each."""
        return int(self._facts["n_layer"]), int(self._facts["n_neuron"])

    @property
    def n_side(self) -> int:
        """Sides on which a neuron can be on."""
        return int(self._facts["n_side"])

    @cached_property
    def _chunk(self) -> int:
        return neuron_chunk(self.shape[1])

    def words(self, side: int, column: int) -> Words:
        """Return a neuron's bits on one side, dims (word)."""
        layer, neuron = divmod(column, self.shape[1])
        block, row = divmod(neuron, self._chunk)
        mapped = self._maps.get((layer, block))
        if mapped is None:
            file = _block_file(self.folder, layer, block * self._chunk)
            mapped = self._maps[layer, block] = np.asarray(np.load(file, mmap_mode="r"))
        found: Words = mapped[side, row]
        return found


def open_index(run: Path, store: Store, source: Source, client: "Client | None" = None) -> BitIndex:
    """Return the index of a run's states, made now if there is none of these states.

    Parameters
    ----------
    run
        Folder of the run.
    store
        Its states.
    source
        Which of them, and when they are on.
    client
        A Dask client whose workers make it, a block of neurons a task; by default this process does. What is done
        stays, so that an interrupted making goes on, and two at once do no harm.

    Raises
    ------
    UserError
        If stored states are missing.
    """
    folder = index_folder(run, store, source)
    if not (folder / "index.json").exists():
        _make(folder, store, source, client)
    return BitIndex(folder)


def index_folder(run: Path, store: Store, source: Source) -> Path:
    """Return where the index of these states lies, whether it is made or not."""
    made_from = json.dumps([FORMAT, store.fingerprint, asdict(source)], sort_keys=True)
    return run / FOLDER / f"{source.name}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"


def _make(folder: Path, store: Store, source: Source, client: "Client | None") -> None:
    n_time, n_layer, n_neuron = _array(store.place, source.variable).shape
    folder.mkdir(parents=True, exist_ok=True)
    chunk = neuron_chunk(n_neuron)
    blocks = [(layer, first) for layer in range(n_layer) for first in range(0, n_neuron, chunk)]
    queue = deque((block, store.place, folder, source, *block, min(chunk, n_neuron - block[1])) for block in blocks)
    for _, outcome in work(client, "match index", write_block, queue):
        if isinstance(outcome, BaseException):
            raise outcome
    sizes = {"n_time": n_time, "n_layer": n_layer, "n_neuron": n_neuron, "n_side": _n_side(source)}
    write_json(folder / "index.json", sizes | {"fingerprint": store.fingerprint, "source": asdict(source)})
    for old in folder.parent.glob(f"{source.name}-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def write_block(
    index: tuple[int, int], place: Location, folder: Path, source: Source, layer: int, first: int, n: int
) -> None:
    """Write the bits of a block of neurons, unless they are there; a slab of tokens is in memory at a time."""
    file = _block_file(folder, layer, first)
    if file.exists():
        return
    array = _array(place, source.variable)
    n_time, present = array.shape[0], _n_present(place, layer, array.shape[2])
    shape = (_n_side(source), n, n_word(n_time))
    with new_file(file) as temporary:
        packed = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint64, shape=shape)  # type: ignore[no-untyped-call]
        for start in range(0, n_time, SLAB):
            values = np.asarray(array[start : start + SLAB, layer, first : first + n])
            values = values.astype(np.promote_types(values.dtype, np.float32), copy=False)
            there = values[:, : max(0, present - first)]
            if there.size and np.isnan(there.min()):
                raise _missing(place, start + int(np.isnan(there).any(axis=1).argmax()))
            slab = np.zeros((*shape[:2], n_word(len(values))), np.uint64)
            set_bits(np.tanh(values) if source.tanh else values, np.full(n, source.cutoff), source.sides, slab, 0)
            packed[:, :, start // WORD : start // WORD + slab.shape[2]] = slab
        packed.flush()
        del packed


def _missing(place: Location, row: int) -> UserError:
    return UserError(
        f"The stored states are missing from token {row} on in {place}. Run the study again: damaged shards are then "
        "found and read anew."
    )


def _array(place: Location, variable: str) -> "zarr.Array[Any]":
    array = zarr.open_group(place, mode="r")[variable]
    assert isinstance(array, zarr.Array)
    return array


def _n_present(place: Location, layer: int, n_neuron: int) -> int:
    """Return how many neurons a layer has; past them the store is NaN."""
    sizes: Any = zarr.open_group(place, mode="r").attrs.get("layer_sizes")
    return int(sizes[layer]) if sizes else n_neuron


def _n_side(source: Source) -> int:
    return 2 if source.sides == "both" else 1


def _block_file(folder: Path, layer: int, first: int) -> Path:
    return folder / f"{layer}-{first}.npy"
