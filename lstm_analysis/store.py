"""What lies on disk: stores made in one step, whole-shard writes that are verified, and commits."""

import errno
import json
import os
import re
import shutil
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore

from . import schema
from .dashboard import count
from .disk import new_file, temporary_name
from .integrity import ReadBack, is_sealed
from .locations import Location, exists, is_url, remove

Spans = Sequence[tuple[int, int]]
FINGERPRINT = "fingerprint"
COORDINATES = ("token_id", "document", "sentence", "sentence_position")
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}")
"""Temporary names of `new_file` and `new_store`; those of Zarr end in ``.partial``."""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file in one step."""
    with new_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())  # else the new name can outlive a power cut without its content


@contextmanager
def new_store(path: Path) -> Iterator[Path]:
    """Give a folder for a store and move it to ``path`` when it is whole, in place of what was there."""
    with new_folder(path) as temporary:
        yield temporary
        consolidate(temporary)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give the name of a folder to make, and move it to ``path`` when it is whole, in place of what was there."""
    temporary = temporary_name(path)
    try:
        yield temporary
        _put_in_place(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _put_in_place(folder: Path, path: Path) -> None:
    """Move a folder to a path, in place of what is there; of two that do so at once the last one stays."""
    while True:
        try:
            os.rename(folder, path)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        old = temporary_name(path)
        with suppress(FileNotFoundError):  # another writer has just moved it away
            os.rename(path, old)
            shutil.rmtree(old, ignore_errors=True)


def consolidate(folder: Location) -> None:
    """Put the metadata of all arrays into the group's, where xarray looks for it first."""
    with warnings.catch_warnings():  # the specification of Zarr 3 has no word on it yet; every reader may ignore it
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(folder, zarr_format=3)


def write_dataset(
    path: Path,
    dataset: xr.Dataset,
    fingerprint: str = "",
    variables: Mapping[str, schema.Variable] = schema.VARIABLES,
) -> None:
    """Write a dataset as a Zarr store in one step.

    Parameters
    ----------
    path, dataset
        Where, and what.
    fingerprint
        Says which inputs it was made from.
    variables
        Table of what its variables mean.
    """
    dataset = schema.attach_attrs(dataset, variables).assign_attrs({FINGERPRINT: fingerprint} if fingerprint else {})
    texts = {name: array.astype(object) for name, array in dataset.variables.items() if array.dtype.kind == "U"}
    dataset = dataset.assign_coords({name: array for name, array in texts.items() if name in dataset.coords})
    dataset = dataset.assign({name: array for name, array in texts.items() if name not in dataset.coords})
    with new_store(path) as folder:
        dataset.to_zarr(folder, mode="w", consolidated=False, zarr_format=3)
    count(bytes=dataset.nbytes)


def open_dataset(path: Location, chunks: Mapping[str, int] | None = None) -> xr.Dataset:
    """Open a Zarr store lazily; rows are read where they are asked for, by whoever asks.

    Parameters
    ----------
    path
        The store.
    chunks
        Open it as Dask arrays of these chunks, ``{}`` for those on disk. Inside a task and in the driver that would
        make tasks of their own for the cluster.
    """
    found: xr.Dataset = xr.open_zarr(path, consolidated=False, chunks=None if chunks is None else dict(chunks))
    return found


def read_fingerprint(path: Location) -> str | None:
    """Return what a store was made from, ``None`` where there is none, or it is half-made, or cannot be read."""
    if not exists(path, "The store"):
        return None
    try:
        found = zarr.open_group(path, mode="r", zarr_format=3, use_consolidated=False).attrs.get(FINGERPRINT)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def add_attrs(path: Location, attrs: Mapping[str, Any]) -> None:
    """Add attributes to a store, in its consolidated metadata too."""
    zarr.open_group(path, mode="r+", zarr_format=3, use_consolidated=False).attrs.update(attrs)
    consolidate(path)


def write_rows(path: Location, spans: Spans, shard: int, arrays: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """Write whole shards of each array, read them back and compare.

    Two writers of one shard would lose rows without a word, so anything but whole shards is refused.

    Parameters
    ----------
    path
        The store.
    spans
        Which rows, half-open, in the order in which the arrays hold them.
    shard
        Rows of a shard on disk.
    arrays
        The values of all spans, one after the other.

    Returns
    -------
    CRC-32 of each array's bytes.

    Raises
    ------
    ValueError
        If the rows are not exactly whole shards.
    OSError
        If what is on disk differs from what was written.
    """
    inner: Store = FsspecStore.from_url(str(path)) if is_url(path) else LocalStore(path)
    group = zarr.open_group(ReadBack(inner), mode="r+", zarr_format=3)
    sums = {}
    for name, values in arrays.items():
        array = group[name]
        assert isinstance(array, zarr.Array)
        values = np.ascontiguousarray(values, dtype=array.dtype)
        at = 0
        for start, stop in spans:
            if start % shard or (stop % shard and stop != array.shape[0]):
                raise ValueError(f"rows {start}:{stop} of {name} are not whole shards of {shard}")
            array[start:stop] = values[at : at + stop - start]
            at += stop - start
        if at != len(values):
            raise ValueError(f"{len(values)} rows of {name} were given for spans of {at}")
        count(bytes=values.nbytes)
        sums[name] = crc32(values)
    return sums


def read_rows(array: zarr.Array[Any], spans: Spans) -> NDArray[Any]:
    """Return the rows of a few spans, one after the other."""
    parts = [np.asarray(array[start:stop]) for start, stop in spans]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def checksum(group: zarr.Group, name: str, spans: Spans) -> int:
    """Return the CRC-32 of rows as they are on disk."""
    array = group[name]
    assert isinstance(array, zarr.Array)
    sum_ = 0
    for start, stop in spans:
        sum_ = crc32(np.asarray(array[start:stop]), sum_)
    return sum_


def crc32(values: NDArray[Any], before: int = 0) -> int:
    """Return the CRC-32 of an array's bytes in C order, going on from that of the bytes before them."""
    return zlib.crc32(np.ascontiguousarray(values).view(np.uint8).reshape(-1).data, before)


def commit_path(run: Path, index: int) -> Path:
    """Return the file that says shard ``index`` is done."""
    return run / "commits" / f"{index:08d}.json"


def read_commits(run: Path) -> dict[int, dict[str, Any]]:
    """Return the commits of a run by shard; one listing, made once by the driver.

    A commit that cannot be understood, as a power cut can leave it, counts for none: its shard is done again.
    """
    folder = run / "commits"
    files = sorted(folder.glob("[0-9]*.json")) if folder.is_dir() else []
    found = {int(file.stem): read_commit(file) for file in files}
    return {index: commit for index, commit in found.items() if commit is not None}


def read_commit(file: Path) -> dict[str, Any] | None:
    """Return a commit, ``None`` if it is not there or damaged."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) and is_sealed(content) else None


def remove_leftovers(run: Path) -> None:
    """Remove the half-written files and folders that killed programs left in a run."""
    folders = (run, run / "commits", run / "carried")
    named = [entry for folder in folders for entry in folder.glob(".*") if LEFTOVER.fullmatch(entry.name)]
    for entry in [*named, *(run / "activations.zarr").rglob("*.partial")]:
        remove(entry)
