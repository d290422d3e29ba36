"""Datasets of numbers as one compressed file each: what is written once, read once and thrown away."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Blosc
from numpy.typing import NDArray

from .dashboard import count
from .disk import new_file
from .errors import UserError

MAGIC = b"lstm-analysis packed 1\n"
PIECE_BYTES = 1 << 28
CODEC = Blosc(cname="lz4", clevel=1, shuffle=Blosc.SHUFFLE)
"""Most of a summary's counts are zero or small; shuffled bytes of such numbers shrink many times at memory speed."""


def write_packed(path: Path, dataset: xr.Dataset) -> int:
    """Write a dataset in one step: a reader sees the whole file or none. Attributes are left out.

    A Zarr store has a file or more for each variable, at some milliseconds each; this is one file.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    dataset
        Variables of numbers, coordinates of numbers or texts.

    Returns
    -------
    The size of the file in bytes.
    """
    numbers = {str(name): v for name, v in dataset.variables.items() if v.dtype.kind in "biuf"}
    texts = {str(name): v for name, v in dataset.variables.items() if v.dtype.kind not in "biuf"}
    pieces: list[bytes] = []
    entries = [_pack(name, variable, name in dataset.coords, pieces) for name, variable in numbers.items()]
    for name, variable in texts.items():
        entries.append({"name": name, "dims": list(variable.dims), "texts": variable.values.tolist()})
    header = json.dumps({"entries": entries, "crc32": _crc32(pieces)}).encode()
    with new_file(path) as temporary, temporary.open("wb") as file:
        file.write(MAGIC + len(header).to_bytes(8, "little") + header)
        for piece in pieces:
            file.write(piece)
    size = path.stat().st_size
    count(bytes=size)
    return size


def read_packed(path: Path) -> xr.Dataset:
    """Return what `write_packed` has written.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UserError
        If it is damaged.
    """
    with path.open("rb") as file:
        try:
            header = _read_header(file.read(len(MAGIC) + 8), file)
            pieces = [file.read(n) for entry in header["entries"] for n in entry.get("pieces", [])]
        except (ValueError, KeyError):
            raise _damaged(path) from None
    if _crc32(pieces) != header["crc32"]:
        raise _damaged(path)
    rest = iter(pieces)
    variables = {entry["name"]: (entry["dims"], _unpack(entry, rest)) for entry in header["entries"]}
    found = xr.Dataset(variables)
    return found.set_coords([entry["name"] for entry in header["entries"] if entry.get("coord", True)])


def remove_damaged(folder: Path) -> list[Path]:
    """Remove the packed files of a folder that are not what was written, and return them."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_file() and not path.name.startswith("."):
            try:
                read_packed(path)
            except UserError:
                path.unlink()
                found.append(path)
    return found


def _read_header(start: bytes, file: Any) -> dict[str, Any]:
    if not start.startswith(MAGIC):
        raise ValueError("another kind of file")
    header: dict[str, Any] = json.loads(file.read(int.from_bytes(start[len(MAGIC) :], "little")))
    return header


def _pack(name: str, variable: xr.Variable, coord: bool, pieces: list[bytes]) -> dict[str, Any]:
    values = np.asarray(variable.values, order="C")
    raw = values.reshape(-1).view(np.uint8)
    packed = []
    for at in range(0, len(raw), PIECE_BYTES):
        piece = raw[at : at + PIECE_BYTES].view(values.dtype)
        packed.append(bytes(CODEC.encode(piece)))
    pieces += packed
    kind = {"dtype": values.dtype.str, "shape": list(values.shape), "coord": coord}
    return {"name": name, "dims": list(variable.dims), "pieces": [len(piece) for piece in packed], **kind}


def _unpack(entry: dict[str, Any], pieces: Iterator[bytes]) -> NDArray[Any]:
    if "texts" in entry:
        return np.array(entry["texts"])
    found = np.empty(entry["shape"], dtype=entry["dtype"])
    raw, at = found.reshape(-1).view(np.uint8), 0
    for _ in entry["pieces"]:
        n = min(PIECE_BYTES, len(raw) - at)
        CODEC.decode(next(pieces), out=raw[at : at + n])
        at += n
    return found


def _crc32(pieces: list[bytes]) -> int:
    sum_ = 0
    for piece in pieces:
        sum_ = zlib.crc32(piece, sum_)
    return sum_


def _damaged(path: Path) -> UserError:
    return UserError(f"{path} is damaged. Remove it and run the same command again: it is made anew.")
