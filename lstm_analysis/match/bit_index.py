"""Bits of a run's stored states, kept in files beside the run: made once, mapped into memory by every search."""

import hashlib
import json
import logging
import shutil
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ..cluster import work
from ..disk import new_file
from ..errors import UserError
from ..locations import Location
from ..store import write_json
from .bits import PIECE, SLAB, Slab, n_slab, new_by_time, set_bits, transposed
from .threshold import Sides

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

FORMAT = 1
FACTS = "index.json"
"""Written last: an index that has it is whole."""
FOLDER = "matches"
"""Folder of a run that holds its indexes."""


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
    """Bits of all neurons of a run: two files a slab of tokens, mapped into memory when they are needed.

    Parameters
    ----------
    folder
        A finished index.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        self._slabs: dict[int, Slab] = {}

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

    def slab(self, index: int) -> Slab:
        """Return a slab."""
        if index not in self._slabs:
            self._slabs[index] = Slab(
                *(np.asarray(np.load(file, mmap_mode="r")) for file in _files(self.folder, index))
            )
        return self._slabs[index]


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
        A Dask client whose workers make it, a slab of tokens a task; by default this process does. What is done
        stays, so that an interrupted making goes on, and two at once do no harm.

    Raises
    ------
    UserError
        If stored states are missing.
    """
    folder = index_folder(run, store, source)
    if not (folder / FACTS).exists():
        _make(folder, store, source, client)
    return BitIndex(folder)


def index_folder(run: Path, store: Store, source: Source) -> Path:
    """Return where the index of these states lies, whether it is made or not."""
    made_from = json.dumps([FORMAT, store.fingerprint, asdict(source)], sort_keys=True)
    return run / FOLDER / f"{source.name}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"


def _make(folder: Path, store: Store, source: Source, client: "Client | None") -> None:
    n_time, n_layer, n_neuron = _array(store.place, source.variable).shape
    folder.mkdir(parents=True, exist_ok=True)
    log.info(
        "making the index of %s for matching: %s (once for these states and this threshold)", source.variable, folder
    )
    queue = deque((index, store.place, folder, source) for index in range(n_slab(n_time)))
    for _, outcome in work(client, "match index", write_slab, queue):
        if isinstance(outcome, BaseException):
            raise outcome
    sizes = {"n_time": n_time, "n_layer": n_layer, "n_neuron": n_neuron, "n_side": 2 if source.sides == "both" else 1}
    write_json(folder / FACTS, sizes | {"fingerprint": store.fingerprint, "source": asdict(source)})
    for old in folder.parent.glob(f"{source.name}-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def write_slab(index: int, place: Location, folder: Path, source: Source) -> None:
    """Write the bits of a slab of tokens, unless they are there: a task.

    In memory are the slab's bits, twice, and the states of a piece of it.
    """
    files = _files(folder, index)
    if all(file.exists() for file in files):
        return
    array = _array(place, source.variable)
    n_time, n_layer, n_neuron = array.shape
    absent = np.arange(n_neuron) >= _layer_sizes(place, n_layer, n_neuron)[:, np.newaxis]
    first = index * SLAB
    by_time = new_by_time(min(SLAB, n_time - first), (n_layer, n_neuron), source.sides)
    for start in range(0, len(by_time), PIECE):
        stop = min(start + PIECE, len(by_time))
        values = np.asarray(array[first + start : first + stop])
        values = values.astype(np.promote_types(values.dtype, np.float32), copy=False)
        if (np.isnan(values.min(axis=0)) & ~absent).any():
            raise _missing(place, first + start + int(np.isnan(values[:, ~absent]).any(axis=1).argmax()))
        level = np.full((n_layer, n_neuron), source.cutoff)
        set_bits(np.tanh(values) if source.tanh else values, level, source.sides, by_time[start:stop])
    for file, packed in zip(files, (by_time, transposed(by_time)), strict=True):
        with new_file(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, packed)


def _missing(place: Location, row: int) -> UserError:
    return UserError(
        f"The stored states are missing from token {row} on in {place}. Run the study again: damaged shards are then "
        "found and read anew."
    )


def _array(place: Location, variable: str) -> "zarr.Array[Any]":
    array = zarr.open_group(place, mode="r")[variable]
    assert isinstance(array, zarr.Array)
    return array


def _layer_sizes(place: Location, n_layer: int, n_neuron: int) -> NDArray[np.int64]:
    """Return how many neurons each layer has; past them the store is NaN."""
    sizes: Any = zarr.open_group(place, mode="r").attrs.get("layer_sizes")
    return np.array(sizes or [n_neuron] * n_layer, np.int64)


def _files(folder: Path, index: int) -> tuple[Path, Path]:
    """Return the files of a slab: its bits by token, and by neuron."""
    return folder / f"{index:06d}-by-time.npy", folder / f"{index:06d}-by-neuron.npy"
