"""The store of the states: made in one step, one shard on disk or one object for each shard of work and variable."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zarr

from . import schema
from .locations import Location, explained, remove
from .store import COORDINATES, FINGERPRINT, consolidate, new_store

NEURON_CHUNK = 65
TIME_CHUNK = 4096


def neuron_chunk(n_neuron: int) -> int:
    """Return the neurons of a stored chunk: near 65, and a divisor of their number if there is one.

    >>> neuron_chunk(650), neuron_chunk(200), neuron_chunk(128), neuron_chunk(97)
    (65, 50, 64, 65)
    """
    divisors = [size for size in range(NEURON_CHUNK // 2, NEURON_CHUNK + 1) if n_neuron % size == 0]
    return min(n_neuron, divisors[-1] if divisors else NEURON_CHUNK)


def time_chunk(shard: int) -> int:
    """Return the tokens of a stored chunk: at most 4096, and a divisor of the shard, which is cut evenly.

    >>> time_chunk(65536), time_chunk(100), time_chunk(5000), time_chunk(9973)
    (4096, 100, 2500, 9973)
    """
    if shard <= TIME_CHUNK:
        return shard
    divisors = [size for size in range(TIME_CHUNK // 16, TIME_CHUNK + 1) if shard % size == 0]
    return divisors[-1] if divisors else shard


def create_activations(
    path: Location,
    n_time: int,
    n_layer: int,
    n_neuron: int,
    variables: Mapping[str, str],
    shard: int,
    fingerprint: str,
    coordinates: Sequence[str] = COORDINATES,
) -> None:
    """Create an empty activations store: a shard of work is one shard on disk, of chunks small enough for one neuron.

    Parameters
    ----------
    path
        The store.
    n_time, n_layer, n_neuron
        Sizes of the dims.
    variables
        Name to stored type; the dims are those of the vocabulary.
    shard
        Tokens of a shard.
    fingerprint
        Of the inputs.
    coordinates
        Columns of the corpus that lie beside the states.
    """
    chunk = neuron_chunk(n_neuron)
    with _new_states(path) as place:
        group = zarr.open_group(place, mode="w", zarr_format=3)
        for name in [*variables, *coordinates]:
            variable = schema.VARIABLES[name]
            states = "neuron" in variable.dims
            rows = time_chunk(shard)
            group.create_array(
                name,
                shape=(n_time, n_layer, n_neuron) if states else (n_time,),
                chunks=(rows, 1, chunk) if states else (shard,),
                shards=(shard, n_layer, -(-n_neuron // chunk) * chunk) if states else None,
                dtype=variables.get(name, variable.dtype),
                fill_value=np.nan if name in variables else -1,
                compressors=None if states else "auto",
                dimension_names=variable.dims,
                attributes=dict(variable.attrs),
            )
        group.attrs.update({"coordinates": " ".join(coordinates), FINGERPRINT: fingerprint})  # last: now it is whole


@contextmanager
def _new_states(path: Location) -> Iterator[Location]:
    """Give a place for a store to be made at: object stores cannot move, so there it is ``path`` itself, emptied.

    Whoever fills it gives it its fingerprint last.
    """
    if isinstance(path, Path):
        with new_store(path) as folder:
            yield folder
    else:
        remove(path)
        yield path
        consolidate(path)


def remove_rows(path: Location, kept: Collection[int]) -> None:
    """Remove the shards of a store, counted along ``time``, that are not to be kept."""
    if not isinstance(path, Path):
        with explained(path, "The store") as (filesystem, inner):
            filesystem.invalidate_cache()
            found = [entry.removeprefix(inner.rstrip("/")).strip("/") for entry in filesystem.find(inner)]
            wrong = [name for name in found if (n := _shard_number(name)) is not None and n not in kept]
            if wrong:
                filesystem.rm([f"{inner.rstrip('/')}/{name}" for name in wrong])
        return
    for folder in path.glob("*/c"):
        for entry in folder.iterdir():
            if entry.name.isdecimal() and int(entry.name) not in kept:
                remove(entry)


def _shard_number(name: str) -> int | None:
    """Return which shard an object of a store holds.

    >>> _shard_number("hidden_state/c/12/0/0"), _shard_number("hidden_state/zarr.json")
    (12, None)
    """
    parts = name.split("/")
    return int(parts[2]) if len(parts) > 2 and parts[1] == "c" and parts[2].isdecimal() else None
