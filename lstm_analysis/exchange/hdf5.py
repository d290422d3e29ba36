"""HDF5 files of other programs: found by path, read in blocks, and no other file is read along with them."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, UserError, nearest

Array = NDArray[Any]


def need_h5py() -> Any:
    """Return the package that reads HDF5.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        return importlib.import_module("h5py")
    except ImportError:
        raise UsageError(
            "HDF5 files need the package h5py, which is not installed: pip install 'lstm-analysis[exchange]'."
        ) from None


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open a file for reading.

    Raises
    ------
    UsageError
        If it is no HDF5 file, or not a whole one.
    """
    h5py = need_h5py()
    with _explained(str(path)):
        opened = h5py.File(path, "r", locking="best-effort")  # read-only file systems may know no locks
    with opened:
        yield opened


def find_dataset(opened: Any, path: str, named: str, dims: tuple[str, ...]) -> Any:
    """Return a dataset of numbers of an open file.

    Parameters
    ----------
    opened
        The file.
    path
        Names of groups and of the dataset, separated by ``/``.
    named
        Where the path comes from, for messages.
    dims
        Names of its dims.

    Raises
    ------
    UsageError
        If there is no such dataset, it has another shape or type, or its values lie elsewhere: behind a link, in
        another file.
    """
    with _explained(opened.filename):
        found = _find(opened, path, named)
        if found.dtype.kind in "fiub" and found.ndim == len(dims) and found.size:
            return found
        shape, kind = found.shape, found.dtype
    raise UsageError(
        f"{named}: {path!r} in {opened.filename} must hold numbers of dims ({', '.join(dims)}), found shape {shape} of "
        f"{kind}."
    )


def _find(opened: Any, path: str, named: str) -> Any:
    h5py, file, node = need_h5py(), opened.filename, opened
    for name in filter(None, path.split("/")):
        link = node.get(name, getlink=True) if isinstance(node, h5py.Group) else None
        if link is None:
            known = nearest(path, _dataset_names(opened)) if len(opened) else "it is empty."
            raise UsageError(f"{named}: {file} has no dataset {path!r}; {known}")
        if not isinstance(link, h5py.HardLink):
            raise _elsewhere(named, file, path, f"a link to {getattr(link, 'filename', '')}::{link.path}")
        node = node[name]
    if not isinstance(node, h5py.Dataset):
        raise UsageError(f"{named}: {path!r} in {file} is a group of {sorted(node)[:9]}. Name the dataset in it.")
    if node.external or node.is_virtual:
        raise _elsewhere(named, file, path, "kept in another file")
    return node


def read_rows(dataset: Any, start: int, stop: int) -> Array:
    """Return rows of a dataset.

    Raises
    ------
    UserError
        If they cannot be read.
    """
    try:
        return np.asarray(dataset[start:stop])
    except UserError:  # the program is to stop
        raise
    except Exception as error:
        raise UserError(
            f"Rows {start:,} to {stop:,} of {dataset.name!r} in {dataset.file.filename} cannot be read "
            f"({_first_line(error)}). The file is damaged: copy or save it again."
        ) from None


@contextmanager
def _explained(file: str) -> Iterator[None]:
    """Say that a file is damaged, which makes the HDF5 library raise almost anything."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UsageError(f"{file} is not a whole HDF5 file ({_first_line(error)}). Copy or save it again.") from None


def _elsewhere(named: str, file: str, path: str, what: str) -> UsageError:
    return UsageError(
        f"{named}: {path!r} in {file} is {what}, which is not followed, so that an import reads the project's own "
        "files and no others. Save the values as a dataset of this file."
    )


def _dataset_names(opened: Any) -> list[str]:
    found: list[str] = []
    opened.visititems(lambda name, node: found.append(name) if hasattr(node, "shape") else None)
    return found


def _first_line(error: Exception) -> str:
    return str(error).strip("'\"").partition("\n")[0] or type(error).__name__
